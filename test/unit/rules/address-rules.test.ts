// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { Action } from '../../../common/abi.gen.js';
import { parseAddress } from '../../../common/address.js';
import {
  compileRules,
  createAddressMatcher,
  isAddressOrigin,
  type Compilation,
  type EngineMatch,
  type PacketTuple,
  type RuleInfo,
} from '../../../rules/index.js';
import { prefixColumns } from '../../../rules/compile/range-prefixes.js';

function compile(...lines: string[]): Compilation {
  return compileRules([{ file: 'test.rules', text: lines.join('\n') }], {
    addressVars: { HOME_NET: '[10.0.0.0/8,2001:db8::/48]', EXTERNAL_NET: '!$HOME_NET' },
    portVars: {},
    redact: [],
  });
}

const bySid = (c: Compilation, sid: number): RuleInfo | undefined => c.rules.find((rule) => rule.sid === sid);
const placements = (c: Compilation): Record<number, string> =>
  Object.fromEntries(c.rules.map(({ sid, placement }) => [sid, placement]));
const number = (text: string): bigint => BigInt(`0x${Buffer.from(parseAddress(text)).toString('hex')}`);

function packet(src: string, dst: string, o: Partial<PacketTuple> = {}): PacketTuple {
  return { src: number(src), dst: number(dst), sport: 40000, dport: 80, proto: 6, ...o };
}

/** sids with the outcome: 7 alerts, -7 acts in silence. */
const sids = (c: Compilation, matches: readonly EngineMatch[]): number[] =>
  matches.map(({ rule, alert }) => (c.rules[rule]?.sid ?? 0) * (alert ? 1 : -1));

t.test('what is only addresses costs no header rule', async (t) => {
  const c = compile(
    'alert ip [192.0.2.0/24,198.51.100.7] any -> $HOME_NET any (msg:"a"; reference:url,a.example; sid:1; rev:2;)',
    'drop ip [203.0.113.0/25,2001:db8:ffff::/48] any -> any any (msg:"b"; sid:2;)',
    'alert tcp 192.0.2.1 any -> $HOME_NET any (msg:"c"; threshold:type limit,track by_src,seconds 60,count 1; sid:3;)',
    'drop ip 192.0.2.2 any -> $HOME_NET any (msg:"d"; gid:7; sid:4;)',
    'alert ip 192.0.2.3 any -> [10.0.0.0/8,2001:db8::/32,172.16.0.0/12] any (msg:"wider than home"; sid:5;)',
  );
  t.same(placements(c), { 1: 'address', 2: 'address', 3: 'address', 4: 'address', 5: 'address' });
  t.same(c.summary, { rules: 5, usable: 5, inline: 0, address: 5, engine: 0, unsupported: 0, errors: 0 });
  t.equal(c.ruleset.count, 0);
  t.same(bySid(c, 1)?.positions, []);
  t.equal(bySid(c, 2)?.reason, undefined);
  t.match(bySid(c, 4)?.reason, /to any address/);
  t.same(
    c.addressLists.map(({ origin, action, rule }) => [origin, action, c.rules[rule]?.sid]),
    [
      ['rule:1:1', 'alert', 1],
      ['rule:1:2', 'drop', 2],
      ['rule:1:3', 'alert', 3],
      ['rule:7:4', 'drop', 4],
      ['rule:1:5', 'alert', 5],
    ],
  );
  t.ok(c.addressLists.every(({ origin }) => isAddressOrigin(origin)));
  t.notOk(isAddressOrigin('rule:5'), 'what the response blocks');
  t.same(c.addressLists[0]?.prefixes, {
    count: 2,
    addr4: Uint32Array.of(0xc0000200, 0xc6336407),
    len4: Uint8Array.of(24, 32),
    addr6: new Uint32Array(0),
    len6: new Uint8Array(0),
  });
  t.same(c.addressLists[1]?.prefixes.addr6, Uint32Array.of(0x20010db8, 0xffff0000, 0, 0));
  t.same(c.addressLists[1]?.prefixes.len6, Uint8Array.of(48));
  t.same(structuredClone(c).addresses, c.addresses);
});

