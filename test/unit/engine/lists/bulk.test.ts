// SPDX-License-Identifier: Apache-2.0
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parseAddress, parsePrefix, type Prefix } from '../../../../common/address.js';
import { BatchBuilder } from '../../../../engine/lists/batch-builder.js';
import { keyOf } from '../../../../engine/lists/claims/keys.js';
import { Entries4 } from '../../../../engine/lists/table/entries4.js';
import type { ExportChunk, PrefixBatch } from '../../../../engine/lists/prefix-batch.js';
import { batchOf, enforced, fixture, judged, prefixes, randomizer, texts } from './fixture.js';

t.setTimeout(120_000);

const batch = (...texts: string[]): PrefixBatch => batchOf(prefixes(...texts));

/** `count` addresses from 10.0.0.0 on, in steps. */
function many(count: number, from = 0): PrefixBatch {
  const builder = new BatchBuilder(count);
  for (let i = 0; i < count; i++) builder.add4(0x0a000000 + from + 3 * i, 32);
  return builder.build();
}

t.test('an origin is replaced as a whole; what others list stays', async (t) => {
  const file = join(t.testdir(), 'lists.db');
  const f = fixture({ file });
  const { bulk } = f.blocklist;
  f.blocklist.add({ prefixes: prefixes('192.0.2.1') });
  t.match(await bulk.replaceOrigin('feed:a', batch('192.0.2.1', '192.0.2.2', '2001:db8::/32'), { reason: 'bad' }), {
    added: 3,
    removed: 0,
    kept: 0,
    refusedCount: 0,
    capacity: { entries4: 2, entries6: 1 },
  });
  const created = f.blocklist.list({ origin: 'feed:a' })[0]?.created;
  f.clock.advance(60);
  t.match(await bulk.replaceOrigin('feed:a', batch('192.0.2.2', '192.0.2.3'), {}), { added: 1, removed: 2, kept: 1 });
  t.same(texts(f), ['192.0.2.1 manual', '192.0.2.2 feed:a', '192.0.2.3 feed:a']);
  t.equal(f.blocklist.list()[1]?.created, created, 'listed since it was listed first');
  t.equal(enforced(f), 3);
  t.equal(judged(f, '2001:db8::1'), false);
  t.match(f.blocklist.remove(prefixes('192.0.2.2')), [{ outcome: 'removed' }], 'a single entry of a feed');
  f.blocklist.add({ prefixes: prefixes('192.0.2.3'), origin: 'feed:a', ttl: 30, reason: 'by hand' });
  f.close();
  const g = fixture({ file, tables: f.tables, clock: f.clock });
  t.same(texts(g), ['192.0.2.1 manual', '192.0.2.3 feed:a'], 'the same after a restart');
  t.match(g.blocklist.list()[1], { reason: 'by hand' });
  t.match(g.blocklist.status(), { entries: 2, enforced: 2 });
  t.equal(await g.blocklist.clear('feed:a'), 1);
  t.same(texts(g), ['192.0.2.1 manual']);
  t.equal(enforced(g), 1);
  g.close();
});

t.test('an import adds and prolongs, a removal takes out', async (t) => {
  const f = fixture();
  t.teardown(f.close);
  const { bulk } = f.blocklist;
  f.blocklist.add({ prefixes: prefixes('192.0.2.1', '192.0.2.9') });
  t.match(await bulk.importBatch(batch('192.0.2.1', '192.0.2.2'), { ttl: 60 }), { added: 1, kept: 1, removed: 0 });
  t.same(
    f.blocklist.list().map(({ prefix, expires }) => [prefix, expires !== undefined]),
    [
      ['192.0.2.1', true],
      ['192.0.2.2', true],
      ['192.0.2.9', false],
    ],
  );
  t.equal(await bulk.removeBatch('manual', batch('192.0.2.2', '192.0.2.9', '192.0.2.77')), 2);
  t.same(texts(f), ['192.0.2.1 manual']);
  t.equal(enforced(f), 1);
  f.clock.advance(60);
  t.equal(judged(f, '192.0.2.1'), false);
  t.equal(f.blocklist.sweep(), 1);
  t.match(f.blocklist.status(), { entries: 0, enforced: 0 });
});

