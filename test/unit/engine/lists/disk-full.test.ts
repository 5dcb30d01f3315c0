// SPDX-License-Identifier: Apache-2.0
// A disk that takes nothing: blocks can be lifted, nothing that was asked for is forgotten, and all of it is written once
// there is room again.

import { join } from 'node:path';
import t from 'tap';
import { IdsError } from '../../../../common/errors.js';
import { parsePrefix } from '../../../../common/address.js';
import { BatchBuilder } from '../../../../engine/lists/batch-builder.js';
import { ClaimIndex } from '../../../../engine/lists/claims/claim-index.js';
import type { Claim } from '../../../../engine/lists/claims/claim.js';
import { openListStore, type ListStore } from '../../../../engine/lists/list-store.js';
import type { PrefixBatch } from '../../../../engine/lists/prefix-batch.js';
import { WriteBehind } from '../../../../engine/lists/write-behind.js';
import { until } from '../../../helpers/until.js';
import { enforced, fixture, judged, prefixes } from './fixture.js';

/** Has every transaction of a store fail; gives how to make room again. */
function fill(store: ListStore): () => void {
  const { transaction } = store;
  store.transaction = () => {
    throw new IdsError('STORE_FAILED', 'database or disk is full');
  };
  return () => void (store.transaction = transaction);
}

const host = (n: number): string => `10.${n >>> 16}.${(n >>> 8) & 255}.${n & 255}`;

function hosts(count: number): PrefixBatch {
  const builder = new BatchBuilder(count);
  for (let n = 0; n < count; n++) builder.add4(0x0a00_0000 + n, 32);
  return builder.build();
}

const listed = (f: ReturnType<typeof fixture>): string[] => f.blocklist.list().map(({ prefix }) => prefix);

t.test('a single block is lifted in the kernel at once and on the disk later', async (t) => {
  const file = join(t.testdir(), 'lists.db');
  const f = fixture({ file });
  f.blocklist.add({ prefixes: prefixes('192.0.2.1', '192.0.2.2') });
  const empty = fill(f.store);
  t.match(f.blocklist.remove(prefixes('192.0.2.1')), [{ outcome: 'removed' }]);
  t.equal(judged(f, '192.0.2.1'), false);
  t.throws(() => f.blocklist.add({ prefixes: prefixes('192.0.2.3') }), { code: 'STORE_FAILED' });
  t.same(listed(f), ['192.0.2.2']);
  t.throws(() => f.blocklist.flush(), { code: 'STORE_FAILED' });
  t.match(f.blocklist.status().notes, [/not on the disk yet: database or disk is full/]);
  t.equal([...f.store.claims()].length, 2);
  empty();
  await until(() => [...f.store.claims()].length === 1, { message: 'another attempt' });
  t.same(f.blocklist.status().notes, []);
  f.close();
  const g = fixture({ file, tables: f.tables, clock: f.clock });
  t.same(listed(g), ['192.0.2.2']);
  g.close();
});

t.test('of changes that come in together only the lifting stays', async (t) => {
  const f = fixture();
  t.teardown(f.close);
  f.blocklist.add({ prefixes: prefixes('192.0.2.1') });
  const empty = fill(f.store);
  const [longer, lifted, other] = await Promise.allSettled([
    f.blocklist.addSoon({ prefixes: prefixes('192.0.2.1'), ttl: 60 }),
    f.blocklist.removeSoon(prefixes('192.0.2.1')),
    f.blocklist.addSoon({ prefixes: prefixes('192.0.2.9') }),
  ]);
  t.same([longer.status, lifted.status, other.status], ['rejected', 'fulfilled', 'rejected']);
  t.same(listed(f), []);
  t.equal(enforced(f), 0);
  empty();
  f.blocklist.flush();
  t.same([...f.store.claims()], []);
});