t.test('whatever the list stage cannot judge stays a header rule', async (t) => {
  const c = compile(
    'alert ip 192.0.2.1 any -> 10.1.0.0/16 any (msg:"narrower than home"; sid:1;)',
    'alert ip $HOME_NET any -> 192.0.2.1 any (msg:"by destination"; sid:2;)',
    'alert ip 192.0.2.1 any <> $HOME_NET any (msg:"both ways"; sid:3;)',
    'alert tcp 192.0.2.1 any -> $HOME_NET 22 (msg:"a port"; sid:4;)',
    'alert tcp 192.0.2.1 1024: -> $HOME_NET any (msg:"a source port"; sid:5;)',
    'drop tcp 192.0.2.1 any -> any any (msg:"a drop of one protocol"; sid:6;)',
    'reject ip 192.0.2.1 any -> any any (msg:"answers"; sid:7;)',
    'alert ip 192.0.2.1 any -> any any (msg:"keyword"; ttl:<5; sid:8;)',
    'alert ip 192.0.2.1 any -> any any (msg:"counts"; threshold:type threshold,track by_src,seconds 9,count 5; sid:9;)',
    'alert ip 192.0.2.1 any -> any any (msg:"filter"; detection_filter:track by_src,seconds 9,count 5; sid:10;)',
    'alert ip $EXTERNAL_NET any -> $HOME_NET any (msg:"most of the world"; sid:11;)',
    'alert ip 96.0.0.0/4 any -> any any (msg:"too wide"; sid:12;)',
    'alert ip any any -> any any (msg:"any"; sid:13;)',
    'drop ip 192.0.2.1 any -> any any (msg:"silent"; noalert; sid:14;)',
    'alert ipv4 192.0.2.1 any -> any any (msg:"version"; sid:15;)',
    'pass ip 192.0.2.99 any -> any any (msg:"pass"; sid:16;)',
  );
  t.same(c.problems, []);
  t.same(new Set(Object.values(placements(c))), new Set(['inline']));
  t.same(c.addressLists, []);
});

t.test('a pass rule keeps a drop in the header rules, an alert is told of the pass', async (t) => {
  const lines = [
    'drop ip [192.0.2.0/24] any -> any any (msg:"meets it"; sid:1;)',
    'drop ip [198.51.100.0/24] any -> any any (msg:"does not"; sid:2;)',
    'alert ip [192.0.2.0/24] any -> any any (msg:"meets it"; sid:3;)',
  ];
  const c = compile(...lines, 'pass tcp 192.0.2.7 any -> any 22 (msg:"p"; sid:4;)');
  t.same(placements(c), { 1: 'inline', 2: 'address', 3: 'address', 4: 'inline' });
  t.match(bySid(c, 1)?.reason, /pass rule 4/);
  const http = compile(...lines, 'pass http any any -> any any (msg:"p"; http.uri; content:"/x"; sid:5;)');
  t.same(placements(http), { 1: 'address', 2: 'address', 3: 'address', 5: 'engine' });
  t.match(bySid(http, 1)?.reason, /pass rule 5/, 'as for a header rule');
  t.match(http.problems, [{ severity: 'warning', sid: 5 }]);
});

t.test('a drop of forged sources stays a header rule', async (t) => {
  const forged = ['127.0.0.0/8', '0.0.0.0', '224.0.0.9', '::1', 'fe80::1', 'ff02::1', '10.1.2.3', '2001:db8::/64'];
  const c = compile(
    ...forged.map((source, i) => `drop ip [192.0.2.1,${source}] any -> any any (msg:"f"; sid:${i + 1};)`),
  );
  t.same(c.summary.inline, forged.length);
  t.match(bySid(c, 1)?.reason, /nobody from outside/);
  const alerts = compile(...forged.map((source, i) => `alert ip ${source} any -> any any (msg:"f"; sid:${i + 1};)`));
  t.same(alerts.summary.address, forged.length, 'an alert keeps nobody out');
  const anywhere = compileRules([{ file: 'a', text: 'drop ip 192.0.2.1 any -> $HOME_NET any (msg:"a"; sid:1;)' }], {
    addressVars: { HOME_NET: 'any' },
    portVars: {},
    redact: [],
  });
  t.same(anywhere.summary.address, 1, 'home is everywhere');
});

t.test('all of them can be header rules', async (t) => {
  const text = 'alert ip 192.0.2.1 any -> any any (msg:"a"; sid:1;)';
  const options = { addressVars: {}, portVars: {}, redact: [] };
  const c = compileRules([{ file: 'a.rules', text }], { ...options, addressRules: 'inline' });
  t.same(placements(c), { 1: 'inline' });
  t.equal(c.ruleset.count, 1);
});

t.test('ranges become the fewest prefixes', async (t) => {
  const columns = prefixColumns([{ from: number('192.0.2.1'), to: number('192.0.2.10') }]);
  t.same(
    [...columns.addr4].map((at, i) => `${at & 0xff}/${columns.len4[i]}`),
    ['1/32', '2/31', '4/30', '8/31', '10/32'],
  );
  const all = prefixColumns([{ from: 0n, to: (1n << 128n) - 1n }]);
  t.same([...all.len4], [0]);
  t.equal(all.len6.length, 96, 'everything but the mapped range');
  const six = prefixColumns([{ from: number('2001:db8::'), to: number('2001:db8::1:ffff') }]);
  t.same([six.len6, six.addr6], [Uint8Array.of(111), Uint32Array.of(0x20010db8, 0, 0, 0)]);
});

