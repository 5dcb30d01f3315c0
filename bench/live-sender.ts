// SPDX-License-Identifier: Apache-2.0
// The sender of the live blocklist benchmark: frames of changing sources out of an interface, as fast as one core makes
// them. Reads one order a line, INTERFACE MAC FILE MILLISECONDS, and answers each with a line of JSON.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Mapping } from '../engine/bpf/memory.js';
import { interfaceIndex } from '../engine/bpf/netdev.js';
import { TestRun } from '../engine/bpf/test-run.js';
import { ip } from '../test/kernel/support/frames.js';
import { PlainObject } from './plain-object.js';

/** Frames a call. Each call waits for the kernel's readers, some 15 ms without a frame: it takes long enough for that to be little. */
const CALL = 1 << 21;

const object = PlainObject.load();
const senders = object.map('bench_senders');
const bytes = senders.info.maxEntries * senders.info.valueSize;
const mapping = Mapping.open(senders.fd, bytes, { writable: true, what: 'bench_senders' });
const test = new TestRun(object.program('bench_send'));

/** UDP without a checksum: no receiver has to compute one. */
const datagram = new Uint8Array(8 + 18);
new DataView(datagram.buffer).setUint32(0, (40000 << 16) | 53);
new DataView(datagram.buffer).setUint16(4, datagram.length);
const frame = ip({ src: '0.0.0.0', dst: '198.51.100.1' }, 17, datagram);

let loaded = '';
for await (const line of createInterface({ input: process.stdin })) {
  const [name = '', mac = '', file = '', ms = ''] = line.split(' ');
  if (file !== loaded) new Uint8Array(mapping.buffer, 0, bytes).set(readFileSync(file));
  loaded = file;
  frame.set(mac.split(':').map((part) => parseInt(part, 16)));
  const ifindex = interfaceIndex(name);
  const start = process.hrtime.bigint();
  const end = start + BigInt(ms) * 1_000_000n;
  let offered = 0;
  for (; process.hrtime.bigint() < end; offered += CALL) test.live(frame, ifindex, CALL);
  const ns = Number(process.hrtime.bigint() - start);
  process.stdout.write(`${JSON.stringify({ offered, ns })}\n`);
}
mapping.close();
object.close();