t.test('a bulk is cleared, and one entry of it lifted', async (t) => {
  const file = join(t.testdir(), 'lists.db');
  const f = fixture({ file, capacity: { capacity4: 50_000, capacity6: 100 } });
  // Large enough for a file of its own.
  await f.blocklist.bulk.replaceOrigin('feed:a', hosts(40_000), {});
  await f.blocklist.bulk.replaceOrigin('feed:b', hosts(3), {});
  f.blocklist.add({ prefixes: prefixes(host(7)), origin: 'feed:a' });
  const content = f.store.bulkFile('feed:a');
  t.type(content, 'string');
  const empty = fill(f.store);
  t.match(f.blocklist.remove(prefixes(host(1))), [{ outcome: 'removed' }]);
  t.equal(await f.blocklist.clear('feed:a'), 39_999);
  t.equal(enforced(f), 2);
  t.equal(judged(f, host(1)), false);
  t.equal(f.store.bulkFile('feed:a'), content);
  empty();
  f.blocklist.add({ prefixes: prefixes(host(9)), origin: 'feed:a' });
  f.blocklist.flush();
  t.equal(f.store.bulkFile('feed:a'), undefined);
  f.close();
  const g = fixture({ file, tables: f.tables, clock: f.clock });
  t.same(listed(g), [host(0), host(2), host(9)]);
  g.close();
});

t.test('what has ended is freed when the disk takes it, not forgotten', async (t) => {
  const f = fixture();
  t.teardown(f.close);
  await f.blocklist.bulk.replaceOrigin('feed:a', hosts(3), { ttl: 10 });
  f.blocklist.add({ prefixes: prefixes('192.0.2.1'), ttl: 10 });
  f.clock.advance(11);
  const empty = fill(f.store);
  t.throws(() => f.blocklist.sweep(), { code: 'STORE_FAILED' });
  t.equal(f.blocklist.size, 4);
  t.equal(judged(f, '192.0.2.1'), false, 'the kernel judges by itself');
  empty();
  t.equal(f.blocklist.sweep(), 4);
  t.equal(f.blocklist.size + enforced(f), 0);
});

t.test('of more than is remembered every claim is written', async (t) => {
  const store = openListStore(join(t.testdir(), 'lists.db'));
  t.teardown(() => store.close());
  const index = new ClaimIndex();
  const behind = new WriteBehind(store, index, 2);
  t.teardown(() => behind.close());
  const claim: Claim = { origin: 'rule:1', reason: '', created: 0, expires: Infinity, forced: false, action: 'drop' };
  const list = (text: string): void => {
    index.set(parsePrefix(text), claim);
    behind.note(parsePrefix(text), claim.origin);
  };
  const lift = (text: string): void => {
    index.delete(parsePrefix(text), claim.origin);
    behind.note(parsePrefix(text), claim.origin);
  };
  for (const text of ['192.0.2.1', '192.0.2.2']) list(text);
  behind.flush();
  const empty = fill(store);
  for (const text of ['192.0.2.3', '192.0.2.4', '192.0.2.5']) list(text);
  lift('192.0.2.2');
  for (let n = 0; n < 5; n++) behind.noteOffence({ address: Uint8Array.of(n), count: n, until: n });
  behind.noteOffence({ address: Uint8Array.of(3), count: 9, until: 9 });
  t.throws(() => behind.flush(), { code: 'STORE_FAILED' });
  empty();
  await until(() => store.offences().length === 2, { message: 'another attempt' });
  t.same(
    [...store.claims()].map(({ prefix }) => prefix.bytes[15]).sort(),
    [1, 3, 4, 5],
    'the first, the three of the full disk, not the one that was lifted',
  );
  t.same(
    store.offences().map(({ address, count }) => [address[0], count]),
    [
      [4, 4],
      [3, 9],
    ],
  );
  t.equal(behind.failure, undefined);
});

t.test('an offence more costs no walk through all of them', async (t) => {
  const store = openListStore(join(t.testdir(), 'lists.db'));
  t.teardown(() => store.close());
  const behind = new WriteBehind(store, new ClaimIndex(), 1_000);
  t.teardown(() => behind.close());
  let steps = 0;
  const iterator = Map.prototype[Symbol.iterator];
  Map.prototype[Symbol.iterator] = function* (this: Map<unknown, unknown>) {
    for (const entry of this.entries()) {
      steps++;
      yield entry;
    }
  } as typeof iterator;
  for (let n = 0; n < 1_010; n++) behind.noteOffence({ address: Uint8Array.of(n >> 8, n), count: 1, until: 1 });
  Map.prototype[Symbol.iterator] = iterator;
  t.ok(steps < 3_000, `${steps} steps`);
  behind.flush();
  t.equal(store.offences().length, 1_000);
});
