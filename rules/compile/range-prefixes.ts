// SPDX-License-Identifier: Apache-2.0
// From intervals of addresses to the fewest prefixes that hold exactly them, as columns.

import type { PrefixColumns } from '../../common/prefix-columns.js';
import type { AddressSet } from '../ast.js';
import { clip } from '../sets.js';

const MAPPED = 0xffff_0000_0000n;
const MAPPED_END = 0xffff_ffff_ffffn;
const SPACE_END = (1n << 128n) - 1n;

/** Bits of the largest aligned block that begins at `from` and ends at or before `to`. */
function blockBits(from: bigint, to: bigint, most: number): number {
  let bits = 0;
  while (bits < most) {
    const next = 1n << BigInt(bits + 1);
    if ((from & (next - 1n)) !== 0n || from + next - 1n > to) break;
    bits++;
  }
  return bits;
}

function eachPrefix(set: AddressSet, most: number, take: (base: bigint, length: number) => void): void {
  for (const { from, to } of set) {
    for (let at = from; at <= to;) {
      const bits = blockBits(at, to, most);
      take(at, most - bits);
      at += 1n << BigInt(bits);
    }
  }
}

/** The prefixes of a set. Intervals are sorted and disjoint, so the prefixes are too. */
export function prefixColumns(set: AddressSet): PrefixColumns {
  const addr4: number[] = [];
  const len4: number[] = [];
  const addr6: number[] = [];
  const len6: number[] = [];
  eachPrefix(clip(set, MAPPED, MAPPED_END), 32, (base, length) => {
    addr4.push(Number(base & 0xffff_ffffn));
    len4.push(length);
  });
  for (const part of [clip(set, 0n, MAPPED - 1n), clip(set, MAPPED_END + 1n, SPACE_END)]) {
    eachPrefix(part, 128, (base, length) => {
      for (const shift of [96n, 64n, 32n, 0n]) addr6.push(Number((base >> shift) & 0xffff_ffffn));
      len6.push(length);
    });
  }
  return {
    count: len4.length + len6.length,
    addr4: Uint32Array.from(addr4),
    len4: Uint8Array.from(len4),
    addr6: Uint32Array.from(addr6),
    len6: Uint8Array.from(len6),
  };
}
