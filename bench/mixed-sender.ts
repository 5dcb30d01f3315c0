// SPDX-License-Identifier: Apache-2.0
// Sends datagrams at steady rates until its input ends, and says how many of each:
//   mixed-sender.js TO SOURCE:PORT:PER-SECOND…

import { createSocket, type Socket } from 'node:dgram';
import { atInputEnd } from './at-input-end.js';

const EVERY_MS = 5;
const [to = '', ...words] = process.argv.slice(2);

interface Stream {
  readonly socket: Socket;
  readonly port: number;
  readonly rate: number;
  sent: number;
}

let pending = 0;
const streams = await Promise.all(
  words.map(async (word): Promise<Stream> => {
    const [source = '', port = '', rate = ''] = word.split(':');
    const socket = createSocket('udp4').on('error', () => undefined);
    await new Promise<void>((resolve) => socket.bind(0, source, resolve));
    return { socket, port: Number(port), rate: Number(rate), sent: 0 };
  }),
);

const begin = performance.now();
const timer = setInterval(() => {
  const seconds = (performance.now() - begin) / 1000;
  for (const stream of streams) {
    for (const due = Math.floor(seconds * stream.rate); stream.sent < due; stream.sent++) {
      pending++;
      stream.socket.send('steady', stream.port, to, (error) => {
        pending--;
        // What the kernel refuses is no packet.
        if (error) stream.sent--;
      });
    }
  }
}, EVERY_MS);

atInputEnd(
  timer,
  () => pending,
  () => JSON.stringify(streams.map(({ sent }) => sent)),
);
