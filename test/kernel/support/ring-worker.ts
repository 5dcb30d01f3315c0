// SPDX-License-Identifier: Apache-2.0
// The other thread of binding-rings.test.ts: waits, drains, and tells what it saw when it is woken for the last time.

import { parentPort, workerData } from 'node:worker_threads';
import { readEvent } from '../../../common/abi.gen.js';
import { type RingHandle, RingReader, RingWaiter, type WaiterHandle } from '../../../engine/bpf/index.js';

const { ring, waiter: handle, stop } = workerData as { ring: RingHandle; waiter: WaiterHandle; stop: Int32Array };
const reader = RingReader.open(ring);
const waiter = RingWaiter.adopt(handle);
let count = 0;
let ordered = true;
let last = 0;
parentPort?.postMessage('ready');
while (Atomics.load(stop, 0) === 0 || reader.pending > 0) {
  waiter.wait(5000);
  count += reader.drain((view, at) => {
    const { packet } = readEvent(view, at);
    ordered &&= packet > last;
    last = packet;
  });
}
reader.close();
waiter.close();
parentPort?.postMessage({ count, ordered, last });