t.test('what is prolonged keeps what else was said of it, and what is taken off meanwhile stays off', async (t) => {
  const f = fixture({ capacity: { capacity4: 300_000, capacity6: 1000 } });
  t.teardown(f.close);
  const { bulk } = f.blocklist;
  const until = f.clock.wallMs() + 60_000;
  const builder = new BatchBuilder();
  for (let i = 0; i < 200_000; i++) builder.add4(0x0a000000 + i, 32);
  const mark = builder.mark();
  builder.add4(0xc0000201, 32);
  builder.describe(mark, until + 5000, 'its own');
  await bulk.replaceOrigin('feed:a', builder.build(), { until, reason: 'feed a' });
  f.clock.advance(30);
  const done = bulk.prolong('feed:a', until, until + 30_000);
  let over = false;
  void done.then(() => (over = true));
  // Away from the work's first step.
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(over, false, 'it is under way');
  t.match(f.blocklist.remove(prefixes('10.0.0.7')), [{ outcome: 'removed' }]);
  await done;
  t.match(f.blocklist.check(parseAddress('10.0.0.7')), { blocked: false });
  const said = (address: string) => f.blocklist.check(parseAddress(address)).entries[0];
  t.match(said('10.0.0.8'), { reason: 'feed a', expires: new Date(until + 30_000).toISOString() });
  t.match(said('192.0.2.1'), { reason: 'its own', expires: new Date(until + 5000).toISOString() });
  t.equal(f.blocklist.status().entries, 200_000);
  f.clock.advance(60);
  t.equal(judged(f, '10.0.0.8'), false);
});

t.test('alert lists let pass, and a drop wins over them', async (t) => {
  const f = fixture();
  t.teardown(f.close);
  const { bulk } = f.blocklist;
  await bulk.replaceOrigin('feed:try', batch('192.0.2.0/24'), { action: 'alert' });
  t.equal(judged(f, '192.0.2.7'), false);
  t.match(f.blocklist.check(parseAddress('192.0.2.7')), { blocked: false, entries: [{ action: 'alert' }] });
  t.equal(f.blocklist.blockedUntil(parseAddress('192.0.2.7')), undefined);
  await bulk.replaceOrigin('feed:real', batch('192.0.2.0/24'), { ttl: 100 });
  t.equal(judged(f, '192.0.2.7'), true);
  t.match(f.blocklist.check(parseAddress('192.0.2.7')), { blocked: true });
  t.match(f.blocklist.stats().origins, [
    { origin: 'feed:real', action: 'drop', entries: 1 },
    { origin: 'feed:try', action: 'alert', entries: 1 },
  ]);
  f.clock.advance(100);
  f.blocklist.sweep();
  t.equal(judged(f, '192.0.2.7'), false);
  t.match(f.tables.blocklist.get(prefixes('192.0.2.0/24')[0] as Prefix), { alert: true, expires: 0 });
});

t.test('figures tell how many entries of an origin only alert', async (t) => {
  const f = fixture();
  t.teardown(f.close);
  const { bulk } = f.blocklist;
  await bulk.importBatch(batch('192.0.2.1', '192.0.2.2', '2001:db8::/32'), { action: 'alert' });
  await bulk.importBatch(batch('192.0.2.2', '192.0.2.3'), {});
  f.blocklist.remove(prefixes('192.0.2.1'));
  f.blocklist.add({ prefixes: prefixes('192.0.2.9') });
  await bulk.replaceOrigin('feed:a', batch('192.0.2.1'), { action: 'alert' });
  t.match(f.blocklist.stats().origins, [
    { origin: 'feed:a', action: 'alert', entries: 1, alerting: 1 },
    { origin: 'manual', action: 'drop', entries: 4, alerting: 1 },
  ]);
});

t.test('what does not fit is refused with the counts, and nothing is changed', async (t) => {
  const f = fixture({ capacity: { capacity4: 1000, capacity6: 100 } });
  t.teardown(f.close);
  const { bulk } = f.blocklist;
  const { capacity4 } = f.tables.blocklist;
  await bulk.replaceOrigin('feed:a', many(capacity4 - 10), {});
  await t.rejects(bulk.importBatch(many(100, 1), {}), {
    code: 'LIST_FULL',
    details: { entries: capacity4 - 10, capacity: capacity4, requested: 100, free: 10 },
  });
  t.match(f.blocklist.status(), { entries: capacity4 - 10, enforced: capacity4 - 10 });
  t.same(f.blocklist.list({ origin: 'manual' }), []);
  t.match(await bulk.importBatch(many(10, 1), {}), { added: 10 });
  // Old and new content do not fit together: what goes has to go first.
  t.match(await bulk.replaceOrigin('feed:a', many(capacity4 - 10, 2), {}), { removed: capacity4 - 10 });
  t.match(f.blocklist.status(), { entries: capacity4, enforced: capacity4 });
});

t.test('the guard takes out what would lock somebody out', async (t) => {
  const f = fixture({ exemptions: [['192.0.2.1', 'default gateway']] });
  t.teardown(f.close);
  const result = await f.blocklist.bulk.importBatch(batch('192.0.2.0/24', '198.51.100.7'), {});
  t.match(result, { added: 1, refusedCount: 1, refused: [{ prefix: '192.0.2.0/24', cause: /default gateway/ }] });
  t.same(texts(f), ['198.51.100.7 manual']);
});

