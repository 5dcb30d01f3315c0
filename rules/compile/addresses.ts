// SPDX-License-Identifier: Apache-2.0
// From the address sets of all entries to trie entries: one sweep over the borders of the sets cuts the address space
// into spans of equal vectors, prefixes.ts turns the spans into few prefixes.

import type { AddressSet } from '../ast.js';
import { groupBy, type Group } from './ports.js';
import { coverSpans, type PrefixEntry, type Spans } from './prefixes.js';
import { clearBit, setBit, VECTOR_HALVES, type VectorPool } from './vectors.js';

const END = 1n << 128n;

interface Border {
  readonly at: bigint;
  readonly group: Group<AddressSet>;
  readonly enter: boolean;
  readonly destination: boolean;
}

function bordersOf(sets: readonly AddressSet[], destination: boolean): Border[] {
  return groupBy(sets).flatMap((group) =>
    group.set.flatMap((range) => [
      { at: range.from, group, enter: true, destination },
      { at: range.to + 1n, group, enter: false, destination },
    ]),
  );
}

/** A class is both vector numbers in one: source * 65536 + destination. */
export interface AddressClasses {
  /** Class of an address that no entry covers. */
  readonly rest: number;
  readonly entries: readonly PrefixEntry[];
}

/** Classes of every address, for the source and the destination sets of all entries. */
export function compileAddresses(
  sources: readonly AddressSet[],
  destinations: readonly AddressSet[],
  pool: VectorPool,
): AddressClasses {
  const borders = [...bordersOf(sources, false), ...bordersOf(destinations, true)];
  borders.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));

  const vectors = [new Uint32Array(VECTOR_HALVES), new Uint32Array(VECTOR_HALVES)] as const;
  const spans: Spans = { starts: [], classes: [] };
  let from = 0n;
  let next = 0;
  while (from < END) {
    for (; next < borders.length && (borders[next]?.at ?? 0n) <= from; next++) {
      const border = borders[next];
      const vector = vectors[border?.destination ? 1 : 0];
      for (const position of border?.group.positions ?? []) (border?.enter ? setBit : clearBit)(vector, position);
    }
    const key = pool.intern(vectors[0]) * 65536 + pool.intern(vectors[1]);
    if (spans.classes.at(-1) !== key) {
      spans.starts.push(from);
      spans.classes.push(key);
    }
    from = borders[next]?.at ?? END;
  }
  return coverSpans(spans);
}
