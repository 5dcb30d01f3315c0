// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { Entry, MemoryOutbox, type Sendable } from '../../../alerts/index.js';
import { numbered, synFin } from './samples.js';

const entry = (n: number): Entry => new Entry(numbered(n));
const size = new Entry(numbered(0)).bytes;
const numbers = (entries: readonly Sendable[] = []): number[] => entries.map((e) => (e.detection?.count ?? 0) - 1);
const all = { records: 1000, bytes: 1e9 };

t.test('keeps order through leases', async (t) => {
  const outbox = new MemoryOutbox({ records: 10_000, bytes: 1e9, overflow: 'drop-newest' });
  const got: number[] = [];
  let next = 0;
  let dropped = 0;
  for (let round = 0; round < 60; round++) {
    for (let i = 0; i < 150; i++) dropped += outbox.offer(entry(next++));
    const batch = outbox.lease({ records: round % 7 === 0 ? 700 : 90, bytes: 1e9 });
    got.push(...numbers(batch?.entries));
    outbox.settle(batch?.entries.length ?? 0);
  }
  for (let batch = outbox.lease(all); batch; batch = outbox.lease(all)) {
    got.push(...numbers(batch.entries));
    outbox.settle(batch.entries.length);
  }
  t.strictSame(got, [...Array(next).keys()]);
  t.strictSame([dropped, outbox.records, outbox.bytes], [0, 0, 0]);
});

t.test('bounded in records: the newest gives way, without being put into words', async (t) => {
  const outbox = new MemoryOutbox({ records: 2, bytes: 1e9, overflow: 'drop-newest' });
  t.equal(outbox.offer(entry(0)), 0);
  t.equal(outbox.offer(entry(1)), 0);
  const unspeakable = new Entry({ ...synFin, generation: 1n as unknown as number });
  t.equal(outbox.offer(unspeakable), 1);
  t.strictSame(numbers(outbox.lease(all)?.entries), [0, 1]);
});

t.test('the oldest gives way, but not one that is on its way', async (t) => {
  const outbox = new MemoryOutbox({ records: 3, bytes: 1e9, overflow: 'drop-oldest' });
  for (let i = 0; i < 3; i++) outbox.offer(entry(i));
  t.strictSame(numbers(outbox.lease({ records: 1, bytes: 1e9 })?.entries), [0]);
  t.equal(outbox.offer(entry(3)), 1);
  t.equal(outbox.offer(entry(4)), 1);
  outbox.settle(1);
  t.strictSame(numbers(outbox.lease(all)?.entries), [3, 4]);
  t.equal(outbox.offer(entry(5)), 0);
  t.equal(outbox.offer(entry(6)), 1, '5 makes room');
  t.equal(outbox.records, 3);
  t.equal(outbox.clear(), 3);
  t.equal(outbox.bytes, 0);
});

t.test('bounded in bytes', async (t) => {
  const outbox = new MemoryOutbox({ records: 100, bytes: size * 3 + 8, overflow: 'drop-oldest' });
  let dropped = 0;
  for (let i = 0; i < 9; i++) dropped += outbox.offer(entry(i));
  t.equal(dropped, 6);
  t.ok(outbox.bytes <= size * 3 + 8);
  t.strictSame(numbers(outbox.lease({ records: 100, bytes: size * 2 })?.entries), [6, 7]);
  const tiny = new MemoryOutbox({ records: 100, bytes: 10, overflow: 'drop-oldest' });
  t.equal(tiny.offer(entry(0)), 1, 'larger than the whole queue');
  t.equal(tiny.records, 0);
});

t.test('a batch has one record at least, and an id of its own', async (t) => {
  const outbox = new MemoryOutbox({ records: 100, bytes: 1e9, overflow: 'drop-newest' });
  for (let i = 0; i < 3; i++) outbox.offer(entry(i));
  const first = outbox.lease({ records: 10, bytes: 1 });
  t.equal(first?.entries.length, 1);
  t.match(first?.id, /^msg_[A-Za-z0-9_-]{20}$/);
  outbox.settle(1);
  t.not(outbox.lease({ records: 10, bytes: 1 })?.id, first?.id);
});
