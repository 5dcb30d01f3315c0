// SPDX-License-Identifier: Apache-2.0
// The front of one family: by the first 24 bits of an address, which lengths are worth asking for.

import { FrontBit } from '../../../common/abi.gen.js';
import type { FrontMemory } from './memory.js';

const COVER = FrontBit.FRONT_COVER;
const COUNT = FrontBit.FRONT_COUNT;
const SHIFT = FrontBit.FRONT_COUNT_SHIFT;
const ONE = 1 << SHIFT;
/** The bit of length 25. */
const LENGTH25 = 1 << FrontBit.FRONT_LENGTHS_SHIFT;
/** A count of this many means: or more. */
export const MANY = COUNT >> SHIFT;

export class Front {
  /** Front words, as they should be. */
  readonly copy = new Uint16Array(1 << 24);
  /** Bits of 22 bits of address, 32 a word, as they should be: more than full entries. */
  readonly mixed = new Uint32Array(1 << 17);
  /** Bits of 24 bits of address: any entry. */
  readonly any = new Uint32Array(1 << 19);
  /** The same of 22 bits. */
  readonly filter = new Uint32Array(1 << 17);
  readonly #kernel: Uint16Array;
  readonly #kernelMixed: Uint32Array;
  readonly #kernelAny: Uint32Array;
  readonly #kernelFilter: Uint32Array;
  /** False while the copy is being built: the kernel's words are left alone then. */
  live = true;

  constructor({ front, mixed, any, filter }: FrontMemory) {
    this.#kernel = new Uint16Array(front.buffer, front.byteOffset, front.length * 2);
    this.#kernelMixed = mixed;
    this.#kernelAny = any;
    this.#kernelFilter = filter;
  }

  #write(index: number, word: number): void {
    const { copy, mixed, any, filter } = this;
    const before = copy[index] ?? 0;
    copy[index] = word;
    if (this.live) this.#kernel[index] = word;
    const at = index & ~3;
    const all = (copy[at] ?? 0) | (copy[at + 1] ?? 0) | (copy[at + 2] ?? 0) | (copy[at + 3] ?? 0);
    if ((word & ~COUNT) === 0 || (before & ~COUNT) === 0)
      this.#bit(mixed, this.#kernelMixed, index >>> 2, (all & ~COUNT) !== 0);
    if (word !== 0 && before !== 0) return;
    this.#bit(any, this.#kernelAny, index, word !== 0);
    this.#bit(filter, this.#kernelFilter, index >>> 2, all !== 0);
  }

  #bit(copy: Uint32Array, kernel: Uint32Array, index: number, on: boolean): void {
    const at = index >>> 5;
    const bit = 1 << (index & 31);
    const before = copy[at] ?? 0;
    const after = (on ? before | bit : before & ~bit) >>> 0;
    if (after === before) return;
    copy[at] = after;
    if (this.live) Atomics.store(kernel, at, after);
  }

  /** One more full entry under these 24 bits. */
  addFull(index: number): void {
    const word = this.copy[index] ?? 0;
    if ((word & COUNT) !== COUNT) this.#write(index, word + ONE);
  }

  /** Full entries under these 24 bits, up to MANY. */
  full(index: number): number {
    return ((this.copy[index] ?? 0) & COUNT) >> SHIFT;
  }

  setFull(index: number, count: number): void {
    const word = this.copy[index] ?? 0;
    const next = (word & ~COUNT) | (Math.min(count, MANY) << SHIFT);
    if (next !== word) this.#write(index, next);
  }

  /** Whether there is an entry of that length, 25 to 31. */
  hasLength(index: number, length: number): boolean {
    return ((this.copy[index] ?? 0) & (LENGTH25 << (length - 25))) !== 0;
  }

  setLength(index: number, length: number, present: boolean): void {
    const word = this.copy[index] ?? 0;
    const bit = LENGTH25 << (length - 25);
    const next = present ? word | bit : word & ~bit;
    if (next !== word) this.#write(index, next);
  }

  /** A prefix of 8 to 24 bits is there: it is the cover of what has no longer one. */
  addCover(index: number, length: number): void {
    const end = index + 2 ** (24 - length);
    for (let i = index; i < end; i++) {
      const word = this.copy[i] ?? 0;
      if ((word & COVER) < length) this.#write(i, (word & ~COVER) | length);
    }
  }

  /** It is gone: `next` is the longest shorter one that covers the same range, or 0. */
  dropCover(index: number, length: number, next: number): void {
    const end = index + 2 ** (24 - length);
    for (let i = index; i < end; i++) {
      const word = this.copy[i] ?? 0;
      if ((word & COVER) === length) this.#write(i, (word & ~COVER) | next);
    }
  }

  cover(index: number): number {
    return (this.copy[index] ?? 0) & COVER;
  }
}
