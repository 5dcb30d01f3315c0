// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { Entry, Outbox, type OutboxLimits, type Sendable } from '../../../alerts/index.js';
import { numbered } from './samples.js';

const SIZE = 100;
const limits: OutboxLimits = { records: 10_000, bytes: 1e9, overflow: 'drop-newest', max_age: 60_000 };
const all = { records: 1000, bytes: 1e9 };
const numbers = (entries: readonly Sendable[] = []): number[] => entries.map((e) => (e.detection?.count ?? 0) - 1);

/** Offers the records `from` to `to` as one parcel; gives how many were taken. */
function offer(outbox: Outbox, from: number, to: number, time = Date.now()): number {
  const entries = Array.from({ length: to - from }, (_, i) => new Entry(numbered(from + i)));
  outbox.account.raised += entries.length;
  const admitted = outbox.admit(entries.map(() => SIZE));
  outbox.put({ entries: entries.slice(0, admitted), bytes: admitted * SIZE }, time);
  return admitted;
}

const closes = ({ account, records }: Outbox): boolean =>
  account.raised === account.delivered + records + account.suppressed + account.expired + account.dropped;

t.test('keeps order through leases', async (t) => {
  const outbox = new Outbox(limits);
  const got: number[] = [];
  let next = 0;
  for (let round = 0; round < 60; round++) {
    const count = (round * 37) % 150;
    t.equal(offer(outbox, next, next + count), count);
    next += count;
    const batch = outbox.lease({ records: round % 7 === 0 ? 700 : 90, bytes: 1e9 });
    got.push(...numbers(batch?.entries));
    if (batch) outbox.settle(batch.entries.length, 'delivered');
  }
  for (let batch = outbox.lease(all); batch; batch = outbox.lease(all)) {
    got.push(...numbers(batch.entries));
    outbox.settle(batch.entries.length, 'delivered');
  }
  t.strictSame(got, [...Array(next).keys()]);
  t.match(outbox, { records: 0, bytes: 0, account: { raised: next, delivered: next, dropped: 0 } });
});

t.test('bounded in records: the newest gives way', async (t) => {
  const outbox = new Outbox({ ...limits, records: 5 });
  t.equal(offer(outbox, 0, 3), 3);
  t.equal(offer(outbox, 3, 7), 2);
  t.equal(offer(outbox, 7, 8), 0);
  t.strictSame(numbers(outbox.lease(all)?.entries), [0, 1, 2, 3, 4]);
  t.equal(outbox.account.dropped, 3);
  t.ok(closes(outbox));
});

t.test('the oldest gives way, but not one that is on its way', async (t) => {
  const outbox = new Outbox({ ...limits, records: 3, overflow: 'drop-oldest' });
  for (let i = 0; i < 3; i++) offer(outbox, i, i + 1);
  t.strictSame(numbers(outbox.lease({ records: 1, bytes: 1e9 })?.entries), [0]);
  t.equal(offer(outbox, 3, 5), 2);
  t.equal(outbox.account.dropped, 2);
  outbox.settle(1, 'delivered');
  t.strictSame(numbers(outbox.lease(all)?.entries), [3, 4]);
  outbox.settle(2, 'delivered');
  offer(outbox, 5, 8);
  offer(outbox, 8, 9);
  t.strictSame(numbers(outbox.lease(all)?.entries), [6, 7, 8], 'the front of a parcel makes room');
  t.ok(closes(outbox));
  outbox.close();
  t.match(outbox, { records: 0, bytes: 0, account: { dropped: 6 } });
  t.ok(closes(outbox));
});

t.test('all that waits is on its way: what comes gives way', async (t) => {
  const outbox = new Outbox({ ...limits, records: 2, overflow: 'drop-oldest' });
  offer(outbox, 0, 2);
  outbox.lease({ records: 1, bytes: 1e9 });
  t.equal(offer(outbox, 2, 3), 0, 'a parcel that is partly on its way stays whole');
  t.ok(closes(outbox));
});

t.test('bounded in bytes', async (t) => {
  const outbox = new Outbox({ ...limits, bytes: SIZE * 3 + 8, overflow: 'drop-oldest' });
  for (let i = 0; i < 9; i++) offer(outbox, i, i + 1);
  t.equal(outbox.account.dropped, 6);
  t.equal(outbox.bytes, SIZE * 3);
  const line = new Entry(numbered(0)).bytes;
  t.strictSame(numbers(outbox.lease({ records: 100, bytes: line * 2 })?.entries), [6, 7]);
  const tiny = new Outbox({ ...limits, bytes: 10, overflow: 'drop-oldest' });
  t.equal(offer(tiny, 0, 1), 0, 'larger than the whole queue');
  t.equal(tiny.records, 0);
});

t.test('a batch has one record at least, and an id that stays the same', async (t) => {
  const outbox = new Outbox(limits);
  offer(outbox, 0, 3);
  const first = outbox.lease({ records: 10, bytes: 1 });
  t.equal(first?.entries.length, 1);
  t.match(first?.id, /^msg_[A-Za-z0-9_-]{20}$/);
  t.equal(outbox.lease({ records: 10, bytes: 1 })?.id, first?.id);
  outbox.settle(1, 'delivered');
  t.not(outbox.lease({ records: 10, bytes: 1 })?.id, first?.id);
});

t.test('what waited for too long expires, but not on its way', async (t) => {
  const outbox = new Outbox({ ...limits, max_age: 1000 });
  const now = Date.now();
  offer(outbox, 0, 5, now - 2000);
  offer(outbox, 5, 8, now);
  t.equal(outbox.oldest, now - 2000);
  t.strictSame(numbers(outbox.lease(all, now)?.entries), [5, 6, 7]);
  outbox.expire(now + 60_000);
  t.match(outbox, { records: 3, account: { expired: 5 } });
  outbox.settle(3, 'expired');
  t.match(outbox, { records: 0, account: { expired: 8, delivered: 0 } });
  t.ok(closes(outbox));
});
