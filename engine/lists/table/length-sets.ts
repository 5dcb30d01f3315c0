// SPDX-License-Identifier: Apache-2.0
// Which IPv6 lengths of 32 bits and more there are, by a hash of the first 32 bits: a copy of our own and the kernel's.

import { ListLimit } from '../../../common/abi.gen.js';
import type { LengthCounts } from './length-counts.js';
import type { Quarantine } from './quarantine.js';
import type { Hashes } from './shape.js';

const { LENGTH_BUCKETS: BUCKETS, LENGTH_SETS: SETS } = ListLimit;
const WORDS = 4;
/** Holds every length that is in use: for buckets whose set finds no number. */
const ALL = SETS - 1;

type Mask = readonly [number, number, number, number];

const keyOf = (mask: Mask): string => mask.join();
const isEmpty = (mask: Mask): boolean => (mask[0] | mask[1] | mask[2] | mask[3]) === 0;
const holds = (set: Mask, mask: Mask): boolean => mask.every((word, i) => (word & ~(set[i] ?? 0)) === 0);

function sizeOf(mask: Mask): number {
  let size = 0;
  for (const word of mask) for (let bits = word; bits !== 0; bits &= bits - 1) size++;
  return size;
}

function withBit(mask: Mask, bit: number, on: boolean): Mask {
  const next: [number, number, number, number] = [...mask];
  const word = bit >>> 5;
  const value = 1 << (bit & 31);
  next[word] = on ? (next[word] ?? 0) | value : (next[word] ?? 0) & ~value;
  return next;
}

export class LengthSets {
  /** Number of the set of each bucket, as it should be. */
  readonly buckets = new Uint8Array(BUCKETS);
  /** struct ids_length_set, as they should be. */
  readonly sets = new Uint32Array(SETS * WORDS);
  readonly #kernelBuckets: Uint8Array;
  readonly #kernelSets: Uint32Array;
  readonly #hashes: Hashes;
  readonly #quarantine: Quarantine;
  readonly #counts: LengthCounts;
  /** Buckets of a set, and of a set without any the stamp of the quarantine. */
  readonly #users = new Uint32Array(SETS);
  readonly #freed = new Uint32Array(SETS);
  readonly #numbers = new Map<string, number>();
  /** What a bucket whose set has more than it needs does need. */
  readonly #loose = new Map<number, Mask>();
  readonly #ofLength = new Uint32Array(WORDS * 32);

  constructor(buckets: Uint32Array, sets: Uint32Array, hashes: Hashes, quarantine: Quarantine, counts: LengthCounts) {
    this.#kernelBuckets = new Uint8Array(buckets.buffer, buckets.byteOffset, buckets.byteLength);
    this.#kernelSets = sets;
    this.#hashes = hashes;
    this.#quarantine = quarantine;
    this.#counts = counts;
  }

  /** The bucket of an address by its first 32 bits. */
  bucket(top: number): number {
    return this.#hashes.bucket6(top);
  }

  /** One more entry of a length of 32 to 128. */
  add(top: number, length: number): void {
    const bit = length - 32;
    this.#used(bit, 1);
    const bucket = this.bucket(top);
    if (this.#counts.add(bucket, bit, 1) === 0) this.#assign(bucket, withBit(this.#needed(bucket), bit, true));
  }

  /** One less. */
  remove(top: number, length: number): void {
    const bit = length - 32;
    const bucket = this.bucket(top);
    if (this.#counts.add(bucket, bit, -1) === 1) this.#assign(bucket, withBit(this.#needed(bucket), bit, false));
    this.#used(bit, -1);
  }

  /** Keeps the last set the one of all lengths in use. */
  #used(bit: number, by: 1 | -1): void {
    const count = (this.#ofLength[bit] ?? 0) + by;
    this.#ofLength[bit] = count;
    if (count === 0 || (count === 1 && by === 1)) this.#store(ALL, withBit(this.#mask(ALL), bit, count > 0));
  }

  #mask(set: number): Mask {
    const at = set * WORDS;
    const { sets } = this;
    return [(sets[at] ?? 0) | 0, (sets[at + 1] ?? 0) | 0, (sets[at + 2] ?? 0) | 0, (sets[at + 3] ?? 0) | 0];
  }

  #is(set: number, mask: Mask): boolean {
    const at = set * WORDS;
    for (let i = 0; i < WORDS; i++) if (((this.sets[at + i] ?? 0) | 0) !== mask[i]) return false;
    return true;
  }

