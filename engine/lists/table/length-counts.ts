// SPDX-License-Identifier: Apache-2.0
// How many entries share their first bits and a length: tells when the last one of a length is gone.

/** Open addressing over (up to 32 first bits, a number for the length below 127). What has come to zero goes when the table grows. */
export class LengthCounts {
  /** Two words a cell: the 32 bits; count << 7 | bit of the length. A count of 0 with bit 127 is a cell never used. */
  #tops = new Uint32Array(1024);
  #counts = new Uint32Array(1024).fill(127);
  #used = 0;

  #cell(top: number, bit: number): number {
    const mask = this.#tops.length - 1;
    let hash = Math.imul(top ^ Math.imul(bit, 0x9e3779b9), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    let at = (hash ^ (hash >>> 16)) & mask;
    for (;;) {
      const word = this.#counts[at] ?? 0;
      if (word === 127 || ((word & 127) === bit && this.#tops[at] === top >>> 0)) return at;
      at = (at + 1) & mask;
    }
  }

  /** Adds `by` and gives the count before. */
  add(top: number, bit: number, by: number): number {
    let at = this.#cell(top, bit);
    if (this.#counts[at] === 127) {
      if (this.#used * 2 >= this.#tops.length) {
        this.#grow();
        at = this.#cell(top, bit);
      }
      this.#used++;
      this.#tops[at] = top;
      this.#counts[at] = bit;
    }
    const before = (this.#counts[at] ?? 0) >>> 7;
    this.#counts[at] = ((before + by) << 7) | bit;
    return before;
  }

  #grow(): void {
    const [tops, counts] = [this.#tops, this.#counts];
    let live = 0;
    for (const word of counts) if (word > 127) live++;
    const cells = live * 4 > tops.length ? tops.length * 2 : tops.length;
    this.#tops = new Uint32Array(cells);
    this.#counts = new Uint32Array(cells).fill(127);
    this.#used = live;
    for (let i = 0; i < tops.length; i++) {
      const word = counts[i] ?? 0;
      if (word <= 127) continue;
      const at = this.#cell(tops[i] ?? 0, word & 127);
      this.#tops[at] = tops[i] ?? 0;
      this.#counts[at] = word;
    }
  }
}
