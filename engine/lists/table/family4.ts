// SPDX-License-Identifier: Apache-2.0
// The IPv4 half of the table: entries and what leads to them, kept in step.

import { ListLimit } from '../../../common/abi.gen.js';
import { Entries4 } from './entries4.js';
import { Front, MANY } from './front.js';
import { LengthCounts } from './length-counts.js';
import { frontMemory4, type TableMemory } from './memory.js';
import type { Quarantine } from './quarantine.js';
import { capacityOf, type Hashes, LINE_ENTRIES, Root, wordMask } from './shape.js';

const SHORT = ListLimit.SHORT;

export class Family4 {
  readonly entries: Entries4;
  readonly front: Front;
  readonly capacity: number;
  readonly places: number;
  /** Entries by length. */
  readonly byLength = new Uint32Array(33);
  size = 0;
  /** Entries of 25 to 31 bits by their first 24. */
  readonly #counts = new LengthCounts();
  readonly #root: Uint32Array;

  constructor(memory: TableMemory, hashes: Hashes, quarantine: Quarantine) {
    this.entries = new Entries4(memory.entries4, hashes, quarantine);
    this.front = new Front(frontMemory4(memory));
    this.capacity = capacityOf(this.entries.lines);
    this.places = this.entries.lines * LINE_ENTRIES;
    this.#root = memory.root;
  }

  /** Lengths up to 24 that have an entry, as bits. */
  get shortLengths(): number {
    let bits = 0;
    for (let length = 0; length <= 24; length++) if ((this.byLength[length] ?? 0) > 0) bits |= 1 << length;
    return bits;
  }

  /** What the lookup needs besides the entry itself, after it was added. */
  link(addr: number, length: number): void {
    this.size++;
    const before = this.byLength[length] ?? 0;
    this.byLength[length] = before + 1;
    const index = addr >>> 8;
    if (length === 32) return this.front.addFull(index);
    if (length > 24) {
      if (this.#counts.add(index, length, 1) === 0) this.front.setLength(index, length, true);
      return;
    }
    if (before === 0 && this.front.live) Atomics.store(this.#root, Root.LENGTHS4, this.shortLengths);
    if (length >= SHORT) this.front.addCover(index, length);
  }

  /**
   * The other way round, after the entries were removed: `gone` of that length within the 24 bits of `addr` (all in one
   * go, so that what remains is counted once).
   */
  unlink(addr: number, length: number, gone = 1): void {
    this.size -= gone;
    const left = (this.byLength[length] ?? 0) - gone;
    this.byLength[length] = left;
    const index = addr >>> 8;
    if (length === 32) {
      const full = this.front.full(index);
      this.front.setFull(index, full < MANY ? full - gone : this.#hosts(index));
    } else if (length > 24) {
      if (this.#counts.add(index, length, -gone) === gone) this.front.setLength(index, length, false);
    } else {
      if (length >= SHORT) this.front.dropCover(index, length, this.#coverBelow(addr, length));
      if (left === 0) Atomics.store(this.#root, Root.LENGTHS4, this.shortLengths);
    }
  }

  /** Single addresses under these 24 bits, up to MANY. */
  #hosts(index: number): number {
    let count = 0;
    for (let host = 0; host < 256 && count < MANY; host++) if (this.entries.find((index << 8) | host, 32) >= 0) count++;
    return count;
  }

  /** The longest entry of SHORT to `length - 1` bits that covers a prefix of `length` bits; 0 = none. */
  #coverBelow(addr: number, length: number): number {
    for (let shorter = length - 1; shorter >= SHORT; shorter--) {
      if ((this.byLength[shorter] ?? 0) > 0 && this.entries.find(addr & wordMask(shorter), shorter) >= 0)
        return shorter;
    }
    return 0;
  }
}
