// SPDX-License-Identifier: Apache-2.0
// Ranges of addresses as the fewest prefixes.

import type { BatchBuilder } from '../batch-builder.js';

/** Adds `first` to `last`, both included; false if they are the wrong way round. */
export function addRange4(builder: BatchBuilder, first: number, last: number): boolean {
  if (first > last) return false;
  let from = first;
  while (from <= last) {
    // The largest block that starts here and does not reach beyond the end.
    const aligned = from === 0 ? 32 : 31 - Math.clz32(from & -from);
    const bits = Math.min(aligned, Math.floor(Math.log2(last - from + 1)));
    builder.add4(from, 32 - bits);
    from += 2 ** bits;
  }
  return true;
}

function toBig(words: Uint32Array): bigint {
  return words.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);
}

/** The same for IPv6; at most 254 prefixes come of any range. */
export function addRange6(builder: BatchBuilder, first: Uint32Array, last: Uint32Array): boolean {
  let from = toBig(first);
  const to = toBig(last);
  if (from > to) return false;
  while (from <= to) {
    let bits = 0n;
    while (bits < 128n && (from & ((2n << bits) - 1n)) === 0n && from + (2n << bits) - 1n <= to) bits++;
    const word = (shift: bigint): number => Number((from >> shift) & 0xffffffffn);
    builder.add6(word(96n), word(64n), word(32n), word(0n), 128 - Number(bits));
    from += 1n << bits;
  }
  return true;
}
