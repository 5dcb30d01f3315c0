// SPDX-License-Identifier: Apache-2.0
// What has become of the records of one lease: an outbox settles from the front, receivers decide in any order.

import type { Sendable } from './entry.js';
import type { Fate } from './sinks/sink.js';

type Decided = Exclude<Fate, 'retry'>;

/** Records in a row that have met with the same. */
export interface Settled {
  readonly fate: Decided;
  readonly entries: readonly Sendable[];
}

function alike(a: Decided, b: Decided): boolean {
  return typeof a === 'object' && typeof b === 'object' ? a.refused === b.refused : a === b;
}

export class Fates {
  readonly #entries: readonly Sendable[];
  readonly #decided = new Map<Sendable, Decided>();
  #settled = 0;

  constructor(entries: readonly Sendable[]) {
    this.#entries = entries;
  }

  decide(entry: Sendable, fate: Fate): void {
    if (fate !== 'retry') this.#decided.set(entry, fate);
  }

  /** Records that are still to be delivered. */
  get open(): readonly Sendable[] {
    if (this.#decided.size === 0) return this.#entries;
    return this.#entries.filter((entry) => !this.#decided.has(entry));
  }

  /** Records that are not settled: those that are decided behind an open one too. */
  get waiting(): number {
    return this.#entries.length - this.#settled;
  }

  /** Takes what is decided off the front. */
  *settled(): Generator<Settled> {
    while (this.#settled < this.#entries.length) {
      const from = this.#settled;
      const fate = this.#fateAt(from);
      if (fate === undefined) return;
      let to = from + 1;
      for (let next = this.#fateAt(to); next !== undefined && alike(fate, next); next = this.#fateAt(++to));
      this.#settled = to;
      yield { fate, entries: this.#entries.slice(from, to) };
    }
  }

  #fateAt(index: number): Decided | undefined {
    const entry = this.#entries[index];
    return entry && this.#decided.get(entry);
  }
}
