// SPDX-License-Identifier: Apache-2.0
// How a traffic program inside a namespace tells its figures: over a unix socket, which namespaces do not divide.
import { createServer, request } from 'node:http';

/** Answers every request on the socket with the figures of the moment. */
export function tellFigures(socket: string, figures: () => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer((_request, response) => response.end(JSON.stringify(figures())));
    server.once('error', reject);
    server.listen(socket, resolve);
  });
}

/** Asks for the figures. */
export function askFigures<T>(socket: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath: socket, path: '/', agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.once('end', () => resolve(JSON.parse(text) as T));
      response.once('error', reject);
    });
    asking.once('error', reject);
    asking.end();
  });
}
