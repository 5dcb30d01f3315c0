// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Confirmations, type PendingChange } from '../../../../engine/lists/confirmations.js';
import { parseList } from '../../../../engine/lists/formats/parse.js';
import type { PrefixBatch } from '../../../../engine/lists/prefix-batch.js';
import { fixture, judged, prefixes } from './fixture.js';

function batchOf(text: string): PrefixBatch {
  const [group] = parseList(Buffer.from(text)).groups;
  if (!group) throw new Error('no group');
  return group.batch;
}

async function until(condition: () => boolean, ms = 5000): Promise<void> {
  for (const end = Date.now() + ms; !condition() && Date.now() < end;) await new Promise((done) => setTimeout(done, 5));
}

type Lists = ReturnType<typeof fixture>['blocklist']['bulk'];

function setup(file: string, lists: Lists) {
  const rolledBack: PendingChange[] = [];
  const errors: unknown[] = [];
  const confirmations = Confirmations.open({
    file,
    lists,
    onRolledBack: (change) => void rolledBack.push(change),
    onError: (error) => void errors.push(error),
  });
  return { confirmations, rolledBack, errors };
}

const told = (f: ReturnType<typeof fixture>): string[] => f.blocklist.list().map(({ prefix }) => prefix);

void t.test('an unconfirmed change goes, and what was there before is as it was', async (t) => {
  const f = fixture();
  t.teardown(f.close);
  const lists = f.blocklist.bulk;
  await lists.importBatch(batchOf('192.0.2.1\n192.0.2.2\n'), { ttl: 1000, reason: 'old' });
  const before = f.blocklist.list();
  f.clock.advance(1);
  const file = join(t.testdir({}), 'confirm.bin');
  const { confirmations, rolledBack } = setup(file, lists);
  const options = { origin: 'manual', ttl: 5, reason: 'new' };
  const result = await confirmations.importBatch(batchOf('192.0.2.2\n192.0.2.3\n'), options, 0.05);
  t.match(result, { added: 1, kept: 1, origin: 'manual', entries: 2 });
  t.ok(existsSync(file));
  await until(() => rolledBack.length > 0);
  t.same(f.blocklist.list(), before, 'when it was listed, until when and why');
  t.notOk(existsSync(file));
  t.equal(confirmations.pending, undefined);
  await confirmations.close();
});

void t.test('what was changed after the import stays, also after a restart', async (t) => {
  const f = fixture();
  t.teardown(f.close);
  const lists = f.blocklist.bulk;
  await lists.importBatch(batchOf('192.0.2.1\n192.0.2.2\n192.0.2.3\n192.0.2.6\n'), { reason: 'old' });
  f.clock.advance(1);
  const file = join(t.testdir({}), 'confirm.bin');
  const first = setup(file, lists);
  const next = batchOf('192.0.2.1\n192.0.2.2\n192.0.2.3\n192.0.2.4\n192.0.2.5\n192.0.2.6\n');
  await first.confirmations.importBatch(next, { origin: 'manual', reason: 'new', ttl: 20 }, 3600);
  f.clock.advance(1);
  f.blocklist.remove(prefixes('192.0.2.1', '192.0.2.5'));
  f.blocklist.add({ prefixes: prefixes('192.0.2.2', '192.0.2.4'), reason: 'hand' });
  await lists.importBatch(batchOf('192.0.2.6\n192.0.2.9\n'), { reason: 'later' });
  await first.confirmations.close();
  const { confirmations } = setup(file, lists);
  await confirmations.rollback();
  t.same(
    f.blocklist.list().map(({ prefix, reason }) => [prefix, reason]),
    [
      ['192.0.2.2', 'hand'],
      ['192.0.2.3', 'old'],
      ['192.0.2.4', 'hand'],
      ['192.0.2.6', 'later'],
      ['192.0.2.9', 'later'],
    ],
  );
  await confirmations.close();
});

void t.test('a full disk does not keep a lock-out: off at once, tried again until it is written', async (t) => {
  const f = fixture();
  t.teardown(f.close);
  const file = join(t.testdir({}), 'confirm.bin');
  const { confirmations, rolledBack, errors } = setup(file, f.blocklist.bulk);
  f.blocklist.add({ prefixes: prefixes('192.0.2.9') });
  f.clock.advance(1);
  await confirmations.importBatch(batchOf('192.0.2.3'), { origin: 'manual' }, 0.05);
  const { transaction } = f.store;
  f.store.transaction = () => {
    throw new Error('disk is full');
  };
  await until(() => errors.length > 0);
  t.equal(judged(f, '192.0.2.3'), false);
  t.equal(judged(f, '192.0.2.9'), true);
  t.throws(() => confirmations.confirm(), { code: 'NOT_FOUND' });
  t.ok(existsSync(file), 'a daemon that starts now goes on with it');
  f.store.transaction = transaction;
  await until(() => rolledBack.length > 0, 9000);
  t.notOk(existsSync(file));
  t.same(told(f), ['192.0.2.9']);
  await confirmations.close();
});

