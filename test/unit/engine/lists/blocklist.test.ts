// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import t from 'tap';
import { parseAddress, parsePrefix } from '../../../../common/address.js';
import { MemoryTables } from '../../../../engine/lists/index.js';
import { enforced, FakeClock, fixture, judged, prefixes } from './fixture.js';

t.test('an address is blocked from add to remove', async (t) => {
  const f = fixture();
  t.teardown(f.close);
  t.same(f.blocklist.add({ prefixes: prefixes('192.0.2.7'), reason: 'test' }), [
    { prefix: '192.0.2.7', outcome: 'added' },
  ]);
  t.equal(judged(f, '192.0.2.7'), true);
  t.equal(judged(f, '192.0.2.8'), false);
  t.same(f.blocklist.add({ prefixes: prefixes('192.0.2.7') })[0]?.outcome, 'updated');
  t.match(f.blocklist.list(), [{ prefix: '192.0.2.7', origin: 'manual', created: '2026-01-01T00:00:00.000Z' }]);
  t.notOk(f.blocklist.list()[0]?.expires);
  t.same(f.blocklist.remove(prefixes('192.0.2.7', '192.0.2.9')), [
    { prefix: '192.0.2.7', outcome: 'removed' },
    { prefix: '192.0.2.9', outcome: 'unchanged' },
  ]);
  t.equal(judged(f, '192.0.2.7'), false);
  t.equal(enforced(f), 0);
});

t.test('expiry is judged by the kernel to the second, without a sweep', async (t) => {
  const f = fixture();
  t.teardown(f.close);
  f.blocklist.add({ prefixes: prefixes('192.0.2.7'), ttl: 10 });
  f.clock.advance(9);
  t.equal(judged(f, '192.0.2.7'), true);
  f.clock.advance(1);
  t.equal(judged(f, '192.0.2.7'), false);
  t.equal(f.blocklist.check(parseAddress('192.0.2.7')).blocked, false);
  t.equal(enforced(f), 1);
  t.equal(f.blocklist.sweep(), 1);
  t.equal(enforced(f), 0);
  t.equal(f.blocklist.sweep(), 0);
});

t.test('an address stays blocked as long as one origin lists it', async (t) => {
  const f = fixture();
  t.teardown(f.close);
  const [prefix] = prefixes('192.0.2.7');
  if (!prefix) return;
  f.blocklist.add({ prefixes: [prefix], ttl: 100 });
  f.blocklist.block(prefix, 'rule:9000001', 3600, 'scan');
  t.equal(f.blocklist.originName(f.tables.blocklist.get(prefix)?.set ?? 0), 'rule:9000001');
  t.same(f.blocklist.remove([prefix], 'rule:9000001')[0]?.outcome, 'removed');
  t.equal(judged(f, '192.0.2.7'), true);
  t.equal(f.blocklist.originName(f.tables.blocklist.get(prefix)?.set ?? 0), 'manual');
  t.equal(f.blocklist.remove([prefix], 'feed:x')[0]?.outcome, 'unchanged');
  f.blocklist.block(prefix, 'rule:1', 50, '');
  f.blocklist.block(prefix, 'rule:1', 10, '');
  t.equal(f.blocklist.blockedUntil(prefix.bytes, 'rule:1'), f.clock.wallMs() + 50_000, 'a rule only prolongs');
  t.equal(f.blocklist.blockedUntil(prefix.bytes), f.clock.wallMs() + 100_000);
  t.equal(f.blocklist.blockedUntil(parseAddress('192.0.2.8')), undefined);
});

