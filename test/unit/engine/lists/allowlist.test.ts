// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import t from 'tap';
import { AllowKind } from '../../../../common/abi.gen.js';
import { parseAddress, parsePrefix } from '../../../../common/address.js';
import { Allowlist } from '../../../../engine/lists/index.js';
import { decodeAllow } from '../../../../engine/lists/records.js';
import { fixture, prefixes } from './fixture.js';

function kindOf(f: ReturnType<typeof fixture>, address: string): number {
  const value = f.tables.allowlist.lookup(parseAddress(address));
  return value ? decodeAllow(value) : 0;
}

t.test('the operator wins over a built-in exemption at any length', async (t) => {
  const f = fixture({ exemptions: [['10.0.0.1', 'default gateway']] });
  t.teardown(f.close);
  t.equal(kindOf(f, '10.0.0.1'), AllowKind.ALLOW_EXEMPT);
  t.same(f.allowlist.add(prefixes('10.0.0.0/24'), 'office'), [{ prefix: '10.0.0.0/24', outcome: 'added' }]);
  t.equal(kindOf(f, '10.0.0.1'), AllowKind.ALLOW_OPERATOR, 'the exempt host lies in an allowlisted network');
  t.equal(kindOf(f, '10.0.0.2'), AllowKind.ALLOW_OPERATOR);
  t.match(f.allowlist.check(parseAddress('10.0.0.1')), { kind: 'allowlist', reason: 'office' });
  f.allowlist.remove(prefixes('10.0.0.0/24'));
  t.equal(kindOf(f, '10.0.0.1'), AllowKind.ALLOW_EXEMPT);
  t.equal(kindOf(f, '10.0.0.2'), 0);
  t.match(f.allowlist.check(parseAddress('10.0.0.1')), { kind: 'exemption', reason: 'default gateway' });
  t.equal(f.allowlist.check(parseAddress('10.0.0.2')), undefined);
});

t.test('entries of the configuration and of the operator', async (t) => {
  const file = join(t.testdir(), 'lists.db');
  const f = fixture({ file, configured: ['192.0.2.0/24'] });
  t.same(
    f.allowlist.add(prefixes('192.0.2.0/24', '2001:db8::1'), 'x').map(({ outcome }) => outcome),
    ['added', 'added'],
  );
  t.same(f.allowlist.add(prefixes('2001:db8::1'), 'x')[0]?.outcome, 'unchanged');
  t.same(f.allowlist.add(prefixes('2001:db8::1'), 'y')[0]?.outcome, 'updated');
  f.close();
  const g = fixture({ file, tables: f.tables, clock: f.clock, configured: ['192.0.2.0/24'] });
  t.teardown(g.close);
  t.match(g.allowlist.list(), [
    { prefix: '192.0.2.0/24', kind: 'allowlist', origin: 'config' },
    { prefix: '192.0.2.0/24', kind: 'allowlist', origin: 'manual', reason: 'x' },
    { prefix: '2001:db8::1', kind: 'allowlist', origin: 'manual', reason: 'y', created: '2026-01-01T00:00:00.000Z' },
  ]);
  t.match(g.allowlist.remove(prefixes('192.0.2.0/24', '198.51.100.1')), [
    { outcome: 'refused', cause: /allowlisted by the configuration file: take it out there/ },
    { outcome: 'unchanged' },
  ]);
  t.equal(kindOf(g, '192.0.2.9'), AllowKind.ALLOW_OPERATOR);
  t.same(g.allowlist.counts(), { entries: 2, exemptions: 0 });
});

t.test('the kernel table is made equal at start, and capacity is explicit', async (t) => {
  const f = fixture({ exemptions: [['10.0.0.1', 'default gateway']] });
  t.teardown(f.close);
  f.tables.allowlist.put(parsePrefix('198.51.100.0/24'), new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]));
  f.allowlist.reconcile();
  t.equal(kindOf(f, '198.51.100.1'), 0);
  t.equal(kindOf(f, '10.0.0.1'), AllowKind.ALLOW_EXEMPT);
  const small = Allowlist.open({ table: f.tables.allowlist, store: f.store, clock: f.clock, capacity: 1 });
  t.throws(() => small.add(prefixes('192.0.2.1', '192.0.2.2')), {
    code: 'LIST_FULL',
    details: { requested: 2, capacity: 1 },
  });
});

t.test('an allowlisted or exempt address is reported as kept from a block', async (t) => {
  const f = fixture({ exemptions: [['10.0.0.1', 'default gateway']] });
  t.teardown(f.close);
  f.blocklist.add({ prefixes: prefixes('10.0.0.0/24'), force: true });
  t.match(f.blocklist.check(parseAddress('10.0.0.1')), { blocked: true }, 'force wins over an exemption');
  await f.blocklist.clear();
  f.blocklist.block(parsePrefix('10.0.0.1'), 'rule:1', 60, '');
  t.match(f.blocklist.check(parseAddress('10.0.0.1')), {
    blocked: false,
    kept: { prefix: '10.0.0.1', kind: 'exemption', reason: 'default gateway' },
  });
  f.blocklist.add({ prefixes: prefixes('10.0.0.0/24'), force: true });
  f.allowlist.add(prefixes('10.0.0.1'), 'mine');
  t.match(f.blocklist.check(parseAddress('10.0.0.1')), { blocked: false, kept: { kind: 'allowlist', reason: 'mine' } });
});
