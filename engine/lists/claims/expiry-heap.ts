// SPDX-License-Identifier: Apache-2.0
// Which claim ends next, without looking at the others.

import type { Claim } from './claim.js';
import type { OwnEntry } from './own-claims.js';

interface Item {
  readonly entry: OwnEntry;
  readonly claim: Claim;
}

/** Items that may not hold any more, besides as many as hold. */
const SLACK = 1_000;

/** A binary heap of claims by their end. A claim that was replaced meanwhile is passed over when its time comes. */
export class ExpiryHeap {
  #items: Item[] = [];
  /** Beyond it the heap is freed of what does not hold any more: a prolongation leaves the old end in it. */
  #most = SLACK;

  get size(): number {
    return this.#items.length;
  }

  get next(): number {
    return this.#items[0]?.claim.expires ?? Infinity;
  }

  push(entry: OwnEntry, claim: Claim): void {
    if (claim.expires === Infinity) return;
    const items = this.#items;
    let at = items.push({ entry, claim }) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#end(parent) <= this.#end(at)) break;
      this.#swap(at, parent);
      at = parent;
    }
    if (items.length > this.#most) this.#rebuild();
  }

  #rebuild(): void {
    this.#items = this.#items.filter(({ entry, claim }) => entry.claims.includes(claim));
    for (let at = this.#items.length >> 1; at >= 0; at--) this.#sink(at);
    this.#most = 2 * this.#items.length + SLACK;
  }

  /** The claims that have ended at `now` and still hold, up to `limit`, taken off the heap. */
  due(now: number, limit = Infinity): Item[] {
    const found: Item[] = [];
    while (this.next <= now && found.length < limit) {
      const item = this.#pop();
      if (item?.entry.claims.includes(item.claim)) found.push(item);
    }
    return found;
  }

  #end(at: number): number {
    return this.#items[at]?.claim.expires ?? Infinity;
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#items[a], this.#items[b]];
    if (!first || !second) return;
    this.#items[a] = second;
    this.#items[b] = first;
  }

  #pop(): Item | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (!top || !last || items.length === 0) return top;
    items[0] = last;
    this.#sink(0);
    return top;
  }

  #sink(from: number): void {
    for (let at = from; ;) {
      const left = 2 * at + 1;
      const child = this.#end(left + 1) < this.#end(left) ? left + 1 : left;
      if (child >= this.#items.length || this.#end(at) <= this.#end(child)) return;
      this.#swap(at, child);
      at = child;
    }
  }
}