t.test('a longer prefix that expires opens no hole in a shorter one', async (t) => {
  const f = fixture();
  t.teardown(f.close);
  f.blocklist.add({ prefixes: prefixes('192.0.2.7'), ttl: 10 });
  f.blocklist.add({ prefixes: prefixes('192.0.2.0/24') });
  f.clock.advance(20);
  t.equal(judged(f, '192.0.2.7'), true);
  t.same(f.blocklist.remove(prefixes('192.0.2.7'))[0], {
    prefix: '192.0.2.7',
    outcome: 'removed',
    cause: 'still blocked by 192.0.2.0/24',
  });
  t.equal(judged(f, '192.0.2.7'), true);
  const check = f.blocklist.check(parseAddress('192.0.2.7'));
  t.match(check, { address: '192.0.2.7', blocked: true, entries: [{ prefix: '192.0.2.0/24' }] });
  t.equal(await f.blocklist.clear(), 1);
  t.equal(judged(f, '192.0.2.7'), false);
});

t.test('capacity is explicit', async (t) => {
  const f = fixture({ capacity: { capacity4: 3, capacity6: 3 } });
  t.teardown(f.close);
  // The table rounds up to whole lines.
  const { capacity4, capacity6 } = f.tables.blocklist;
  const some = (from: number, to: number): ReturnType<typeof prefixes> =>
    prefixes(...Array.from({ length: to - from }, (_, i) => `192.0.2.${from + i}`));
  f.blocklist.add({ prefixes: some(0, capacity4 - 1) });
  const two = some(capacity4, capacity4 + 2);
  t.throws(() => f.blocklist.add({ prefixes: two }), {
    code: 'LIST_FULL',
    message: `the blocklist holds ${capacity4 - 1} of ${capacity4} IPv4 entries: no room for 2 more, 1 would fit`,
    details: { entries: capacity4 - 1, capacity: capacity4, requested: 2, free: 1 },
  });
  t.equal(f.blocklist.list().length, capacity4 - 1);
  f.blocklist.add({ prefixes: [...some(0, 1), ...some(capacity4, capacity4 + 1), ...prefixes('2001:db8::1')] });
  const [another] = some(capacity4 + 1, capacity4 + 2);
  if (another) t.throws(() => f.blocklist.block(another, 'rule:1', 5, ''), { code: 'LIST_FULL' });
  t.match(f.blocklist.status(), {
    entries: capacity4 + 1,
    capacity: capacity4 + capacity6,
    enforced: capacity4 + 1,
    families: [
      { family: 'ipv4', entries: capacity4, enforced: capacity4, capacity: capacity4 },
      { family: 'ipv6', entries: 1, enforced: 1, capacity: capacity6 },
    ],
    notes: [],
  });
});

t.test('a kernel that refuses leaves memory and store as they were', async (t) => {
  const file = join(t.testdir(), 'lists.db');
  const tables = new MemoryTables();
  let room = 2;
  const put = tables.blocklist.put.bind(tables.blocklist);
  tables.blocklist.put = (prefix, value) => {
    if (tables.blocklist.find(prefix) < 0 && tables.blocklist.size4 >= room)
      throw new Error('no space left in the table');
    return put(prefix, value);
  };
  const f = fixture({ file, tables });
  f.blocklist.add({ prefixes: prefixes('192.0.2.1') });
  t.throws(() => f.blocklist.add({ prefixes: prefixes('192.0.2.2', '192.0.2.3', '192.0.2.1') }), /no space left/);
  t.same(
    f.blocklist.list().map((entry) => entry.prefix),
    ['192.0.2.1'],
  );
  t.equal(tables.blocklist.size4, 1);
  t.equal(judged(f, '192.0.2.1'), true);
  const [a, b] = prefixes('192.0.2.4', '192.0.2.5');
  if (a && b) {
    f.blocklist.block(a, 'rule:1', 60, '');
    t.throws(() => f.blocklist.block(b, 'rule:1', 60, ''), /no space left/);
  }
  f.close();
  room = 10;
  const g = fixture({ file, tables, clock: f.clock });
  t.same(
    g.blocklist.list().map((entry) => entry.prefix),
    ['192.0.2.1', '192.0.2.4'],
  );
  g.close();
});

