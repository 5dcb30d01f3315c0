// SPDX-License-Identifier: Apache-2.0
// Desired against enforced: what is told, what counts as a repair, and what does not.
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { parsePrefix } from '../../../../common/address.js';
import { BatchBuilder } from '../../../../engine/lists/batch-builder.js';
import { ClaimIndex } from '../../../../engine/lists/claims/claim-index.js';
import { contentOf } from '../../../../engine/lists/claims/content.js';
import { Enforcer } from '../../../../engine/lists/claims/enforcer.js';
import { Segment } from '../../../../engine/lists/claims/segment.js';
import { atOnce } from '../../../../engine/lists/claims/slices.js';
import { MemoryTables } from '../../../../engine/lists/memory-tables.js';
import type { PrefixBatch } from '../../../../engine/lists/prefix-batch.js';
import { Reconciler } from '../../../../engine/lists/reconciler.js';
import { enforced, FakeClock, fixture, prefixes } from './fixture.js';

function many(count: number): PrefixBatch {
  const builder = new BatchBuilder(count);
  for (let i = 0; i < count; i++) builder.add4(0x0a000000 + 3 * i, 32);
  builder.add6(0x20010db8, 1, 0, 0, 64);
  builder.add6(0x20010db8, 2, 0, 0, 48);
  return builder.build();
}

for (const count of [3, 30_000]) {
  t.test(`what somebody wipes is not enforced until it is repaired: ${count} entries`, async (t) => {
    const f = fixture({ capacity: { capacity4: 40_000, capacity6: 1000 } });
    t.teardown(f.close);
    await f.blocklist.bulk.importBatch(many(count), {});
    const figures = (): number[] => {
      const { entries, enforced, families } = f.blocklist.status();
      return [entries, enforced, ...families.map((family) => family.enforced)];
    };
    t.same(figures(), [count + 2, count + 2, count, 2]);
    f.tables.memory.entries4.fill(0);
    t.same(figures(), [count + 2, 2, 0, 2]);
    t.equal(f.blocklist.stats().enforced, 2);
    t.equal(f.blocklist.status().reconciler.repairs, 0);
    f.blocklist.reconcile();
    t.same(figures(), [count + 2, count + 2, count, 2]);
    t.ok(f.blocklist.status().reconciler.repairs >= count);
    f.tables.memory.filter4.fill(0);
    t.same(figures(), [count + 2, 2, 0, 2], 'what nothing leads to is not enforced either');
    f.blocklist.reconcile();
    t.same(figures(), [count + 2, count + 2, count, 2]);
  });
}

t.test('what has ended and was not swept yet is no difference', async (t) => {
  const f = fixture({ capacity: { capacity4: 40_000, capacity6: 1000 } });
  t.teardown(f.close);
  const { bulk } = f.blocklist;
  await bulk.importBatch(many(20_000), { ttl: 10 });
  await bulk.replaceOrigin('feed:a', many(5), { action: 'alert' });
  f.blocklist.add({ prefixes: prefixes('192.0.2.7', '2001:db8:9::/48'), ttl: 10 });
  f.blocklist.add({ prefixes: prefixes('192.0.2.8') });
  f.clock.advance(11);
  t.same(f.blocklist.reconcile(), { put: 0, removed: 0 });
  t.match(f.blocklist.status(), { entries: 20_005, enforced: 20_005, reconciler: { passes: 2, repairs: 0 } });
  // What is really missing comes back, and what nobody lists goes.
  t.ok(f.tables.blocklist.delete(parsePrefix('10.0.0.3')) && f.tables.blocklist.delete(parsePrefix('192.0.2.8')));
  f.tables.blocklist.put(parsePrefix('192.0.2.99'), { expires: 0, set: 0, forced: false, alert: false });
  t.same(f.blocklist.reconcile(), { put: 2, removed: 1 });
  t.match(f.tables.blocklist.get(parsePrefix('10.0.0.3')), { alert: true });
  t.equal(f.blocklist.sweep(), 20_004);
  for (let i = 0; i < 500 && enforced(f) > 8; i++) await pause(10);
  t.same(f.blocklist.reconcile(), { put: 0, removed: 0 });
  t.match(f.blocklist.status(), { entries: 8, enforced: 8, reconciler: { repairs: 3 } });
});

/** A list of 30,000 prefixes that a change in bulk has not put in force yet. */
function halfway() {
  const clock = new FakeClock();
  const tables = new MemoryTables({ capacity4: 40_000, capacity6: 1000 });
  const index = new ClaimIndex();
  const enforcer = new Enforcer(tables.blocklist, index, clock, () => 1);
  const common = { created: clock.wallMs(), expires: Infinity, reason: '', forced: false, action: 'drop' } as const;
  const segment = new Segment('feed:a', atOnce(contentOf(many(30_000), common)));
  index.segments.set('feed:a', segment);
  const finish = (): void => {
    atOnce(enforcer.resync({ four: segment.four.keys, six: segment.six.keys }));
  };
  return { tables, index, enforcer, finish };
}

async function passed(reconciler: Reconciler): Promise<void> {
  for (let i = 0; i < 500 && reconciler.figures().passes === 0; i++) await pause(10);
}

const fail = (error: unknown): void => {
  throw error;
};

t.test('a change in bulk under way is no difference', async (t) => {
  const { tables, index, enforcer, finish } = halfway();
  let busy = true;
  const reconciler = new Reconciler(index, enforcer, fail, () => busy);
  t.teardown(() => reconciler.close());
  reconciler.sample();
  reconciler.passSoon();
  await pause(100);
  t.equal(enforced({ tables }), 0, 'what the change will put is left to it');
  t.match(reconciler.figures(), { samples: 1, passes: 0, repairs: 0 });
  finish();
  busy = false;
  reconciler.sample();
  await passed(reconciler);
  t.match(reconciler.figures(), { samples: 2, passes: 1, repairs: 0 }, 'the pass that was owed is made up for');
});

t.test('a change that begins during a pass ends it', async (t) => {
  const { index, enforcer, finish } = halfway();
  finish();
  let looks = 0;
  let busy = false;
  const reconciler = new Reconciler(index, enforcer, fail, () => busy || ++looks === 2);
  t.teardown(() => reconciler.close());
  reconciler.passSoon();
  await pause(200);
  t.ok(looks >= 2 && reconciler.figures().passes === 0, `given up after ${looks} looks`);
  busy = true;
  reconciler.sample();
  await pause(50);
  t.equal(reconciler.figures().passes, 0, 'not while it is under way');
  busy = false;
  reconciler.sample();
  await passed(reconciler);
  t.match(reconciler.figures(), { passes: 1, repairs: 0 });
});
