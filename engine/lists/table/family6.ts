// SPDX-License-Identifier: Apache-2.0
// The IPv6 half of the table: entries and what leads to them, kept in step.

import { ListLimit } from '../../../common/abi.gen.js';
import { Entries6 } from './entries6.js';
import { Front } from './front.js';
import { LengthCounts } from './length-counts.js';
import { LengthSets } from './length-sets.js';
import { frontMemory6, type TableMemory } from './memory.js';
import type { Quarantine } from './quarantine.js';
import { capacityOf, type Hashes, LINE_ENTRIES, Root, wordMask } from './shape.js';

const SHORT = ListLimit.SHORT;
/** Lengths 25 to 31 and whatever is longer are counted by 24 bits, apart from the bits of a set of lengths (0 to 96). */
const SHALLOW = 97 - 25;
const DEEP = 104;

export class Family6 {
  readonly entries: Entries6;
  readonly lengths: LengthSets;
  readonly front: Front;
  readonly capacity: number;
  readonly places: number;
  /** Entries by length. */
  readonly byLength = new Uint32Array(129);
  size = 0;
  readonly #counts = new LengthCounts();
  readonly #root: Uint32Array;

  constructor(memory: TableMemory, hashes: Hashes, quarantine: Quarantine) {
    this.entries = new Entries6(memory.entries6, hashes, quarantine);
    this.lengths = new LengthSets(memory.buckets6, memory.lengthSets, hashes, quarantine, this.#counts);
    this.front = new Front(frontMemory6(memory));
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
  link(top: number, length: number): void {
    if (length >= 32) this.lengths.add(top, length);
    this.#count(top, length);
  }

  /** As `link`, for entries that were found in the kernel's memory. */
  adopt(tops: Uint32Array, lengths: Uint8Array): void {
    this.lengths.adopt(tops, lengths);
    for (let i = 0; i < tops.length; i++) this.#count(tops[i] ?? 0, lengths[i] ?? 0);
  }

  #count(top: number, length: number): void {
    this.size++;
    const before = this.byLength[length] ?? 0;
    this.byLength[length] = before + 1;
    const index = top >>> 8;
    if (length >= 32) {
      if (this.#counts.add(index, DEEP, 1) === 0) this.front.setFull(index, 1);
    } else if (length > 24) {
      if (this.#counts.add(index, SHALLOW + length, 1) === 0) this.front.setLength(index, length, true);
    } else {
      if (before === 0 && this.front.live) Atomics.store(this.#root, Root.LENGTHS6, this.shortLengths);
      if (length >= SHORT) this.front.addCover(index, length);
    }
  }

  /** The other way round, after the entry was removed. */
  unlink(top: number, length: number): void {
    this.size--;
    const left = (this.byLength[length] ?? 0) - 1;
    this.byLength[length] = left;
    const index = top >>> 8;
    if (length >= 32) {
      if (this.#counts.add(index, DEEP, -1) === 1) this.front.setFull(index, 0);
      this.lengths.remove(top, length);
    } else if (length > 24) {
      if (this.#counts.add(index, SHALLOW + length, -1) === 1) this.front.setLength(index, length, false);
    } else {
      if (length >= SHORT) this.front.dropCover(index, length, this.#coverBelow(top, length));
      if (left === 0) Atomics.store(this.#root, Root.LENGTHS6, this.shortLengths);
    }
  }

  #coverBelow(top: number, length: number): number {
    for (let shorter = length - 1; shorter >= SHORT; shorter--) {
      const masked = top & wordMask(shorter);
      if ((this.byLength[shorter] ?? 0) > 0 && this.entries.find(masked, 0, 0, 0, shorter) >= 0) return shorter;
    }
    return 0;
  }
}
