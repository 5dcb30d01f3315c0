// SPDX-License-Identifier: Apache-2.0
// Receivers of alerts on loopback that misbehave until SIGUSR2, and from then on take what comes:
//   node receivers.js FIGURES-SOCKET NAME:KIND:PORT:MANNER…
// KIND: http, lines (syslog over TCP), names (a name server, UDP). MANNER: well; dead: nobody listens; hole: takes connections and
// reads nothing; slow: reads at SLOW bytes a second; fails: http answers 500, lines hangs up.
import { createSocket } from 'node:dgram';
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { tellFigures } from './figures.js';

/** Bytes a second. */
const SLOW = 128 * 1024;
const ID = /"ids":\{"id":"([0-9a-f]{32})"/g;
let well = false;

/** What came to one receiver: records by their ids, and those that came again. */
class Inbox {
  readonly #ids = new Set<string>();
  records = 0;
  again = 0;

  take(text: string): void {
    for (const [, id = ''] of text.matchAll(ID)) {
      if (this.#ids.has(id)) this.again++;
      this.#ids.add(id);
    }
    this.records = this.#ids.size;
  }
}

/** Reads no faster than SLOW, as long as it is not well. */
function throttled(stream: Readable): Readable {
  return stream.on('data', (chunk: Buffer) => {
    if (well) return;
    stream.pause();
    setTimeout(() => stream.resume(), (chunk.length / SLOW) * 1000);
  });
}

function serve(kind: string, manner: string, inbox: Inbox): (socket: Socket) => void {
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    if (manner === 'slow') throttled(request);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (manner === 'fails' && !well) return response.writeHead(500).end();
      inbox.take(Buffer.concat(chunks).toString());
      return response.writeHead(204).end();
    });
  };
  const http = createHttp(onRequest);
  const onLines = (socket: Socket): void => {
    let rest = '';
    if (manner === 'slow') throttled(socket);
    socket.setEncoding('utf8').on('data', (text: string) => {
      if (manner === 'fails' && !well) return void socket.destroy();
      const end = text.lastIndexOf('\n') + 1;
      if (end > 0) inbox.take(rest + text.slice(0, end));
      return void (rest = end > 0 ? text.slice(end) : rest + text);
    });
  };
  return kind === 'http' ? (socket) => void http.emit('connection', socket) : onLines;
}

const [figures = '', ...words] = process.argv.slice(2);
const inboxes: Record<string, Inbox> = {};
const held = new Set<Socket>();
for (const word of words) {
  const [name = '', kind = '', port = '', manner = ''] = word.split(':');
  if (kind === 'names') {
    // It hears every question, and answers none.
    createSocket('udp4').bind(Number(port), '127.0.0.1');
    continue;
  }
  const inbox = (inboxes[name] = new Inbox());
  const take = serve(kind, manner, inbox);
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => undefined);
    if (manner === 'hole' && !well) return void held.add(socket);
    take(socket);
    return void socket.resume();
  });
  const listen = (): void => void server.listen(Number(port), '127.0.0.1');
  if (manner === 'dead') process.once('SIGUSR2', listen);
  else listen();
}
process.once('SIGUSR2', () => {
  well = true;
  for (const socket of held) socket.destroy();
});
await tellFigures(figures, () =>
  Object.fromEntries(Object.entries(inboxes).map(([name, { records, again }]) => [name, { records, again }])),
);
console.log('listening');
