// SPDX-License-Identifier: Apache-2.0
// The interval algebra against plain sets of small numbers.

import t from 'tap';
import { clip, subtract, union, type Interval, type IntervalSet } from '../../../rules/sets.js';

const SPACE = 24;
let seed = 7;
const random = (below: number): number => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % below;

function randomIntervals(): Interval[] {
  return Array.from({ length: random(6) }, () => {
    const from = random(SPACE);
    return { from: BigInt(from), to: BigInt(from + random(SPACE - from)) };
  });
}

const members = (set: IntervalSet): number[] =>
  Array.from({ length: SPACE }, (_, i) => i).filter((i) => set.some(({ from, to }) => i >= from && i <= to));

function tidy(set: IntervalSet): boolean {
  return set.every(({ from, to }, i) => from <= to && (i === 0 || from > (set[i - 1]?.to ?? 0n) + 1n));
}

t.test('union, subtract and clip', async (t) => {
  const wrong: string[] = [];
  for (let round = 0; round < 2000; round++) {
    const [a, b] = [randomIntervals(), randomIntervals()];
    const [both, mine, theirs] = [union([...a, ...b]), union(a), union(b)];
    const rest = subtract(mine, theirs);
    const part = clip(mine, 5n, 15n);
    const right =
      tidy(both) &&
      tidy(rest) &&
      tidy(part) &&
      members(both).join() === members([...a, ...b]).join() &&
      members(rest).join() ===
        members(a)
          .filter((i) => !members(b).includes(i))
          .join() &&
      members(part).join() ===
        members(a)
          .filter((i) => i >= 5 && i <= 15)
          .join();
    if (!right) wrong.push(`round ${round}: ${members(a).join()} and ${members(b).join()}`);
  }
  t.same(wrong, []);
});
