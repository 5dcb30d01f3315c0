// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { listOf } from './list-of.js';

const NOW = Date.UTC(2026, 0, 1);

void t.test('CSV: columns by name, by number, by themselves', (t) => {
  const feodo =
    '# abuse list\n"first_seen_utc","dst_ip","dst_port"\n"2026-01-01 00:00:00","192.0.2.7","443"\n"x","192.0.2.9","80"\n';
  t.same(listOf(feodo).entries, ['192.0.2.7', '192.0.2.9'], 'a known name');
  t.equal(listOf(feodo).format, 'csv');
  const commented = '# first_seen;c2;note\n2026-01-01;192.0.2.7;"a ""b""; c"\n2026-01-02;198.51.100.0/24;\n';
  t.same(listOf(commented, { column: 'c2' }).entries, ['192.0.2.7', '198.51.100.0/24'], 'a name in a comment');
  t.same(listOf(commented, { column: '2' }).entries, ['192.0.2.7', '198.51.100.0/24'], 'a number');
  t.same(listOf(commented).entries, ['192.0.2.7', '198.51.100.0/24'], 'the column that holds addresses');
  const tabs = 'country\taddress\nUS\t192.0.2.7\nDE\t2001:db8::7\n';
  t.same(listOf(tabs).entries, ['192.0.2.7', '2001:db8::7'], 'tabs');
  const multi = 'note,ip\n"two\nlines",192.0.2.7\nx,bad\n';
  const found = listOf(multi, { format: 'csv' });
  t.same(found.entries, ['192.0.2.7']);
  t.same(found.bad, ['4:3 not an address'], 'lines are counted in quoted cells too');
  t.same(listOf('a,ip\n1\n2,192.0.2.7\n3,\n', { format: 'csv' }).bad, [
    '2:2 the record has 1 columns, not 2',
    '4:3 the column is empty',
  ]);
  t.throws(() => listOf('a,b\n1,192.0.2.7\n', { column: 'ip' }), {
    code: 'LIST_INVALID',
    message: 'the table has no column "ip"; it has a, b',
  });
  t.throws(() => listOf('a,b\n1,2\n', { format: 'csv' }), {
    code: 'LIST_INVALID',
    message: /no column of the table holds addresses/,
  });
  t.end();
});

void t.test('ipset save', (t) => {
  const saved = [
    'create bad hash:net family inet hashsize 1024 maxelem 65536 timeout 0 comment',
    'add bad 192.0.2.0/24 timeout 300 comment "a \\"b"',
    'add bad 198.51.100.7 timeout 0',
    'add bad 203.0.113.1-203.0.113.2',
    'add bad6 2001:db8::/32 packets 5 bytes 7',
    'add bad 192.0.2.9 nomatch',
    'add ports 192.0.2.7,tcp:80',
    'wrong',
  ].join('\n');
  const { format, entries, bad, list } = listOf(saved, { now: NOW });
  t.equal(format, 'ipset');
  t.same(entries, ['192.0.2.0/24', '198.51.100.7', '203.0.113.1', '203.0.113.2', '2001:db8::/32']);
  t.same(bad, [
    '6:19 an exception (nomatch) cannot be listed: use the allowlist',
    '7:20 an entry of an address and more (port, set, interface) cannot be listed',
    '8:1 not a line of ipset save: add, create …',
  ]);
  const extra = list.groups[0]?.batch.extra;
  t.same([...(extra?.expires4 ?? [])], [NOW + 300_000, Infinity, NaN, NaN]);
  t.equal(extra?.reasons[extra.reason4[0] ?? 0], 'a \\"b');
  t.end();
});

void t.test('nft files', (t) => {
  const file = `#!/usr/sbin/nft -f
table inet filter { # the table
  set bad {
    type ipv4_addr
    flags interval, timeout
    elements = { 192.0.2.0/24 timeout 1h expires 59m comment "x, y",
                 198.51.100.1-198.51.100.2, # two
                 203.0.113.7 counter packets 1 bytes 2 }
  }
  set ports { type inet_service; elements = { 22, 80 } }
  chain input { type filter hook input priority 0; ip saddr @bad drop; }
}
add element inet filter bad { 192.0.2.9, 2001:db8::/32 }
define more = { 9.9.9.9 }
`;
  const { format, entries, bad, list } = listOf(file, { now: NOW });
  t.equal(format, 'nft');
  t.same(entries, [
    '9.9.9.9',
    '192.0.2.0/24',
    '192.0.2.9',
    '198.51.100.1',
    '198.51.100.2',
    '203.0.113.7',
    '2001:db8::/32',
  ]);
  t.equal(bad.length, 2, 'ports are no addresses');
  t.match(bad[0], /^10:/);
  const extra = list.groups[0]?.batch.extra;
  t.equal(extra?.expires4[1], NOW + 59 * 60_000);
  t.equal(extra?.reasons[extra.reason4[1] ?? 0], 'x, y');
  t.same(listOf('{ 192.0.2.1,\n192.0.2.2 }').entries, ['192.0.2.1', '192.0.2.2'], 'elements alone');
  t.end();
});

void t.test('JSON of all kinds', (t) => {
  const drop =
    '{"cidr":"1.10.16.0/20","sblid":"SBL256894","rir":"apnic"}\n{"cidr":"2a0b:4ec0::/29"}\n{"type":"metadata","timestamp":1}\n';
  t.same(listOf(drop).entries, ['1.10.16.0/20', '2a0b:4ec0::/29']);
  t.equal(listOf(drop).format, 'json');
  t.same(listOf('["192.0.2.7", "198.51.100.0/24"]').entries, ['192.0.2.7', '198.51.100.0/24']);
  t.same(listOf('[{"ip":"192.0.2.7"},\n{"ip":"192.0.2.8-192.0.2.9"}]').entries, ['192.0.2.7', '192.0.2.8/31']);
  const cloud =
    '{"syncToken":"1","prefixes":[{"ip_prefix":"3.5.140.0/22","region":"x"}],"ipv6_prefixes":[{"ipv6_prefix":"2600:1f00::/24"}]}';
  t.same(listOf(cloud).entries, ['3.5.140.0/22', '2600:1f00::/24']);
  t.same(listOf('[{"src":"192.0.2.7"}]', { column: 'src' }).entries, ['192.0.2.7']);
  const bad = listOf(
    '[{"ip":"192.0.2.7"},\n{"ip":"nope"},\n{"a":1},\n"1.2.3.4 x",\n{"ip":"9.9.9.9","expires":"soon"},\n{"ip":]\n',
  );
  t.same(bad.entries, ['192.0.2.7']);
  t.match(bad.bad, [
    '2:1 "nope": not an address',
    /^3:1 no address: none of the keys prefix/,
    '4:1 "1.2.3.4 x": more than an address',
    '5:1 "soon" is not a time',
    /^6:1 not JSON/,
  ]);
  t.end();
});
