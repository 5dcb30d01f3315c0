// SPDX-License-Identifier: Apache-2.0
// The lines of IPv6 entries: a copy of our own, which is what should be, and the kernel's, which is what is.

import { EntryBit } from '../../../common/abi.gen.js';
import type { Quarantine } from './quarantine.js';
import { CHAIN, type Hashes, LINE_ENTRIES, LINE6_WORDS as WORDS } from './shape.js';

const KEY = EntryBit.ENTRY_LENGTH | EntryBit.ENTRY_USED;
const USED = EntryBit.ENTRY_USED;
/** Word offsets in an entry. */
const META = 4;
const EXPIRES = 5;
const ENTRY_WORDS = 6;
/** Word offsets in a line. */
const FIRST = 2;
const HITS = 20;

export class Entries6 {
  readonly lines: number;
  /** In a free entry the word of `expires` holds the stamp of the quarantine. */
  readonly copy: Uint32Array;
  readonly #kernel: Uint32Array;
  readonly #hashes: Hashes;
  readonly #quarantine: Quarantine;
  /** The place that the last `find` of an absent prefix would give it, or -1. */
  #vacant = -1;

  constructor(kernel: Uint32Array, hashes: Hashes, quarantine: Quarantine) {
    this.lines = kernel.length / WORDS;
    this.copy = new Uint32Array(kernel.length);
    this.#kernel = kernel;
    this.#hashes = hashes;
    this.#quarantine = quarantine;
  }

  /** Index of the first word of the entry at a place. */
  static word(place: number): number {
    const line = Math.floor(place / LINE_ENTRIES);
    return line * WORDS + FIRST + (place - line * LINE_ENTRIES) * ENTRY_WORDS;
  }

  /** Index of the two words of the hits of the entry at a place, in the kernel's memory alone. */
  static hits(place: number): number {
    const line = Math.floor(place / LINE_ENTRIES);
    return line * WORDS + HITS + (place - line * LINE_ENTRIES) * 2;
  }

  /** The place of exactly this prefix, or -1. Host bits must be zero; the words may be signed. */
  find(a: number, b: number, c: number, d: number, length: number): number {
    const { copy, lines } = this;
    const { safe } = this.#quarantine;
    const key = length | USED;
    const [w0, w1, w2, w3] = [a >>> 0, b >>> 0, c >>> 0, d >>> 0];
    let line = this.#hashes.line6(a, b, c, d, length, lines);
    this.#vacant = -1;
    for (let n = 0; n < CHAIN; n++) {
      const base = line * WORDS;
      for (let i = 0; i < LINE_ENTRIES; i++) {
        const at = base + FIRST + i * ENTRY_WORDS;
        const meta = copy[at + META] ?? 0;
        if (meta === 0) {
          if (this.#vacant < 0 && (copy[at + EXPIRES] ?? 0) <= safe) this.#vacant = line * LINE_ENTRIES + i;
        } else if (
          (meta & KEY) === key &&
          copy[at + 3] === w3 &&
          copy[at + 2] === w2 &&
          copy[at + 1] === w1 &&
          copy[at] === w0
        ) {
          return line * LINE_ENTRIES + i;
        }
      }
      if (copy[base] === 0) return -1;
      if (++line === lines) line = 0;
    }
    return -1;
  }

  /**
   * Adds an entry that `find` has just not found. Gives its place, or -1 if there is none in reach.
   * @param meta without length and used bit
   */
  add(a: number, b: number, c: number, d: number, length: number, meta: number, expires: number): number {
    const place = this.#vacant >= 0 ? this.#vacant : this.#extend(a, b, c, d, length);
    if (place < 0) return -1;
    const at = Entries6.word(place);
    const word = (meta | length | USED) >>> 0;
    // A place that was never used has no hits.
    if (this.copy[at + EXPIRES] !== 0) {
      const hits = Entries6.hits(place);
      this.#kernel[hits] = this.#kernel[hits + 1] = 0;
    }
    for (const target of [this.copy, this.#kernel]) {
      target[at] = a;
      target[at + 1] = b;
      target[at + 2] = c;
      target[at + 3] = d;
    }
    this.copy[at + EXPIRES] = expires;
    this.copy[at + META] = word;
    this.#kernel[at + EXPIRES] = expires;
    Atomics.store(this.#kernel, at + META, word);
    return place;
  }

  /** Looks behind the end of the chain for a free place and makes the chain reach it. */
  #extend(a: number, b: number, c: number, d: number, length: number): number {
    const { copy, lines } = this;
    const { safe } = this.#quarantine;
    let line = this.#hashes.line6(a, b, c, d, length, lines);
    for (let n = 0; n < CHAIN; n++) {
      for (let i = 0; i < LINE_ENTRIES; i++) {
        const at = line * WORDS + FIRST + i * ENTRY_WORDS;
        if (copy[at + META] === 0 && (copy[at + EXPIRES] ?? 0) <= safe) return line * LINE_ENTRIES + i;
      }
      if (n === CHAIN - 1) break;
      copy[line * WORDS] = 1;
      Atomics.store(this.#kernel, line * WORDS, 1);
      if (++line === lines) line = 0;
    }
    return -1;
  }

  /** Gives an entry another value. The meta word first: it says whether the entry drops at all. */
  change(place: number, meta: number, expires: number): void {
    const at = Entries6.word(place);
    const word = (meta | ((this.copy[at + META] ?? 0) & KEY)) >>> 0;
    this.copy[at + META] = word;
    this.copy[at + EXPIRES] = expires;
    Atomics.store(this.#kernel, at + META, word);
    Atomics.store(this.#kernel, at + EXPIRES, expires);
  }

  remove(place: number): void {
    const at = Entries6.word(place);
    Atomics.store(this.#kernel, at + META, 0);
    this.copy[at + META] = 0;
    this.copy[at + EXPIRES] = this.#quarantine.stamp;
  }
}
