// SPDX-License-Identifier: Apache-2.0
// Prefixes of one family as sorted columns: comparing, finding, walking two of them side by side.

import { isPrefix4, type Prefix } from '../../../common/address.js';
import type { PrefixBatch } from '../prefix-batch.js';

/** Prefixes of one family: `words` numbers an address, the most significant first; IPv4 lengths are 0 to 32. */
export interface Keys {
  readonly words: 1 | 4;
  readonly addr: Uint32Array;
  readonly len: Uint8Array;
}

/** Both families. */
export interface KeyPair {
  readonly four: Keys;
  readonly six: Keys;
}

export const noKeys4: Keys = { words: 1, addr: new Uint32Array(0), len: new Uint8Array(0) };
export const noKeys6: Keys = { words: 4, addr: new Uint32Array(0), len: new Uint8Array(0) };

export function pairOf(batch: Pick<PrefixBatch, 'addr4' | 'len4' | 'addr6' | 'len6'>): KeyPair {
  return {
    four: { words: 1, addr: batch.addr4, len: batch.len4 },
    six: { words: 4, addr: batch.addr6, len: batch.len6 },
  };
}

export function batchOf({ four, six }: KeyPair): PrefixBatch {
  return { count: four.len.length + six.len.length, addr4: four.addr, len4: four.len, addr6: six.addr, len6: six.len };
}

/** Below, above or at zero: the order of PrefixBatch, by address and then the shorter first. */
export function compareKeys(a: Keys, i: number, b: Keys, j: number): number {
  if (a.words === 1) {
    const difference = (a.addr[i] ?? 0) - (b.addr[j] ?? 0);
    return difference !== 0 ? difference : (a.len[i] ?? 0) - (b.len[j] ?? 0);
  }
  for (let word = 0; word < 4; word++) {
    const difference = (a.addr[4 * i + word] ?? 0) - (b.addr[4 * j + word] ?? 0);
    if (difference !== 0) return difference;
  }
  return (a.len[i] ?? 0) - (b.len[j] ?? 0);
}

/** The first place from `from` on whose key is not below the one at `other[j]`. */
export function lowerBound(keys: Keys, other: Keys, j: number, from = 0, to = keys.len.length): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(keys, middle, other, j) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The place of exactly this key, or -1. */
export function findKey(keys: Keys, other: Keys, j = 0): number {
  const at = lowerBound(keys, other, j);
  return at < keys.len.length && compareKeys(keys, at, other, j) === 0 ? at : -1;
}

/** When one side is this many times shorter, it is searched for instead of walked along. */
const SEARCH_FACTOR = 16;

/** Calls back for every pair of equal keys of `a[aFrom, aTo)` and `b`. */
export function eachCommon(a: Keys, aFrom: number, aTo: number, b: Keys, on: (i: number, j: number) => void): void {
  if (aFrom >= aTo || b.len.length === 0) return;
  let j = lowerBound(b, a, aFrom);
  const last = lowerBound(b, a, aTo - 1, j);
  const bTo = Math.min(b.len.length, last + 1);
  if ((bTo - j) * SEARCH_FACTOR < aTo - aFrom) {
    for (let i = aFrom; j < bTo; j++) {
      i = lowerBound(a, b, j, i, aTo);
      if (i < aTo && compareKeys(a, i, b, j) === 0) on(i, j);
    }
    return;
  }
  if ((aTo - aFrom) * SEARCH_FACTOR < bTo - j) {
    for (let i = aFrom; i < aTo; i++) {
      j = lowerBound(b, a, i, j, bTo);
      if (j < bTo && compareKeys(b, j, a, i) === 0) on(i, j);
    }
    return;
  }
  for (let i = aFrom; i < aTo && j < bTo;) {
    const order = compareKeys(a, i, b, j);
    if (order === 0) on(i++, j++);
    else if (order < 0) i++;
    else j++;
  }
}

function word(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0
  );
}

/** One prefix as columns of its family. */
export function keyOf({ bytes, length }: Prefix): Keys {
  if (isPrefix4({ bytes, length })) {
    return { words: 1, addr: Uint32Array.of(word(bytes, 12)), len: Uint8Array.of(length - 96) };
  }
  const addr = Uint32Array.of(word(bytes, 0), word(bytes, 4), word(bytes, 8), word(bytes, 12));
  return { words: 4, addr, len: Uint8Array.of(length) };
}

export function prefixAt(keys: Keys, i: number): Prefix {
  const bytes = new Uint8Array(16);
  if (keys.words === 1) bytes[10] = bytes[11] = 0xff;
  const start = 16 - 4 * keys.words;
  for (let n = 0; n < 4 * keys.words; n++) {
    bytes[start + n] = (keys.addr[i * keys.words + (n >> 2)] ?? 0) >>> (24 - 8 * (n & 3));
  }
  return { bytes, length: (keys.len[i] ?? 0) + (keys.words === 1 ? 96 : 0) };
}

/** Copies the key at `from[i]` to place `j` of columns that are being filled. */
export function copyKey(to: Keys, j: number, from: Keys, i: number): void {
  for (let n = 0; n < to.words; n++) to.addr[j * to.words + n] = from.addr[i * to.words + n] ?? 0;
  to.len[j] = from.len[i] ?? 0;
}

export function makeKeys(words: 1 | 4, count: number): Keys {
  return { words, addr: new Uint32Array(count * words), len: new Uint8Array(count) };
}

/** The first `count` keys, in memory of their own unless that is what they fill already. */
export function trimKeys(keys: Keys, count: number): Keys {
  if (keys.len.length === count) return keys;
  return { words: keys.words, addr: keys.addr.slice(0, count * keys.words), len: keys.len.slice(0, count) };
}

/** The first `length` bits of a key, the rest zero. */
export function maskKey(key: Keys, length: number): Keys {
  const addr = new Uint32Array(key.words);
  for (let n = 0; n < key.words; n++) {
    const keep = Math.min(32, Math.max(0, length - 32 * n));
    addr[n] = keep === 0 ? 0 : (key.addr[n] ?? 0) & ((0xffffffff << (32 - keep)) >>> 0);
  }
  return { words: key.words, addr, len: Uint8Array.of(length) };
}
