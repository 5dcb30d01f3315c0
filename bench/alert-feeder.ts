// SPDX-License-Identifier: Apache-2.0
// Feeds alerts into a running daemon: its own pinned program over one frame, as fast as its ring takes what that raises.

import { Mapping, pageSize } from '../engine/bpf/memory.js';
import { TestRun } from '../engine/bpf/test-run.js';
import { openPinned } from './pinned.js';

const BURST = 256;
/** Bytes of the ring that may wait: a quarter of it. */
const WAITING = 1 << 20;

export class AlertFeeder {
  readonly #program: TestRun;
  readonly #consumer: BigInt64Array;
  readonly #producer: BigInt64Array;

  /** @param pins of the daemon */
  constructor(pins: string) {
    this.#program = new TestRun(openPinned(pins, '_ids_xdp'));
    const ring = openPinned(pins, 'ids_events');
    const page = pageSize();
    this.#consumer = new BigInt64Array(Mapping.open(ring, page, { what: 'the reader of the ring' }).buffer, 0, 1);
    const written = Mapping.open(ring, page, { offset: page, what: 'the writer of the ring' });
    this.#producer = new BigInt64Array(written.buffer, 0, 1);
  }

  get waiting(): number {
    return Number(Atomics.load(this.#producer, 0) - Atomics.load(this.#consumer, 0));
  }

  /** Judges the frame so often, whenever the ring has room; at most `rate` times a second. */
  async feed(frame: Uint8Array, count: number, rate = Infinity): Promise<void> {
    const start = performance.now();
    for (let fed = 0; fed < count;) {
      const due = ((performance.now() - start) / 1000) * rate;
      if (this.waiting > WAITING || fed >= due) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        continue;
      }
      const repeat = Math.min(BURST, count - fed);
      this.#program.run(frame, { repeat });
      fed += repeat;
    }
  }
}
