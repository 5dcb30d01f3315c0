// SPDX-License-Identifier: Apache-2.0
// Stands between a socket and kafkajs, which trusts what it reads: a length that no broker sends would be waited for in
// memory, and an answer that is too short throws where nobody catches it.

import type { Socket } from 'node:net';

/** The longest answer in bytes: what a broker itself takes at once unless told (socket.request.max.bytes). */
const ANSWER_MAX = 100 << 20;
const HEAD = 4;

/** True for chunk after chunk of a stream as long as every length in it (int32, big-endian, in front) is possible. */
export function frameCheck(max = ANSWER_MAX): (chunk: Buffer) => boolean {
  let head = Buffer.alloc(0);
  let left = 0;
  return (chunk) => {
    for (let at = 0; at < chunk.length;) {
      if (left > 0) {
        const taken = Math.min(left, chunk.length - at);
        left -= taken;
        at += taken;
        continue;
      }
      const more = chunk.subarray(at, at + HEAD - head.length);
      head = Buffer.concat([head, more]);
      at += more.length;
      if (head.length < HEAD) break;
      left = head.readInt32BE();
      head = Buffer.alloc(0);
      if (left < 0 || left > max) return false;
    }
    return true;
  };
}

/** The socket itself; what it says reaches its listeners as long as that is Kafka's protocol, and else ends it. */
export function framed(socket: Socket): Socket {
  const possible = frameCheck();
  const on = socket.on.bind(socket) as (event: string, listener: (...args: never[]) => void) => Socket;
  const guarded = (listener: (chunk: Buffer) => void) => (chunk: Buffer) => {
    try {
      if (possible(chunk)) return listener(chunk);
    } catch {
      // As below.
    }
    socket.destroy(new Error('what answers there speaks no Kafka: look at the port'));
  };
  return Object.assign(socket, {
    on: (event: string, listener: (...args: never[]) => void) =>
      on(event, event === 'data' ? guarded(listener as (chunk: Buffer) => void) : listener),
  });
}
