// SPDX-License-Identifier: Apache-2.0
// A thread that pushes frames through programs of its own on the pinned tables of another Kernel, as another CPU does.

import { parentPort, workerData } from 'node:worker_threads';
import { Kernel } from '../../../engine/bpf/index.js';

export interface PushOrder {
  readonly pinDir: string;
  readonly frames: readonly Uint8Array[];
  /** Packets in one call, of each frame. */
  readonly repeat: number;
  readonly rounds: number;
  /** Two words: threads that are ready (at `threads` all start), and 1 when they shall end before their rounds do. */
  readonly gate: SharedArrayBuffer;
  readonly threads: number;
}

const order = workerData as PushOrder;
const kernel = Kernel.open({ replay: true, pinDir: order.pinDir });
try {
  const gate = new Int32Array(order.gate);
  Atomics.add(gate, 0, 1);
  while (Atomics.load(gate, 0) < order.threads) {
    /* Both must begin at once, so this is a spin. */
  }
  for (let round = 0; round < order.rounds && Atomics.load(gate, 1) === 0; round++) {
    for (const frame of order.frames) kernel.run(frame, { repeat: order.repeat });
  }
} finally {
  kernel.close();
}
parentPort?.postMessage('done');
