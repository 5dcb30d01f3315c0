// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { Recent, type Detection, type Follower } from '../../../alerts/index.js';
import { numbered } from './samples.js';

const batch = (from: number, to: number): Detection[] =>
  Array.from({ length: to - from }, (_, i) => numbered(from + i));
const numbers = (list: readonly Detection[]): number[] => list.map((d) => (d.count ?? 0) - 1);

async function read(follower: Follower, count: number): Promise<number[]> {
  const got: Detection[] = [];
  for await (const detection of follower) {
    got.push(detection);
    if (got.length === count) break;
  }
  return numbers(got);
}

t.test('keeps the last ones in order', async (t) => {
  const recent = new Recent(10);
  t.strictSame(recent.last(5), []);
  recent.push(batch(0, 4));
  t.strictSame(numbers(recent.last(2)), [2, 3]);
  recent.push(batch(4, 13));
  t.strictSame(numbers(recent.last(100)), [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  t.strictSame(numbers(recent.last(3)), [10, 11, 12]);
  recent.push(batch(13, 60));
  t.strictSame(numbers(recent.last(3)), [57, 58, 59]);
  t.strictSame(recent.last(0), []);
});

t.test('a follower gets the backlog and what comes', async (t) => {
  const recent = new Recent(10);
  recent.push(batch(0, 5));
  const follower = recent.follow({ backlog: 2 });
  recent.push(batch(5, 7));
  const reading = read(follower, 6);
  setTimeout(() => recent.push(batch(7, 10)), 10);
  t.strictSame(await reading, [3, 4, 5, 6, 7, 8]);
  t.equal(recent.followers, 0, 'who stops reading has left');
});

t.test('a follower that does not read misses some and knows how many', async (t) => {
  const recent = new Recent(10);
  const follower = recent.follow({ limit: 3 });
  recent.push(batch(0, 8));
  recent.push(batch(8, 10));
  t.equal(follower.missed, 7);
  recent.close();
  recent.push(batch(10, 11));
  t.strictSame(await read(follower, Infinity), [0, 1, 2], 'the feed ends behind what was waiting');
  follower.close();
});
