// SPDX-License-Identifier: Apache-2.0
// Hands out the indexes of the kernel's hit counters. 0 is reserved: no entry owns it.

/** Free indexes of a counter table; a freed one is reused as late as possible, since a CPU may still count into it. */
export class HitSlots {
  readonly #capacity: number;
  readonly #used = new Set<number>();
  #freed: number[] = [];
  #head = 0;
  #next = 1;

  /** @param capacity counters in the table, index 0 included */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Indexes that can still be handed out. */
  get free(): number {
    return this.#capacity - 1 - this.#used.size;
  }

  /** Claims a given index (an entry found in the kernel); false if it is taken or out of range. */
  claim(index: number): boolean {
    if (index < 1 || index >= this.#capacity || this.#used.has(index)) return false;
    this.#used.add(index);
    return true;
  }

  /** A free index, or 0 if there is none: the entry is enforced without counters of its own. */
  take(): number {
    while (this.#next < this.#capacity) {
      const index = this.#next++;
      if (this.claim(index)) return index;
    }
    while (this.#head < this.#freed.length) {
      const index = this.#freed[this.#head++] ?? 0;
      if (this.#head > 4096 && this.#head * 2 > this.#freed.length) {
        this.#freed = this.#freed.slice(this.#head);
        this.#head = 0;
      }
      if (this.claim(index)) return index;
    }
    return 0;
  }

  release(index: number): void {
    if (this.#used.delete(index) && index < this.#next) this.#freed.push(index);
  }
}
