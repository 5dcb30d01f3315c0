// SPDX-License-Identifier: Apache-2.0
// The two ends of the benchmark of cut flows.
//   send DESTINATION COUNT TRIGGER…   connections that send a head with its send time, then send times for a while
//   receive FILE                      notes for each how long after the head the last time that arrived was sent

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';

const PORT = 7777;
const WINDOW_NS = 200_000_000n;
/** Who sent nearly until the end was not cut. */
const UNCUT_NS = 190_000_000;
const END = '\r\n\r\n';
const STAMP = 8;
const [role = '', ...rest] = process.argv.slice(2);

async function send(to: string, count: number, triggers: readonly string[]): Promise<void> {
  for (let n = 0; n < count * triggers.length; n++) {
    const socket = connect(PORT, to).setNoDelay(true);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const begin = process.hrtime.bigint();
    socket.write(`${triggers[n % triggers.length]}\r\nHost: h\r\nContent-Length: 1000000\r\nX-Sent: ${begin}${END}`);
    for (let now = begin; now < begin + WINDOW_NS; now = process.hrtime.bigint()) {
      const stamp = Buffer.alloc(STAMP);
      stamp.writeBigUInt64LE(now);
      if (socket.writableLength === 0) socket.write(stamp);
      await turn();
    }
    socket.destroy();
    await sleep(20);
  }
}

function receive(file: string): void {
  const streams: Buffer[][] = [];
  const server = createServer((socket) => {
    const pieces: Buffer[] = [];
    streams.push(pieces);
    socket.on('data', (piece) => pieces.push(piece)).on('error', () => socket.destroy());
  });
  server.listen(PORT, () => console.log('ready'));
  process.once('SIGTERM', () => {
    const found = streams.map((pieces) => {
      const bytes = Buffer.concat(pieces);
      const at = bytes.indexOf(END) + END.length;
      const head = bytes.subarray(0, at).toString('latin1');
      const last = at + Math.floor((bytes.length - at) / STAMP) * STAMP - STAMP;
      const sent = BigInt(/X-Sent: (\d+)/.exec(head)?.[1] ?? 0);
      // Nothing behind the head: the cut was there before the next write.
      const ns = last < at ? 0 : Number(bytes.readBigUInt64LE(last) - sent);
      return { head, ns, cut: ns < UNCUT_NS };
    });
    writeFileSync(file, JSON.stringify(found));
    process.exit(0);
  });
}

if (role === 'send') await send(rest[0] ?? '', Number(rest[1]), rest.slice(2));
else receive(rest[0] ?? '');
