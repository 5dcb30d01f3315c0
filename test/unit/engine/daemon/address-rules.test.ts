// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { AddressRules, unfitNote } from '../../../../engine/daemon/address-rules.js';
import { compileRules, type Compilation } from '../../../../rules/index.js';
import { fixture, judged, prefixes } from '../lists/fixture.js';

function compile(...lines: string[]): Compilation {
  return compileRules([{ file: 'test.rules', text: lines.join('\n') }], { addressVars: {}, portVars: {}, redact: [] });
}

const rule = (action: string, sources: string, sid: number, gid = 1): string =>
  `${action} ip [${sources}] any -> any any (msg:"rule ${sid}"; gid:${gid}; sid:${sid};)`;

async function load(rules: AddressRules, next: Compilation, before?: Compilation) {
  const problems = await rules.put(next, before);
  await rules.settle(next);
  return problems;
}

const origins = ({ blocklist }: ReturnType<typeof fixture>) =>
  blocklist.stats().origins.map(({ origin, action, entries }) => `${origin} ${action} ${entries}`);

t.test('the blocklist follows the rule set', async (t) => {
  const f = fixture();
  t.teardown(f.close);
  f.blocklist.add({ prefixes: prefixes('192.0.2.200') });
  f.blocklist.block(...([prefixes('192.0.2.201')[0]!, 'rule:5', 60, 'scan'] as const));
  const rules = new AddressRules(f.blocklist);
  const first = compile(
    rule('drop', '192.0.2.1,2001:db8::/48', 1),
    rule('alert', '192.0.2.2', 2),
    rule('drop', '192.0.2.3', 3, 7),
  );
  t.same(await load(rules, first), []);
  t.same(origins(f), ['manual drop 1', 'rule:1:1 drop 2', 'rule:1:2 alert 1', 'rule:5 drop 1', 'rule:7:3 drop 1']);
  t.same(
    ['192.0.2.1', '2001:db8::9', '192.0.2.2', '192.0.2.3'].map((address) => judged(f, address)),
    [true, true, false, true],
  );
  t.match(
    f.blocklist.list().find(({ prefix }) => prefix === '192.0.2.1'),
    { reason: 'rule 1', origin: 'rule:1:1' },
  );

  const second = compile(rule('alert', '192.0.2.1,2001:db8::/48', 1), rule('drop', '192.0.2.2,192.0.2.4', 2));
  t.same(await load(rules, second, first), []);
  t.same(origins(f), ['manual drop 1', 'rule:1:1 alert 2', 'rule:1:2 drop 2', 'rule:5 drop 1']);
  t.same(
    ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4', '192.0.2.200', '192.0.2.201'].map((a) => judged(f, a)),
    [false, true, false, true, true, true],
    'what others list stays',
  );
  await load(rules, compile(), second);
  t.same(origins(f), ['manual drop 1', 'rule:5 drop 1']);
});

t.test('the guard refuses a drop of what must stay reachable, an alert is raised of it', async (t) => {
  const f = fixture({ exemptions: [['192.0.2.1/32', 'default gateway']] });
  t.teardown(f.close);
  const rules = new AddressRules(f.blocklist);
  const set = compile(rule('drop', '192.0.2.0/30,192.0.2.9', 1), rule('alert', '192.0.2.1', 2));
  const problems = await load(rules, set);
  t.match(problems, [
    { file: 'test.rules', line: 1, severity: 'warning', sid: 1, cause: /1 of its prefixes.*192.0.2.0\/30/ },
  ]);
  t.same(origins(f), ['rule:1:1 drop 1', 'rule:1:2 alert 1']);
  t.same([judged(f, '192.0.2.1'), judged(f, '192.0.2.9')], [false, true]);
  t.equal(f.tables.blocklist.get(prefixes('192.0.2.1')[0]!)?.forced, true);
  t.match(await load(rules, set, set), problems, 'told again by a load that changes nothing');
});