  #needed(bucket: number): Mask {
    return this.#loose.get(bucket) ?? this.#mask(this.buckets[bucket] ?? 0);
  }

  #store(set: number, mask: Mask): void {
    mask.forEach((word, i) => {
      this.sets[set * WORDS + i] = word;
      Atomics.store(this.#kernelSets, set * WORDS + i, word >>> 0);
    });
  }

  #assign(bucket: number, mask: Mask): void {
    const set = isEmpty(mask) ? 0 : this.#number(mask);
    const before = this.buckets[bucket] ?? 0;
    this.#keep(bucket, set, mask);
    if (set !== before) Atomics.store(this.#kernelBuckets, bucket, set);
    if (before !== 0) this.#users[before] = (this.#users[before] ?? 0) - 1;
    if (this.#users[before] === 0) this.#freed[before] = this.#quarantine.stamp;
  }

  /** Notes which set a bucket has, in the copy alone. */
  #keep(bucket: number, set: number, mask: Mask): void {
    this.buckets[bucket] = set;
    if (set !== 0) this.#users[set] = (this.#users[set] ?? 0) + 1;
    if (set !== 0 && (set === ALL || !this.#is(set, mask))) this.#loose.set(bucket, mask);
    else if (this.#loose.size > 0) this.#loose.delete(bucket);
  }

  /** The set of exactly these lengths, made if there is a free number; else the smallest that holds them. */
  #number(mask: Mask): number {
    const key = keyOf(mask);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    let [free, best, size] = [0, ALL, Infinity];
    for (let set = 1; set < ALL; set++) {
      const other = this.#mask(set);
      if (this.#users[set] === 0) {
        if (free === 0 && (this.#freed[set] ?? 0) <= this.#quarantine.safe) free = set;
      } else if (holds(other, mask) && sizeOf(other) < size) {
        [best, size] = [set, sizeOf(other)];
      }
    }
    if (free === 0) return best;
    this.#numbers.delete(keyOf(this.#mask(free)));
    this.#numbers.set(key, free);
    this.#store(free, mask);
    return free;
  }

  /**
   * Takes over what the kernel has for entries, of which those of 32 bits and more count: a bucket keeps its set if that
   * has all that it needs, so that nothing is missing in between.
   */
  adopt(tops: Uint32Array, lengths: Uint8Array): void {
    this.sets.set(this.#kernelSets);
    this.sets.fill(0, 0, WORDS);
    const needed = new Int32Array(BUCKETS * WORDS);
    for (let i = 0; i < tops.length; i++) {
      const bit = (lengths[i] ?? 0) - 32;
      if (bit < 0) continue;
      const bucket = this.bucket(tops[i] ?? 0);
      this.#counts.add(bucket, bit, 1);
      this.#used(bit, 1);
      const at = bucket * WORDS + (bit >>> 5);
      needed[at] = (needed[at] ?? 0) | (1 << (bit & 31));
    }
    const late: [number, Mask][] = [];
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const at = bucket * WORDS;
      const [a = 0, b = 0, c = 0, d = 0] = [needed[at], needed[at + 1], needed[at + 2], needed[at + 3]];
      if ((a | b | c | d) === 0) continue;
      const mask: Mask = [a, b, c, d];
      const set = this.#kernelBuckets[bucket] ?? 0;
      if (set !== 0 && holds(this.#mask(set), mask)) this.#keep(bucket, set, mask);
      else late.push([bucket, mask]);
    }
    for (let set = 1; set < ALL; set++) {
      if ((this.#users[set] ?? 0) > 0) this.#numbers.set(keyOf(this.#mask(set)), set);
      else this.#freed[set] = this.#quarantine.stamp;
    }
    for (const [bucket, mask] of late) this.#assign(bucket, mask);
    const present = [0, 0, 0, 0];
    this.#ofLength.forEach((count, bit) => {
      if (count > 0) present[bit >>> 5] = (present[bit >>> 5] ?? 0) | (1 << (bit & 31));
    });
    this.sets.set(present, ALL * WORDS);
  }
}