void t.test('what was listed before acts as before, also after a restart', async (t) => {
  const f = fixture({ exemptions: [['192.0.2.1', 'default gateway']] });
  t.teardown(f.close);
  const { bulk } = f.blocklist;
  await bulk.importBatch(batchOf('192.0.2.1\n192.0.2.2\n'), { force: true, reason: 'forced' });
  await bulk.importBatch(batchOf('192.0.2.3\n2001:db8::/48\n'), { reason: 'plain', ttl: 1000 });
  await bulk.importBatch(batchOf('192.0.2.4'), { action: 'alert' });
  const told = (): unknown[] =>
    f.blocklist.list().map(({ prefix, reason, expires, action }) => {
      const kernel = prefixes(prefix).map((one) => f.tables.blocklist.get(one));
      return [prefix, reason, expires, action, kernel];
    });
  const before = told();
  const file = join(t.testdir({}), 'confirm.bin');
  const open = () =>
    Confirmations.open({ file, lists: bulk, onRolledBack: () => undefined, onError: (error) => t.fail(String(error)) });
  const next = batchOf('192.0.2.2\n192.0.2.3\n192.0.2.4\n192.0.2.5\n2001:db8::/48\n');
  for (const options of [{ action: 'alert' }, { force: true, ttl: 5 }] as const) {
    f.clock.advance(1);
    const first = open();
    t.match(await first.importBatch(next, { origin: 'manual', ...options }, 3600), { added: 1, kept: 4, entries: 5 });
    t.notSame(told(), before);
    await first.close();
    const second = open();
    t.match(second.pending, { origin: 'manual', entries: 5 });
    await second.rollback();
    t.same(told(), before, JSON.stringify(options));
    await second.close();
  }
});

void t.test('a confirmed change stays; one at a time', async (t) => {
  const f = fixture();
  t.teardown(f.close);
  const lists = f.blocklist.bulk;
  const file = join(t.testdir({}), 'confirm.bin');
  const { confirmations, rolledBack } = setup(file, lists);
  await confirmations.importBatch(batchOf('192.0.2.3'), { origin: 'manual' }, 30);
  await t.rejects(confirmations.importBatch(batchOf('192.0.2.4'), { origin: 'manual' }, 30), {
    code: 'CONFIRM_PENDING',
  });
  t.match(confirmations.confirm(), { origin: 'manual', entries: 1 });
  t.throws(() => confirmations.confirm(), { code: 'NOT_FOUND' });
  t.same(told(f), ['192.0.2.3']);
  t.notOk(existsSync(file));
  t.same(rolledBack, []);
  await confirmations.close();
});

void t.test('a daemon that died undoes it when it starts again', async (t) => {
  const f = fixture();
  t.teardown(f.close);
  const lists = f.blocklist.bulk;
  const file = join(t.testdir({}), 'confirm.bin');
  const first = setup(file, lists);
  await first.confirmations.importBatch(batchOf('192.0.2.3\n2001:db8::/32\n'), { origin: 'manual' }, 0.2);
  await first.confirmations.close();
  t.ok(existsSync(file), 'the way back is kept');
  const second = setup(file, lists);
  t.match(second.confirmations.pending, { origin: 'manual' }, 'it waits for the rest of the time');
  await until(() => second.rolledBack.length > 0);
  t.same(told(f), []);
  t.same(second.errors, []);
  await second.confirmations.close();
});

void t.test('an import that fails leaves nothing behind', async (t) => {
  const f = fixture({ capacity: { capacity4: 1, capacity6: 1 } });
  t.teardown(f.close);
  const lists = f.blocklist.bulk;
  const file = join(t.testdir({}), 'confirm.bin');
  const { confirmations } = setup(file, lists);
  const many = batchOf(Array.from({ length: 5_000 }, (_, n) => `10.0.${n >> 8}.${n & 255}\n`).join(''));
  await t.rejects(confirmations.importBatch(many, { origin: 'manual' }, 30), { code: 'LIST_FULL' });
  t.notOk(existsSync(file));
  t.equal(confirmations.pending, undefined);
  await confirmations.close();
});

void t.test('a change of which all was refused is none', async (t) => {
  const f = fixture({ exemptions: [['192.0.2.1', 'default gateway']] });
  t.teardown(f.close);
  const lists = f.blocklist.bulk;
  const file = join(t.testdir({}), 'confirm.bin');
  const { confirmations } = setup(file, lists);
  t.match(await confirmations.importBatch(batchOf('192.0.2.1'), { origin: 'manual' }, 60), {
    added: 0,
    refusedCount: 1,
  });
  t.equal(confirmations.pending, undefined);
  t.notOk(existsSync(file));
  t.throws(() => confirmations.confirm(), { code: 'NOT_FOUND' });
  await confirmations.importBatch(batchOf('192.0.2.1'), { origin: 'manual' }, 60);
  await confirmations.close();
});
