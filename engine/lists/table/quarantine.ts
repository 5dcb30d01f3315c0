// SPDX-License-Identifier: Apache-2.0
// When a freed place may be used anew: a program that is looking at it must never see two entries mixed.

/** No program runs for longer than this by far. */
const REST_MS = 2000;
const TICK_MS = 250;

/** Stamps freed places. Stamps begin at 1: 0 is a place that was never used. */
export class Quarantine {
  readonly #clock: () => number;
  readonly #start: number;
  #tick = 1;
  /** Places with a stamp up to this one are free for use. */
  safe = 0;

  /** @param clock milliseconds, monotonic */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
    this.#start = clock();
  }

  /** The stamp for what is freed now. */
  get stamp(): number {
    return this.#tick;
  }

  /** To be called before each change: looks at the clock. */
  advance(): void {
    const tick = 1 + Math.floor((this.#clock() - this.#start) / TICK_MS);
    if (tick > this.#tick) this.#tick = tick;
    const safe = this.#tick - 1 - REST_MS / TICK_MS;
    if (safe > this.safe) this.safe = safe;
  }

  /** After a wait for all readers: what was freed before it may be used at once. */
  release(): void {
    this.safe = this.#tick++;
  }
}
