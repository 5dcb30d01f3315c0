// SPDX-License-Identifier: Apache-2.0
// Prefixes and sources at random, the same in every run.

import type { EntryColumns } from '../engine/lists/table/index.js';
import { SOURCES } from './lookup-program.js';

/** Words of a small generator with a period of 2^32 (mulberry32): repeatable. */
export function randomWords(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return (word ^ (word >>> 14)) >>> 0;
  };
}

const mask = (length: number): number => (length <= 0 ? 0 : length >= 32 ? -1 : -1 << (32 - length));

/** Nine of ten are single addresses; the rest are of 18 to 31 bits, most of them /24, as real lists have them. */
export function mixed4(count: number, next: () => number): Pick<EntryColumns, 'addr4' | 'len4'> {
  const addr4 = new Uint32Array(count);
  const len4 = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const kind = next() % 100;
    const length = kind < 90 ? 32 : kind < 95 ? 24 : kind < 98 ? 25 + (next() % 7) : 18 + (next() % 6);
    addr4[i] = next() & mask(length);
    len4[i] = length;
  }
  return { addr4, len4 };
}

const LENGTHS6 = [32, 40, 44, 48, 48, 56, 64, 64, 128, 128, 128, 128, 29, 36, 24, 128] as const;

/** In 2000::/3, of the lengths that real lists have. */
export function mixed6(count: number, next: () => number): Pick<EntryColumns, 'addr6' | 'len6'> {
  const addr6 = new Uint32Array(count * 4);
  const len6 = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const length = LENGTHS6[next() % LENGTHS6.length] ?? 128;
    len6[i] = length;
    addr6[4 * i] = (0x20000000 | (next() >>> 3)) & mask(length);
    for (let word = 1; word < 4; word++) addr6[4 * i + word] = next() & mask(length - 32 * word);
  }
  return { addr6, len6 };
}

/** The same number in the order of the wire. */
export const toWire = (word: number): number =>
  ((word >>> 24) | ((word >>> 8) & 0xff00) | ((word << 8) & 0xff0000) | (word << 24)) >>> 0;

/** Sources in 2000::/3 or anywhere in IPv4: from random prefixes of the list, or any address. Listed ones by chance are rare. */
export function sources(
  family: 4 | 6,
  next: () => number,
  list?: { addr: Uint32Array; length: Uint8Array },
): Uint32Array {
  const out = new Uint32Array(SOURCES * 4);
  const words = family === 4 ? 1 : 4;
  for (let i = 0; i < SOURCES; i++) {
    const from = list === undefined ? 0 : next() % list.length.length;
    const length = list?.length[from] ?? 0;
    for (let word = 0; word < words; word++) {
      const keep = mask(length - 32 * word);
      let value = ((list?.addr[words * from + word] ?? 0) & keep) | (next() & ~keep);
      if (family === 6 && word === 0 && list === undefined) value = 0x20000000 | (value >>> 3);
      out[4 * i + word] = toWire(value);
    }
  }
  return out;
}