t.test('export gives what an import takes', async (t) => {
  const f = fixture({ capacity: { capacity4: 80_000, capacity6: 1000 } });
  t.teardown(f.close);
  const { bulk } = f.blocklist;
  f.blocklist.add({ prefixes: prefixes('192.0.2.5', '2001:db8::5'), ttl: 50, reason: 'one' });
  await bulk.importBatch(many(70_000), { reason: 'two', ttl: 1000 });
  await bulk.replaceOrigin('feed:b', batch('192.0.2.5'), { action: 'alert' });
  const all: ExportChunk[] = [];
  for await (const chunk of bulk.exportEntries()) all.push(chunk);
  t.equal(
    all.reduce((sum, chunk) => sum + chunk.batch.count, 0),
    70_003,
  );
  const shown = (): string[] =>
    f.blocklist
      .list()
      .map(({ prefix, origin, reason, expires, action }) => [prefix, origin, reason, expires, action].join());
  const before = shown();
  await f.blocklist.clear();
  t.match(f.blocklist.status(), { entries: 0, enforced: 0 });
  for (const { origin, action, forced, batch: one } of all) await bulk.importBatch(one, { origin, action, forced });
  t.equal(shown().join('\n'), before.join('\n'));
  const diff = await bulk.diff(many(10, 1), { replace: true });
  t.match([diff.added.count, diff.removed.count, diff.kept], [10, 70_002, 0]);
});

for (const sort of ['address', 'hits'] as const) {
  t.test(`a list that is read while it is replaced is of one moment: ${sort}`, async (t) => {
    const f = fixture({ capacity: { capacity4: 40_000, capacity6: 1000 } });
    t.teardown(f.close);
    const { bulk } = f.blocklist;
    await bulk.replaceOrigin('feed:a', many(5_000), {});
    const single = '10.0.0.9 203.0.113.9 2001:db8::9'.split(' ');
    f.blocklist.add({ prefixes: prefixes(...single), origin: 'feed:a', reason: 'by hand' });
    const before = texts(f);
    t.equal(before.length, 5_002);
    const hit = ['10.0.0.12', '10.0.0.30', '203.0.113.9'];
    for (const text of hit) {
      const slot = f.tables.blocklist.find(parsePrefix(text));
      f.tables.memory.entries4[Entries4.hits(slot) + 1] = 7;
    }
    const seen: string[] = [];
    for await (const page of f.blocklist.pages({ sort })) {
      if (seen.length === 0) {
        f.blocklist.remove(prefixes('10.0.48.0'));
        await bulk.replaceOrigin('feed:a', many(5_000, 1), {});
      }
      seen.push(...page.map((entry) => `${entry.prefix} ${entry.origin}`));
    }
    // What was replaced meanwhile has no packets any more, and comes behind those that had some.
    if (sort === 'hits') t.ok(hit.some((text) => seen[0] === `${text} feed:a`));
    t.same(seen.sort(), before.sort());
    t.equal(texts(f).length, 5_000);
  });
}

t.test('single changes while a bulk change is under way count', async (t) => {
  const file = join(t.testdir(), 'lists.db');
  const f = fixture({ file, capacity: { capacity4: 60_000, capacity6: 1000 } });
  const { bulk } = f.blocklist;
  await bulk.importBatch(many(20_000), {});
  const random = randomizer(7);
  const wanted = new Set(f.blocklist.list().map((entry) => entry.prefix));
  for (let round = 0; round < 4; round++) {
    const next = many(20_000, 3 * 4_000 * round);
    const coming = new Set(listOf(next));
    for (const prefix of coming) wanted.add(prefix);
    // Removed while the import that lists it is under way: either of the two may be the later one.
    const open = new Set<string>();
    let busy = true;
    const change = bulk.importBatch(next, {}).finally(() => (busy = false));
    while (busy) {
      const number = 0x0a000000 + 3 * random(24_000);
      const text = `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
      if (random(2) === 0) {
        f.blocklist.remove(prefixes(text));
        wanted.delete(text);
        if (coming.has(text)) open.add(text);
      } else {
        f.blocklist.add({ prefixes: prefixes(text), reason: 'single' });
        wanted.add(text);
        open.delete(text);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await change;
    const listed = f.blocklist.list().map((entry) => entry.prefix);
    for (const prefix of listed) if (open.has(prefix)) wanted.add(prefix);
    t.equal(listed.length, wanted.size, `round ${round}`);
    t.same(
      listed.filter((prefix) => !wanted.has(prefix)),
      [],
    );
    t.equal(enforced(f), wanted.size);
    t.equal(f.blocklist.reconcile().put, 0);
    t.equal(f.blocklist.status().entries, wanted.size, 'counted anew');
  }
  f.close();
  const g = fixture({ file, tables: f.tables, clock: f.clock });
  t.equal(
    g.blocklist
      .list()
      .map((entry) => entry.prefix)
      .join(),
    [...wanted].sort((a, b) => order(a) - order(b)).join(),
    'and all of it is on the disk',
  );
  t.equal(readdirSync(file.replace('.db', '.d')).length, 1, 'old contents are removed');
  g.close();
});

function order(text: string): number {
  return keyOf(prefixes(text)[0] as Prefix).addr[0] ?? 0;
}

function listOf(one: PrefixBatch): string[] {
  return [...one.addr4].map(
    (number) => `${number >>> 24}.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`,
  );
}