t.test('the rules behind a source', async (t) => {
  const c = compile(
    'alert ip [192.0.2.0/24] any -> $HOME_NET any (msg:"net"; sid:1;)',
    'alert tcp [192.0.2.7,2001:db8:1::/48] any -> $HOME_NET any (msg:"host, tcp"; sid:2;)',
    'drop ip [192.0.2.0/25,223.255.255.255] any -> any any (msg:"drop"; sid:3;)',
    'alert ip [ffff:ffff:ffff:ffff:ffff:ffff:ffff:0/112] any -> any any (msg:"the last"; sid:4;)',
  );
  const matcher = createAddressMatcher(c.addresses);
  const of = (src: string, dst: string, o: Partial<PacketTuple> = {}): number[] =>
    sids(c, matcher.match(packet(src, dst, o), 0));
  t.same(of('192.0.2.7', '10.0.0.1'), [3, 1, 2], 'in the order in which they act');
  t.same(of('192.0.2.7', '10.0.0.1', { proto: 17 }), [3, 1]);
  t.same(of('192.0.2.7', '203.0.113.1'), [3], 'not HOME_NET');
  t.same(of('192.0.2.127', '10.0.0.1'), [3, 1]);
  t.same(of('192.0.2.128', '10.0.0.1'), [1]);
  t.same(of('192.0.2.255', '10.0.0.1'), [1]);
  for (const other of ['192.0.1.255', '192.0.3.0', '0.0.0.0', '::', '2001:db8:2::', '2001:db7:ffff::']) {
    t.same(of(other, '10.0.0.1'), [], other);
  }
  t.same(of('2001:db8:1::', '2001:db8::1'), [2]);
  t.same(of('2001:db8:1:ffff:ffff:ffff:ffff:ffff', '2001:db8::1'), [2]);
  t.same(of('223.255.255.255', '10.0.0.1'), [3]);
  t.same(of('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '::1'), [4], 'the end of the space');
  t.same(matcher.match(packet('192.0.2.7', '10.0.0.1'), 0)[0]?.action, Action.DROP);
});

t.test('limits count by rule and outlive a reload of equal rules', async (t) => {
  const limit = (sid: number, track: string, count: number): string =>
    `alert ip 192.0.2.0/24 any -> any any (msg:"l"; threshold:type limit,track ${track},seconds 60,count ${count}; sid:${sid};)`;
  const c = compile(limit(1, 'by_src', 1), limit(2, 'by_rule', 2));
  const matcher = createAddressMatcher(c.addresses);
  const at = (seconds: number, src: string, m = matcher, of = c): number[] =>
    sids(of, m.match(packet(src, '10.0.0.1'), seconds * 1e9));
  t.same(at(0, '192.0.2.1'), [1, 2]);
  t.same(at(1, '192.0.2.1'), [-1, 2]);
  t.same(at(2, '192.0.2.2'), [1, -2]);
  t.same(at(60, '192.0.2.1'), [-1, -2], 'the last moment of the window');
  t.same(at(61, '192.0.2.1'), [1, 2]);
  const next = compile(limit(1, 'by_src', 1), limit(2, 'by_rule', 5));
  const follower = createAddressMatcher(next.addresses, matcher);
  t.same(at(62, '192.0.2.1', follower, next), [-1, 2], 'the second rule is another one now');
});

t.test('every source of a random set is found, and nothing else', async (t) => {
  const listed = new Map<number, Set<string>>();
  const lines = Array.from({ length: 60 }, (_, i) => {
    const hosts = new Set(
      Array.from({ length: 20 }, (__, j) => `192.0.${(i * 7 + j) % 4}.${(i * 31 + j * j * 17) % 256}`),
    );
    listed.set(i + 1, hosts);
    return `alert ip [${[...hosts].join(',')}] any -> any any (msg:"r"; sid:${i + 1};)`;
  });
  const c = compile(...lines);
  const matcher = createAddressMatcher(c.addresses);
  let wrong = 0;
  for (let host = 0; host < 1024; host++) {
    const src = `192.0.${host >> 8}.${host & 255}`;
    const wanted = [...listed].flatMap(([sid, hosts]) => (hosts.has(src) ? [sid] : []));
    const got = sids(c, matcher.match(packet(src, '10.0.0.1'), 0));
    if (wanted.join() !== got.join()) wrong++;
  }
  t.equal(wrong, 0);
});