t.test('a store that refuses leaves memory and kernel as they were', async (t) => {
  const f = fixture();
  t.teardown(f.close);
  f.blocklist.add({ prefixes: prefixes('192.0.2.1'), ttl: 50 });
  const put = f.store.putClaim;
  f.store.putClaim = () => {
    throw new Error('disk full');
  };
  t.throws(() => f.blocklist.add({ prefixes: prefixes('192.0.2.1', '192.0.2.2') }), /disk full/);
  f.store.putClaim = put;
  t.match(f.blocklist.list(), [{ prefix: '192.0.2.1', expires: '2026-01-01T00:00:50.000Z' }]);
  t.equal(f.blocklist.list().length, 1);
  t.equal(enforced(f), 1);
  t.equal([...f.store.claims()].length, 1);
  f.clock.advance(50);
  t.equal(judged(f, '192.0.2.1'), false);
});

t.test('a restart puts what is missing, removes what is foreign, leaves what is right', async (t) => {
  const file = join(t.testdir(), 'lists.db');
  const f = fixture({ file });
  f.blocklist.add({ prefixes: prefixes('192.0.2.1', '192.0.2.2', '2001:db8::/32'), ttl: 1000 });
  f.close();
  const [gone, foreign] = prefixes('192.0.2.2', '198.51.100.0/24');
  if (!gone || !foreign) return;
  f.tables.blocklist.delete(gone);
  f.tables.blocklist.put(foreign, { expires: 0, set: 0, forced: false, alert: false });
  f.clock.advance(5);
  const g = fixture({ file, tables: f.tables, clock: f.clock });
  t.teardown(g.close);
  t.equal(g.blocklist.status().reconciler.repairs, 2, 'one put, one removal');
  t.equal(judged(g, '192.0.2.2'), true);
  t.equal(judged(g, '198.51.100.1'), false);
  g.tables.blocklist.delete(gone);
  t.same(g.blocklist.reconcile(), { put: 1, removed: 0 });
  t.same(g.blocklist.reconcile(), { put: 0, removed: 0 });
});

t.test('a step of the wall clock and a reboot move the expiry in the kernel, not in the world', async (t) => {
  const file = join(t.testdir(), 'lists.db');
  const clock = new FakeClock();
  const f = fixture({ file, clock });
  f.blocklist.add({ prefixes: prefixes('192.0.2.1'), ttl: 100 });
  const end = clock.wall + 100;
  clock.wall += 60; // somebody set the clock
  f.blocklist.sweep();
  clock.advance(39);
  t.equal(judged(f, '192.0.2.1'), true);
  clock.advance(1);
  t.equal(clock.wall, end);
  t.equal(judged(f, '192.0.2.1'), false);
  f.blocklist.add({ prefixes: prefixes('192.0.2.2'), ttl: 100 });
  f.close();
  clock.advance(30);
  clock.boot = 7;
  const g = fixture({ file, clock });
  t.teardown(g.close);
  t.same(
    g.blocklist.list().map((entry) => entry.prefix),
    ['192.0.2.2'],
    'what expired meanwhile is gone',
  );
  clock.advance(69);
  t.equal(judged(g, '192.0.2.2'), true);
  clock.advance(1);
  t.equal(judged(g, '192.0.2.2'), false);
});

t.test('what a rule blocks reaches the disk soon, and at close at the latest', async (t) => {
  const file = join(t.testdir(), 'lists.db');
  const f = fixture({ file });
  const prefix = parsePrefix('192.0.2.1');
  f.blocklist.block(prefix, 'rule:1', 600, 'scan');
  t.same([...f.store.claims()], []);
  const deadline = Date.now() + 5000;
  while ([...f.store.claims()].length === 0 && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 20));
  t.match([...f.store.claims()], [{ claim: { origin: 'rule:1', reason: 'scan' } }]);
  f.blocklist.block(parsePrefix('192.0.2.2'), 'rule:1', 600, '');
  f.blocklist.noteOffence({ address: prefix.bytes, count: 2, until: f.clock.wallMs() + 1000 });
  f.close();
  const g = fixture({ file, clock: f.clock });
  t.equal(g.blocklist.list().length, 2);
  t.match(g.blocklist.offences(), [{ count: 2 }]);
  f.clock.advance(2);
  t.same(g.blocklist.offences(), []);
  g.close();
});
