// SPDX-License-Identifier: Apache-2.0
// The IPv6 half of the table: entries and what leads to them, kept in step.

import { ListLimit } from '../../../common/abi.gen.js';
import { Entries6 } from './entries6.js';
import { Front, MANY } from './front.js';
import { Infos, lengthBit } from './infos.js';
import { LengthCounts } from './length-counts.js';
import type { TableMemory } from './memory.js';
import type { Quarantine } from './quarantine.js';
import { capacityOf, type Hashes, LINE_ENTRIES, Root, wordMask } from './shape.js';

const SHORT = ListLimit.SHORT;
/** Lengths 25 to 31 are counted by 24 bits, apart from the bits of a record, of which the last is 94. */
const SHALLOW = 70;

export class Family6 {
  readonly entries: Entries6;
  readonly infos: Infos;
  readonly front: Front;
  readonly capacity: number;
  readonly places: number;
  /** Entries by length. */
  readonly byLength = new Uint32Array(129);
  size = 0;
  readonly #counts = new LengthCounts();
  readonly #root: Uint32Array;

  constructor(memory: TableMemory, hashes: Hashes, quarantine: Quarantine) {
    const hits = memory.hits.subarray((memory.entries4.length / 16) * LINE_ENTRIES * 2);
    this.entries = new Entries6(memory.entries6, hits, hashes, quarantine);
    this.infos = new Infos(memory.info6, hashes, quarantine);
    this.front = new Front(memory.front6, memory.class6, memory.filter6);
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

  /** The record of lengths that an entry needs, made if need be; -1 if there is no room for one. 0 for short entries. */
  reserve(top: number, length: number): number {
    if (length < 32) return 0;
    const found = this.infos.find(top);
    return found >= 0 ? found : this.infos.reserve(top);
  }

  /** What the lookup needs besides the entry itself, after it was added. `record` is what `reserve` gave. */
  link(top: number, length: number, record: number): void {
    this.size++;
    const before = this.byLength[length] ?? 0;
    this.byLength[length] = before + 1;
    const index = top >>> 8;
    if (length >= 32) {
      const bit = lengthBit(length);
      if (this.#counts.add(top, bit, 1) === 0 && this.infos.set(record, top, bit)) this.front.addFull(index);
      return;
    }
    if (length > 24) {
      if (this.#counts.add(index, SHALLOW + length, 1) === 0) this.front.setLength(index, length, true);
      return;
    }
    if (before === 0 && this.front.live) Atomics.store(this.#root, Root.LENGTHS6, this.shortLengths);
    if (length >= SHORT) this.front.addCover(index, length);
  }

  /** As `link`, for an entry that was found in the kernel's memory; the records of lengths come by themselves (`Infos.adopt`). */
  count(top: number, length: number): void {
    if (length < 32) return this.link(top, length, 0);
    this.size++;
    this.byLength[length] = (this.byLength[length] ?? 0) + 1;
    this.#counts.add(top, lengthBit(length), 1);
  }

  /** The other way round, after the entry was removed. */
  unlink(top: number, length: number): void {
    this.size--;
    const left = (this.byLength[length] ?? 0) - 1;
    this.byLength[length] = left;
    const index = top >>> 8;
    if (length >= 32) this.#unlinkDeep(top, length);
    else if (length > 24) {
      if (this.#counts.add(index, SHALLOW + length, -1) === 1) this.front.setLength(index, length, false);
    } else {
      if (length >= SHORT) this.front.dropCover(index, length, this.#coverBelow(top, length));
      if (left === 0) Atomics.store(this.#root, Root.LENGTHS6, this.shortLengths);
    }
  }

  #unlinkDeep(top: number, length: number): void {
    const bit = lengthBit(length);
    if (this.#counts.add(top, bit, -1) !== 1) return;
    if (!this.infos.clear(this.infos.find(top), bit)) return;
    const index = top >>> 8;
    const full = this.front.full(index);
    if (full < MANY) return this.front.setFull(index, full - 1);
    let count = 0;
    for (let next = 0; next < 256 && count < MANY; next++) if (this.infos.find((index << 8) | next) >= 0) count++;
    this.front.setFull(index, count);
  }

  #coverBelow(top: number, length: number): number {
    for (let shorter = length - 1; shorter >= SHORT; shorter--) {
      const masked = top & wordMask(shorter);
      if ((this.byLength[shorter] ?? 0) > 0 && this.entries.find(masked, 0, 0, 0, shorter) >= 0) return shorter;
    }
    return 0;
  }
}
