// SPDX-License-Identifier: Apache-2.0
// Sets of whole numbers as sorted, disjoint, inclusive intervals.

export interface Interval {
  readonly from: bigint;
  readonly to: bigint;
}

export type IntervalSet = readonly Interval[];

/** Sorts and merges intervals that overlap or touch. */
export function union(intervals: readonly Interval[]): IntervalSet {
  if (intervals.length < 2) return intervals;
  const sorted = [...intervals].sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
  const out: Interval[] = [];
  for (const next of sorted) {
    const last = out.at(-1);
    if (last === undefined || next.from > last.to + 1n) out.push(next);
    else if (next.to > last.to) out[out.length - 1] = { from: last.from, to: next.to };
  }
  return out;
}

/** What is in `set` and not in `minus`; both sorted and disjoint. */
export function subtract(set: IntervalSet, minus: IntervalSet): IntervalSet {
  if (minus.length === 0) return set;
  const out: Interval[] = [];
  let i = 0;
  for (const { from, to } of set) {
    let start = from;
    while (i < minus.length && (minus[i]?.to ?? 0n) < start) i++;
    for (let j = i; j < minus.length && start <= to; j++) {
      const hole = minus[j];
      if (hole === undefined || hole.from > to) break;
      if (hole.from > start) out.push({ from: start, to: hole.from - 1n });
      if (hole.to >= start) start = hole.to + 1n;
    }
    if (start <= to) out.push({ from: start, to });
  }
  return out;
}

/** What is in both; each sorted and disjoint. */
export function intersection(a: IntervalSet, b: IntervalSet): IntervalSet {
  const out: Interval[] = [];
  let [i, j] = [0, 0];
  for (;;) {
    const [x, y] = [a[i], b[j]];
    if (x === undefined || y === undefined) return out;
    const from = x.from > y.from ? x.from : y.from;
    const to = x.to < y.to ? x.to : y.to;
    if (from <= to) out.push({ from, to });
    if (x.to < y.to) i++;
    else j++;
  }
}

/** The part of `set` within `from` to `to`. */
export function clip(set: IntervalSet, from: bigint, to: bigint): IntervalSet {
  const out: Interval[] = [];
  for (const interval of set) {
    const low = interval.from > from ? interval.from : from;
    const high = interval.to < to ? interval.to : to;
    if (low <= high) out.push({ from: low, to: high });
  }
  return out;
}
