// SPDX-License-Identifier: Apache-2.0
// Sends datagrams that can be told apart by their ports, and ends.
//   node counted-sender.js TO FIRST COUNT
// Number n comes from the n / 60000-th socket and goes to port 1 + n % 60000.
import { createSocket, type Socket } from 'node:dgram';

const [to = '', first = '0', count = '0'] = process.argv.slice(2);
const PORTS = 60_000;
const BURST = 64;

const sockets = new Map<number, Socket>();
async function socketOf(index: number): Promise<Socket> {
  const known = sockets.get(index);
  if (known) return known;
  const socket = createSocket('udp4');
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.bind(61_000 + index, () => resolve()));
  sockets.set(index, socket);
  return socket;
}

for (let n = Number(first), end = n + Number(count); n < end;) {
  const sent: Promise<void>[] = [];
  for (let i = 0; i < BURST && n < end; i++, n++) {
    const socket = await socketOf(Math.floor(n / PORTS));
    const port = 1 + (n % PORTS);
    sent.push(
      new Promise((resolve, reject) => socket.send('x', port, to, (error) => (error ? reject(error) : resolve()))),
    );
  }
  await Promise.all(sent);
}
for (const socket of sockets.values()) socket.close();
