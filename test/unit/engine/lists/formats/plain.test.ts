// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { listOf } from './list-of.js';

void t.test('an entry a line in every spelling', (t) => {
  const good: [string, string[]][] = [
    ['192.0.2.7', ['192.0.2.7']],
    ['  192.0.2.7\t', ['192.0.2.7']],
    ['192.0.2.7\r', ['192.0.2.7']],
    ['192.0.2.0/24', ['192.0.2.0/24']],
    ['192.0.2.77/24', ['192.0.2.0/24']],
    ['192.0.2.77/255.255.255.0', ['192.0.2.0/24']],
    ['0.0.0.0/0', ['0.0.0.0/0']],
    ['255.255.255.255', ['255.255.255.255']],
    ['192.0.2.7 # why', ['192.0.2.7']],
    ['192.0.2.7#why', ['192.0.2.7']],
    ['192.0.2.7//why', ['192.0.2.7']],
    ['192.0.2.7 // why', ['192.0.2.7']],
    ['1.10.16.0/20 ; SBL256894', ['1.10.16.0/20']],
    ['77.90.185.20\t10', ['77.90.185.20']],
    ['192.0.2.7,', ['192.0.2.7']],
    ['192.0.2.7,US,scanner', ['192.0.2.7']],
    ['192.0.2.7 - a scanner', ['192.0.2.7']],
    ['192.0.2.10-192.0.2.20', ['192.0.2.10/31', '192.0.2.12/30', '192.0.2.16/30', '192.0.2.20']],
    ['192.0.2.10 - 192.0.2.11 # why', ['192.0.2.10/31']],
    ['0.0.0.0-255.255.255.255', ['0.0.0.0/0']],
    ['2001:db8::-2001:db8::3', ['2001:db8::/126']],
    ['45.148.10.0\t45.148.10.255\t24\t1234\tNAME', ['45.148.10.0/24']],
    ['2001:db8::7', ['2001:db8::7']],
    ['2001:DB8::7/33', ['2001:db8::/33']],
    ['::', ['::']],
    ['::/0', ['::/0']],
    ['1::', ['1::']],
    ['1:2:3:4:5:6:7:8', ['1:2:3:4:5:6:7:8']],
    ['1:2:3:4:5:6:7::', ['1:2:3:4:5:6:7:0']],
    ['64:ff9b::192.0.2.7', ['64:ff9b::c000:207']],
    ['::ffff:192.0.2.7', ['192.0.2.7']],
    ['::ffff:192.0.2.0/120', ['192.0.2.0/24']],
    ['::ffff:c000:207', ['192.0.2.7']],
    ['', []],
    ['# 192.0.2.7', []],
    ['; 192.0.2.7', []],
    ['// 192.0.2.7', []],
    [' \t# 192.0.2.7', []],
  ];
  for (const [line, entries] of good) {
    const found = listOf(line, { format: 'plain' });
    t.same(found.entries, entries, JSON.stringify(line));
    t.same(found.bad, [], JSON.stringify(line));
  }
  t.end();
});

void t.test('bad lines with their column and cause', (t) => {
  const wrong: [string, string][] = [
    ['hello', '1:1 not an address'],
    ['192.0.2', '1:8 an IPv4 address has four numbers with dots between them'],
    ['192.0.2.*', '1:9 an IPv4 address has four numbers with dots between them'],
    ['192.0.2.256', '1:9 a number over 255 in an IPv4 address'],
    ['192.0.2.010', '1:9 a leading zero in an IPv4 address'],
    ['192.0.2.7.8', '1:10 more than four numbers in an IPv4 address'],
    ['192.0.2.7:443', '1:10 a port follows the address: ports cannot be listed'],
    ['192.0.2.7x', '1:10 something follows the address without a blank'],
    ['192.0.2.7/33', '1:11 a prefix length from 0 to 32 is needed behind the slash'],
    ['192.0.2.7/', '1:11 a prefix length from 0 to 32 is needed behind the slash'],
    ['192.0.2.7/255.0.255.0', '1:11 not a netmask'],
    ['2001:db8::/129', '1:12 a prefix length from 0 to 128 is needed behind the slash'],
    ['fe80::1%eth0', '1:8 a zone follows the address: lists have no interface'],
    ['1::2::3', '1:5 two gaps (::) in an IPv6 address'],
    ['1:2:3', '1:6 an IPv6 address has eight groups, or a gap (::)'],
    ['1:2:3:4:5:6:7:8:9', '1:16 more than eight groups in an IPv6 address'],
    ['12345::', '1:1 not an address'],
    ['192.0.2.9-192.0.2.7', '1:11 the end of the range lies before its beginning'],
    ['192.0.2.9-2001:db8::', '1:11 a range of two families'],
    ['192.0.2.0/24-192.0.3.0', '1:13 a range of prefixes: name its first and last address'],
    ['192.0.2.7 192.0.2.8', '1:11 two addresses on a line: write a range as a-b, or say --format csv and --column'],
    [
      '192.0.2.0 192.0.2.255 25',
      '1:11 two addresses on a line: write a range as a-b, or say --format csv and --column',
    ],
    ['0.0.0.0 ads.example', '1:9 a line of a hosts file: it blocks a name, and names cannot be listed'],
    ['::1 localhost', '1:5 a line of a hosts file: it blocks a name, and names cannot be listed'],
    ['!192.0.2.7', '1:1 an exception (!) cannot be listed: use the allowlist'],
    ['<html>', '1:1 this looks like HTML, not like a list'],
    [`${' '.repeat(70_000)}192.0.2.7`, '1:1 a line longer than 65536 bytes'],
  ];
  for (const [line, bad] of wrong) {
    const found = listOf(line, { format: 'plain' });
    t.same(found.entries, [], line.slice(0, 40));
    // The column of a hosts line is where the name is.
    t.equal(
      found.bad[0]?.replace(/^1:\d+ a line of a hosts/, '1:# a line of a hosts'),
      bad.replace(/^1:\d+ a line of a hosts/, '1:# a line of a hosts'),
      line.slice(0, 40),
    );
  }
  t.end();
});

void t.test('line numbers, the first ten bad lines, duplicates, line ends', (t) => {
  const bad = Array.from({ length: 14 }, (_, i) => `bad${i}`).join('\n');
  const good = Array.from({ length: 20 }, (_, i) => `192.0.2.${i}`).join('\r\n');
  const { list, entries } = listOf(`\ufeff# a list\r\n\r\n${good}\r\n192.0.2.5/32\r\n${bad}`);
  t.equal(list.format, 'plain');
  t.equal(list.count, 20);
  t.equal(entries[0], '192.0.2.0');
  t.equal(list.duplicates, 1);
  t.equal(list.lines, 2 + 20 + 1 + 14);
  t.equal(list.bad, 14);
  t.equal(list.badLines.length, 10);
  t.same(list.badLines[0], { line: 24, column: 1, cause: 'not an address', text: 'bad0' });
  t.end();
});

void t.test('a list in any order comes out sorted, the shorter prefix first', (t) => {
  const { entries } = listOf(
    '203.0.113.9\n10.0.0.0/8\n10.0.0.0/24\n9.9.9.9\n2001:db8::/48\n2001:db8::/32\n::2\n10.0.0.0\n',
  );
  t.same(entries, [
    '9.9.9.9',
    '10.0.0.0/8',
    '10.0.0.0/24',
    '10.0.0.0',
    '203.0.113.9',
    '::2',
    '2001:db8::/32',
    '2001:db8::/48',
  ]);
  t.end();
});
