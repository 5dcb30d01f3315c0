// SPDX-License-Identifier: Apache-2.0
// A request is read to its end before it is answered, also one that is refused at once: a unix socket that is closed
// with bytes unread resets the other end (the kernel's unix_release_sock), and the answer would be lost.

import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { BULK_LIMIT } from './limits.js';

/** A caller who waits with the rest of his body for the answer gets it after so long. */
const QUIET_MS = 2000;

/** Resolves when all of a body has come, or as much as any may have, or nothing comes any more; it is thrown away. */
function readToEnd(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0;
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, QUIET_MS);
    request.on('data', (chunk: Buffer) => {
      timer.refresh();
      bytes += chunk.length;
      if (bytes > BULK_LIMIT) done();
    });
    request.once('end', done).once('close', done).once('error', done).resume();
  });
}

export function readWholeRequests(app: FastifyInstance): void {
  app.addHook('onSend', async ({ method, raw }, _reply, payload) => {
    if (method !== 'GET' && !raw.complete && !raw.destroyed) await readToEnd(raw);
    return payload;
  });
}
