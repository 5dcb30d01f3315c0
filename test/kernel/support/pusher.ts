// SPDX-License-Identifier: Apache-2.0
// A thread that pushes frames through programs of its own on the pinned tables of another Kernel, as another CPU does.

import { spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
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
  /** Which of them this is: it runs on the CPU of that number among those there are. */
  readonly thread: number;
}

/** Keeps this thread on a CPU of its own, however busy the machine is. */
function settle(thread: number): void {
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
  const cpus = list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  const task = readlinkSync('/proc/thread-self').split('/').at(-1) ?? '';
  const { status, stderr } = spawnSync('taskset', ['-c', '-p', String(cpus[thread % cpus.length]), task]);
  if (status !== 0) throw new Error(`taskset: ${String(stderr)}`);
}

const order = workerData as PushOrder;
settle(order.thread);
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
