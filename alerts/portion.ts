// SPDX-License-Identifier: Apache-2.0
// How much of a batch a slow receiver gets at once: half of what it did not come to an end with in time, and a little more
// with every delivery, as what is too much is paid for with a timeout.

import type { Batch, Sendable } from './entry.js';

/** So many deliveries lead from one record back to a whole batch. */
const STEPS = 50;

export class Portion {
  /** Records at once. */
  #records = Infinity;

  get records(): number {
    return this.#records;
  }

  /** The first of the records of a lease that are open. A part has an id of its own, the same however often it is tried. */
  of({ id, entries }: Batch, open: readonly Sendable[]): Batch {
    const part = open.slice(0, this.#records);
    const [first] = part;
    if (first === undefined || part.length === entries.length) return { id, entries: part };
    return { id: `${id}.${entries.indexOf(first)}-${part.length}`, entries: part };
  }

  /** So many were too many. */
  less(records: number): void {
    this.#records = Math.max(1, Math.ceil(records / 2));
  }

  /** So many as there were have come through. @param most records of a batch */
  more(most: number): void {
    this.#records += Math.ceil(most / STEPS);
    if (this.#records >= most) this.#records = Infinity;
  }
}
