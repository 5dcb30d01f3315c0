// SPDX-License-Identifier: Apache-2.0
// One prefix takes over from another: the new one is in force before the old one goes.
import t from 'tap';
import { formatPrefix, type Prefix } from '../../../../common/address.js';
import { BatchBuilder } from '../../../../engine/lists/batch-builder.js';
import { keyOf } from '../../../../engine/lists/claims/keys.js';
import type { EnforcedTable, EntryColumns, EntryValue, PrefixColumns } from '../../../../engine/lists/table/index.js';
import { fixture, prefixes } from './fixture.js';

/** Notes the calls that change a table, as `put`, `barrier` and `remove`; calls of one kind in a row are one. */
function record(table: EnforcedTable): () => string[] {
  let calls: string[] = [];
  const note = (call: string): void => void (calls.at(-1) === call || calls.push(call));
  const own = {
    put: (prefix: Prefix, value: EntryValue) => (note('put'), put(prefix, value)),
    putBatch: (entries: EntryColumns) => {
      const result = putBatch(entries);
      if (result.added + result.changed > 0) note('put');
      return result;
    },
    delete: (prefix: Prefix) => (note('remove'), remove(prefix)),
    deleteBatch: (columns: PrefixColumns) => (note('remove'), deleteBatch(columns)),
    barrier: () => (note('barrier'), barrier()),
  };
  const put = table.put.bind(table);
  const putBatch = table.putBatch.bind(table);
  const remove = table.delete.bind(table);
  const deleteBatch = table.deleteBatch.bind(table);
  const barrier = table.barrier.bind(table);
  Object.assign(table, own);
  return () => {
    const before = calls;
    calls = [];
    return before;
  };
}

function batch(...texts: string[]) {
  const builder = new BatchBuilder();
  for (const prefix of prefixes(...texts)) {
    const { addr, len, words } = keyOf(prefix);
    if (words !== 1) throw new Error(formatPrefix(prefix));
    builder.add4(addr[0] ?? 0, len[0] ?? 0);
  }
  return builder.build();
}

/** `count` addresses: more than a slice of them. */
function many(first: number, count = 20_000) {
  const builder = new BatchBuilder(count);
  for (let i = 0; i < count; i++) builder.add4(first + 3 * i, 32);
  return builder.build();
}

function recorded(t: { teardown(close: () => void): unknown }) {
  const f = fixture({ capacity: { capacity4: 60_000, capacity6: 100 } });
  t.teardown(f.close);
  return { ...f, calls: record(f.tables.blocklist) };
}

t.test('single changes wait only where one takes over from another', (t) => {
  const { blocklist, clock, calls } = recorded(t);
  blocklist.add({ prefixes: prefixes('192.0.2.1', '198.51.100.0/24', '203.0.113.1') });
  t.same(calls(), ['put'], 'an addition');
  blocklist.remove(prefixes('203.0.113.1'));
  t.same(calls(), ['remove'], 'what has just been added, and nothing around it');
  blocklist.add({ prefixes: prefixes('192.0.2.0/24') });
  blocklist.remove(prefixes('192.0.2.1'));
  t.same(calls(), ['put', 'barrier', 'remove'], 'a wider one takes over');
  blocklist.add({ prefixes: prefixes('198.51.100.1', '198.51.100.2') });
  blocklist.remove(prefixes('198.51.100.0/24'));
  t.same(calls(), ['put', 'barrier', 'remove'], 'narrower ones take over');
  blocklist.add({ prefixes: prefixes('198.51.100.0/24') });
  clock.advance(5);
  blocklist.remove(prefixes('198.51.100.1'));
  t.same(calls(), ['put', 'remove'], 'the wider one has long been there');
  blocklist.remove(prefixes('198.51.100.9'));
  t.same(calls(), [], 'nothing to remove');
  t.end();
});

t.test('a single removal after very many additions waits once', (t) => {
  const { blocklist, calls } = recorded(t);
  const hosts = Array.from({ length: 400 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  blocklist.add({ prefixes: prefixes(...hosts) });
  blocklist.remove(prefixes('10.1.0.1', '10.1.0.2'));
  t.same(calls(), ['put', 'barrier', 'remove']);
  t.end();
});

t.test('a change in bulk puts everything, waits once, then removes', async (t) => {
  const { blocklist, clock, calls } = recorded(t);
  const { bulk } = blocklist;
  await bulk.replaceOrigin('feed:a', many(0x0a000000), {});
  t.same(calls(), ['put'], 'nothing to remove');
  await bulk.replaceOrigin('feed:a', many(0x0b000000), {});
  t.same(calls(), ['put', 'barrier', 'remove']);
  clock.advance(5);
  await blocklist.clear('feed:a');
  t.same(calls(), ['remove'], 'nothing takes over');
});

t.test('origins that are replaced together wait together', async (t) => {
  const { blocklist, clock, calls } = recorded(t);
  const change = (origin: string, ...texts: string[]) => ({ origin, batch: batch(...texts), options: {} });
  await blocklist.replaceOrigins([change('a', '192.0.2.1', '192.0.2.2'), change('b', '198.51.100.0/24')]);
  t.same(calls(), ['put']);
  clock.advance(5);
  await blocklist.replaceOrigins([change('a', '198.51.100.7'), change('b', '192.0.2.0/24')]);
  t.same(calls(), ['put', 'barrier', 'remove']);
});

t.test('a comparison mends what is missing, waits, then removes what is foreign', (t) => {
  const { blocklist, tables, calls } = recorded(t);
  const [lost, foreign] = prefixes('192.0.2.0/24', '192.0.2.1');
  if (!lost || !foreign) throw new Error('no prefix');
  blocklist.add({ prefixes: [lost] });
  tables.blocklist.put(foreign, { expires: 0, set: 1, forced: false, alert: false });
  tables.blocklist.delete(lost);
  calls();
  t.same(blocklist.reconcile(), { put: 1, removed: 1 });
  t.same(calls(), ['put', 'barrier', 'remove']);
  t.end();
});
