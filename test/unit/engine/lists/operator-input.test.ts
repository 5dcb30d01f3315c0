// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { formatPrefix, parsePrefix } from '../../../../common/address.js';
import { parseOperatorPrefixes, prefixBounds } from '../../../../engine/lists/index.js';

const texts = (word: string): string[] => parseOperatorPrefixes(word).map(formatPrefix);

t.test('addresses, CIDR and ranges', async (t) => {
  t.same(texts('192.0.2.7'), ['192.0.2.7']);
  t.same(texts(' 192.0.2.7/24 '), ['192.0.2.0/24']);
  t.same(texts('2001:DB8::1/32'), ['2001:db8::/32']);
  t.same(texts('::ffff:192.0.2.7'), ['192.0.2.7']);
  t.same(texts('192.0.2.10-192.0.2.20'), ['192.0.2.10/31', '192.0.2.12/30', '192.0.2.16/30', '192.0.2.20']);
  t.same(texts('192.0.2.0 - 192.0.2.255'), ['192.0.2.0/24']);
  t.same(texts('192.0.2.7-192.0.2.7'), ['192.0.2.7']);
  t.same(texts('0.0.0.0-255.255.255.255'), ['0.0.0.0/0']);
  t.same(texts('2001:db8::-2001:db8::ffff'), ['2001:db8::/112']);
  t.equal(texts('0.0.0.1-255.255.255.254').length, 62);
});

t.test('what is neither gets one line with a suggestion', async (t) => {
  const cases: Record<string, RegExp> = {
    '10.1': /did you mean 10\.1\.0\.0\/16\?/,
    '10.*': /did you mean 10\.0\.0\.0\/8\?/,
    '10.1.2/20': /did you mean 10\.1\.2\.0\/20\?/,
    '192.0.2.7/33': /write for example/,
    'example.org': /write for example/,
    '': /write for example/,
    'fe80::1%eth0': /write for example/,
    '192.0.2.9-192.0.2.1': /write the lower address first/,
    '192.0.2.1-2001:db8::1': /both of one family/,
    '192.0.2.1-300.1.1.1': /"300\.1\.1\.1" is not an IP address/,
  };
  for (const [word, pattern] of Object.entries(cases)) {
    t.throws(() => parseOperatorPrefixes(word), { code: 'ADDRESS_INVALID', message: pattern }, word);
  }
});

t.test('bounds', async (t) => {
  t.same(prefixBounds(parsePrefix('192.0.2.0/24')), { first: '192.0.2.0', last: '192.0.2.255' });
  t.same(prefixBounds(parsePrefix('2001:db8::/126')), { first: '2001:db8::', last: '2001:db8::3' });
});
