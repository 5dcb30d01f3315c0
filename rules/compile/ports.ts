// SPDX-License-Identifier: Apache-2.0
// From the port sets of all entries to one vector number a port, by a sweep over the borders of the sets.

import type { PortSet } from '../ast.js';
import { clearBit, setBit, VECTOR_HALVES, type VectorPool } from './vectors.js';

export interface PortSide {
  readonly ports: PortSet;
  readonly anyPort: boolean;
}

/** Positions that share one set. */
export interface Group<Set> {
  readonly set: Set;
  readonly positions: number[];
}

/** Groups positions by the content of their set, so that $HOME_NET in every rule costs one sweep, not one a rule. */
export function groupBy<Set extends readonly { from: unknown; to: unknown }[]>(sets: readonly Set[]): Group<Set>[] {
  const groups = new Map<string, Group<Set>>();
  const seen = new Map<Set, Group<Set>>();
  sets.forEach((set, position) => {
    let group = seen.get(set);
    if (group === undefined) {
      const key = set.map((range) => `${String(range.from)}-${String(range.to)}`).join();
      group = groups.get(key) ?? { set, positions: [] };
      groups.set(key, group);
      seen.set(set, group);
    }
    group.positions.push(position);
  });
  return [...groups.values()];
}

/** Fills `table` (65,536 vector numbers) for one side and returns the vector of packets without ports. */
export function compilePorts(sides: readonly PortSide[], pool: VectorPool, table: Uint16Array): number {
  const groups = groupBy(sides.map((side) => side.ports));
  const borders: { at: number; group: Group<PortSet>; enter: boolean }[] = [];
  for (const group of groups) {
    for (const range of group.set) {
      borders.push({ at: range.from, group, enter: true });
      borders.push({ at: range.to + 1, group, enter: false });
    }
  }
  borders.sort((a, b) => a.at - b.at);

  const vector = new Uint32Array(VECTOR_HALVES);
  let from = 0;
  let next = 0;
  while (from < 65536) {
    for (; next < borders.length && (borders[next]?.at ?? 0) <= from; next++) {
      const border = borders[next];
      for (const position of border?.group.positions ?? []) (border?.enter ? setBit : clearBit)(vector, position);
    }
    const to = Math.min(borders[next]?.at ?? 65536, 65536);
    table.fill(pool.intern(vector), from, to);
    from = to;
  }

  const none = new Uint32Array(VECTOR_HALVES);
  sides.forEach((side, position) => {
    if (side.anyPort) setBit(none, position);
  });
  return pool.intern(none);
}