t.test('a set that does not fit changes nothing', async (t) => {
  const f = fixture({ capacity: { capacity4: 40, capacity6: 10 } });
  t.teardown(f.close);
  const rules = new AddressRules(f.blocklist);
  const capacity = f.tables.blocklist.capacity4;
  const first = compile(rule('drop', '192.0.2.1,192.0.2.3', 1));
  await load(rules, first);
  const hosts = Array.from({ length: capacity }, (_, i) => `198.51.100.${2 * i}`).join(',');
  const second = compile(rule('drop', '192.0.2.5', 1), rule('drop', hosts, 2));
  await t.rejects(rules.put(second, first), { code: 'LIST_FULL' });
  t.same(origins(f), ['rule:1:1 drop 2']);
  t.same(
    ['192.0.2.1', '192.0.2.5', '198.51.100.2'].map((address) => judged(f, address)),
    [true, false, false],
  );
});

/** Every second address, so that no two are one prefix. */
const hosts = (count: number, net = '198.51'): string =>
  Array.from({ length: count }, (_, i) => `${net}.${(2 * i) >> 8}.${(2 * i) & 255}`).join(',');

t.test('a start lists what fits, and tells what does not', async (t) => {
  const f = fixture({ capacity: { capacity4: 40, capacity6: 10 } });
  t.teardown(f.close);
  const { capacity4 } = f.tables.blocklist;
  f.blocklist.add({ prefixes: prefixes('192.0.2.200') });
  // Of a rule that is gone: it makes room.
  await load(new AddressRules(f.blocklist), compile(rule('drop', hosts(20, '203.0'), 9)));
  const set = compile(
    rule('drop', '192.0.2.1,192.0.2.3', 1),
    rule('drop', hosts(capacity4), 2),
    rule('alert', '192.0.2.5,2001:db8::1', 3),
  );
  const rules = new AddressRules(f.blocklist);
  await t.rejects(rules.put(set, undefined), { code: 'LIST_FULL' }, 'all or nothing unless told otherwise');
  t.same(rules.unfit, { rules: 0, prefixes: 0 });
  const problems = await rules.put(set, undefined, true);
  await rules.settle(set);
  t.match(problems, [
    { sid: 2, line: 2, severity: 'warning', cause: 'no room for 3 of its prefixes: the blocklist is full' },
    { sid: 3, line: 3, severity: 'warning', cause: /^no room for 1 of its prefixes/ },
  ]);
  t.equal(problems.length, 2);
  t.same(rules.unfit, { rules: 2, prefixes: 4 });
  t.match(unfitNote(rules.unfit), /^the blocklist is full, it had no room for 4 prefixes of 2 rules: /);
  const full = ['manual drop 1', 'rule:1:1 drop 2', `rule:1:2 drop ${capacity4 - 3}`, 'rule:1:3 alert 1'];
  t.same(origins(f), full);
  t.same(
    ['192.0.2.1', '198.51.0.0', '192.0.2.200', '203.0.0.0'].map((address) => judged(f, address)),
    [true, true, true, false],
  );

  // By hand the same is refused, and nothing changes; so is another set, whose way back must not fail either.
  await t.rejects(rules.put(set, set), { code: 'LIST_FULL' });
  t.same(origins(f), full);
  const other = compile(rule('drop', '192.0.2.1', 1), rule('drop', hosts(2 * capacity4, '203.0'), 2));
  await t.rejects(rules.put(other, set), { code: 'LIST_FULL' });
  t.same(origins(f), full);
  t.same(rules.unfit, { rules: 2, prefixes: 4 }, 'still told');

  // A restart with the same set, and one with room for it.
  const next = new AddressRules(f.blocklist);
  await next.put(set, undefined, true);
  t.same([origins(f), next.unfit], [full, { rules: 2, prefixes: 4 }]);
  const small = compile(rule('drop', '192.0.2.1,192.0.2.3', 1), rule('alert', '192.0.2.5,2001:db8::1', 3));
  t.same(await load(next, small, set), []);
  t.same(next.unfit, { rules: 0, prefixes: 0 });
  t.equal(unfitNote(next.unfit), undefined);
  t.same(origins(f), ['manual drop 1', 'rule:1:1 drop 2', 'rule:1:3 alert 2']);
});
