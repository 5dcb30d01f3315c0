// SPDX-License-Identifier: Apache-2.0
// The two ends of the response benchmark.
//   send DESTINATION SOURCE…   from each source: a trigger (32 bytes), then datagrams with their send time for a while
//   receive FILE               notes for each source how long after the trigger the last datagram that arrived was sent

import { createSocket, type Socket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const PORT = 7777;
const WINDOW_NS = 60_000_000n;
const [role = '', ...rest] = process.argv.slice(2);

function datagram(bytes: number): Buffer {
  const out = Buffer.alloc(bytes);
  out.writeBigUInt64LE(process.hrtime.bigint());
  return out;
}

const sendOne = (socket: Socket, bytes: number, to: string): Promise<void> =>
  new Promise((resolve) => socket.send(datagram(bytes), PORT, to, () => resolve()));

async function send(to: string, sources: readonly string[]): Promise<void> {
  for (const source of sources) {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, source, resolve));
    const end = process.hrtime.bigint() + WINDOW_NS;
    await sendOne(socket, 32, to);
    while (process.hrtime.bigint() < end) await sendOne(socket, 64, to);
    socket.close();
    await sleep(20);
  }
}

function receive(file: string): void {
  const triggers = new Map<string, bigint>();
  const latencies: Record<string, number> = {};
  const socket = createSocket('udp4');
  socket.on('message', (message, { address }) => {
    const sent = message.readBigUInt64LE();
    if (message.length === 32) triggers.set(address, sent);
    latencies[address] = Number(sent - (triggers.get(address) ?? sent));
  });
  socket.bind(PORT, () => {
    socket.setRecvBufferSize(16 * 1024 * 1024);
    console.log('ready');
  });
  process.once('SIGTERM', () => {
    writeFileSync(file, JSON.stringify(latencies));
    socket.close();
  });
}

if (role === 'send') await send(rest[0] ?? '', rest.slice(1));
else receive(rest[0] ?? '');
