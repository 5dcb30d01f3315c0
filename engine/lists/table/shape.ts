// SPDX-License-Identifier: Apache-2.0
// The shape of the tables for a capacity, and the hashes that both sides compute.

import { ListLimit } from '../../../common/abi.gen.js';

/** Entries in a hundred places when the capacity is reached: fuller lines make longer chains. */
const FILL = 81;

export const LINE_ENTRIES = ListLimit.LINE_ENTRIES;
export const CHAIN = ListLimit.CHAIN;
/** Words of struct ids_line4 and ids_line6. */
export const LINE4_WORDS = 16;
export const LINE6_WORDS = 32;

export interface ListCapacity {
  readonly capacity4: number;
  readonly capacity6: number;
}

/** What the daemon has room for. */
export const CAPACITY: ListCapacity = { capacity4: 2_000_000, capacity6: 500_000 };

const linesFor = (capacity: number): number => Math.max(1, Math.ceil((capacity * 100) / FILL / LINE_ENTRIES - 1e-9));

/** Below this a place more or less matters. */
const ROUNDED = 1000;

/** The capacity of so many lines; a large one that is a multiple of ten comes out of its own number of lines as it was. */
export function capacityOf(lines: number): number {
  const most = Math.floor((lines * LINE_ENTRIES * FILL) / 100);
  const round = most - (most % 10);
  return round >= ROUNDED && linesFor(round) === lines ? round : most;
}

/** Entries of the list maps for a capacity, as `KernelOptions.sizes` takes them. */
export function listSizes({ capacity4, capacity6 }: ListCapacity): {
  ids_entries4: number;
  ids_entries6: number;
} {
  return { ids_entries4: linesFor(capacity4), ids_entries6: linesFor(capacity6) };
}

/** Word offsets of struct ids_list_root. */
export const Root = { LINES4: 0, LINES6: 1, LENGTHS4: 2, LENGTHS6: 3, SEED: 4, WORDS: 8 } as const;

/** The keyed hashes of bpf/list_entry.h. */
export class Hashes {
  readonly #first: number;
  readonly #second: number;
  readonly #third: number;

  constructor(seed: ArrayLike<number>) {
    this.#first = seed[0] ?? 0;
    this.#second = seed[1] ?? 1;
    this.#third = seed[2] ?? 1;
  }

  #home(hash: number, lines: number): number {
    let last = Math.imul(hash, this.#third);
    last = (last ^ (last >>> 15)) >>> 0;
    // The upper half of a product of at most 53 bits.
    return Math.floor((last * lines) / 4294967296);
  }

  #mix(hash: number): number {
    const product = Math.imul(hash, this.#second);
    return product ^ (product >>> 15);
  }

  line4(addr: number, length: number, lines: number): number {
    return this.#home(this.#mix(addr ^ (this.#first + Math.imul(length, 0x9e3779b9))), lines);
  }

  line6(a: number, b: number, c: number, d: number, length: number, lines: number): number {
    let hash = this.#mix(a ^ (this.#first + Math.imul(length, 0x9e3779b9)));
    hash = this.#mix(hash ^ b);
    hash = this.#mix(hash ^ c);
    hash = this.#mix(hash ^ d);
    return this.#home(hash, lines);
  }

  /** The bucket of lengths of the first 32 bits. */
  bucket6(top: number): number {
    return this.#home(this.#mix(top ^ this.#first), ListLimit.LENGTH_BUCKETS);
  }
}

/** The mask of a length within one 32-bit word, as a signed number. */
export function wordMask(length: number): number {
  return length <= 0 ? 0 : length >= 32 ? -1 : -1 << (32 - length);
}
