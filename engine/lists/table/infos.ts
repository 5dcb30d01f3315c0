// SPDX-License-Identifier: Apache-2.0
// The records of IPv6 lengths by the first 32 bits: a copy of our own and the kernel's.

import { InfoBit } from '../../../common/abi.gen.js';
import type { Quarantine } from './quarantine.js';
import { CHAIN, type Hashes, INFOS_WORDS as WORDS, LINE_INFOS } from './shape.js';

const RECORD_WORDS = 4;
const OVERFLOW = 2 ** InfoBit.INFO_OVERFLOW;
const LENGTHS = OVERFLOW - 1;
/** The overflow bit is in the last word of the first record of a line. */
const FLAG = 3;

/** The bit of a length of 32 to 128 among the 96 of a record: one bit stands for 125 to 127. */
export function lengthBit(length: number): number {
  if (length === 128) return 64 + InfoBit.INFO_HOST;
  return length >= 125 ? 64 + InfoBit.INFO_NEARLY : length - 32;
}

export class Infos {
  readonly lines: number;
  /** Of a free record the first word holds the stamp of the quarantine. */
  readonly copy: Uint32Array;
  readonly #kernel: Uint32Array;
  readonly #hashes: Hashes;
  readonly #quarantine: Quarantine;

  constructor(kernel: Uint32Array, hashes: Hashes, quarantine: Quarantine) {
    this.lines = kernel.length / WORDS;
    this.copy = new Uint32Array(kernel.length);
    this.#kernel = kernel;
    this.#hashes = hashes;
    this.#quarantine = quarantine;
  }

  #free(at: number): boolean {
    const { copy } = this;
    return ((copy[at + 1] ?? 0) | (copy[at + 2] ?? 0) | ((copy[at + 3] ?? 0) & LENGTHS)) === 0;
  }

  /** First word of the record for these 32 bits, or -1. */
  find(top: number): number {
    const { copy, lines } = this;
    const wanted = top >>> 0;
    let line = this.#hashes.info6(top, lines);
    for (let n = 0; n < CHAIN; n++) {
      const base = line * WORDS;
      for (let at = base; at < base + LINE_INFOS * RECORD_WORDS; at += RECORD_WORDS)
        if (copy[at] === wanted && !this.#free(at)) return at;
      if ((copy[base + FLAG] ?? 0) < OVERFLOW) return -1;
      if (++line === lines) line = 0;
    }
    return -1;
  }

  /** A free record for these 32 bits, which have none; -1 if there is none in reach. It is not valid before its first bit. */
  reserve(top: number): number {
    const { copy, lines } = this;
    const { safe } = this.#quarantine;
    let line = this.#hashes.info6(top, lines);
    for (let n = 0; n < CHAIN; n++) {
      const base = line * WORDS;
      for (let at = base; at < base + LINE_INFOS * RECORD_WORDS; at += RECORD_WORDS)
        if (this.#free(at) && (copy[at] ?? 0) <= safe) return at;
      if (n === CHAIN - 1) break;
      this.#store(base + FLAG, (copy[base + FLAG] ?? 0) | OVERFLOW);
      if (++line === lines) line = 0;
    }
    return -1;
  }

  /**
   * Takes over the kernel's records, before the entries are known. Then `keep` for each length that an entry has, and
   * `drop` for the rest.
   */
  adopt(kernel: Uint32Array): Uint32Array {
    this.copy.set(kernel);
    return new Uint32Array(this.copy.length);
  }

  /** Notes in `kept` that a length is in use; a record that is missing is made, in the kernel too. False: no room. */
  keep(kept: Uint32Array, top: number, bit: number): boolean {
    let at = this.find(top);
    if (at < 0) at = this.reserve(top);
    if (at < 0) return false;
    const word = at + 1 + (bit >>> 5);
    if (((this.copy[word] ?? 0) & (1 << (bit & 31))) === 0) this.set(at, top, bit);
    kept[word] = (kept[word] ?? 0) | (1 << (bit & 31));
    return true;
  }

  /** Forgets the lengths that were not kept, in the copy alone, and gives the 32 bits of every record in use. */
  drop(kept: Uint32Array): Uint32Array {
    const tops: number[] = [];
    for (let at = 0; at < this.copy.length; at += RECORD_WORDS) {
      const before = this.#free(at);
      for (let i = 1; i < RECORD_WORDS; i++) {
        const overflow = i === FLAG ? (this.copy[at + i] ?? 0) & OVERFLOW : 0;
        this.copy[at + i] = (kept[at + i] ?? 0) | overflow;
      }
      if (!this.#free(at)) tops.push(this.copy[at] ?? 0);
      else if (!before || this.copy[at] !== 0) this.copy[at] = this.#quarantine.stamp;
    }
    return Uint32Array.from(tops);
  }

  #store(at: number, word: number): void {
    this.copy[at] = word;
    Atomics.store(this.#kernel, at, word >>> 0);
  }

  /** Sets a bit of a record; true if it is the record's first. */
  set(at: number, top: number, bit: number): boolean {
    const first = this.#free(at);
    if (first) this.#store(at, top);
    const word = at + 1 + (bit >>> 5);
    this.#store(word, (this.copy[word] ?? 0) | (1 << (bit & 31)));
    return first;
  }

  /** Clears a bit of a record; true if it was the record's last. */
  clear(at: number, bit: number): boolean {
    const word = at + 1 + (bit >>> 5);
    this.#store(word, (this.copy[word] ?? 0) & ~(1 << (bit & 31)));
    if (!this.#free(at)) return false;
    this.copy[at] = this.#quarantine.stamp;
    return true;
  }
}
