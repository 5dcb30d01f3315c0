// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import {
  covers,
  formatAddress,
  formatPrefix,
  isMapped4,
  isPrefix4,
  maskBytes,
  parseAddress,
  parsePrefix,
} from '../../../common/address.js';

t.test('addresses become 16 bytes and their canonical text again', async (t) => {
  const texts: Record<string, string> = {
    '192.0.2.7': '192.0.2.7',
    '0.0.0.0': '0.0.0.0',
    '::ffff:192.0.2.7': '192.0.2.7',
    '::ffff:c000:207': '192.0.2.7',
    '2001:DB8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
    '::': '::',
    '::1': '::1',
    'fe80::': 'fe80::',
    '1:2:3:4:5:6:7:8': '1:2:3:4:5:6:7:8',
    '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
    '64:ff9b::192.0.2.33': '64:ff9b::c000:221',
    '1:0:0:2:0:0:0:3': '1:0:0:2::3',
    '1:2:3:4:5:6:7::': '1:2:3:4:5:6:7:0',
  };
  for (const [text, canonical] of Object.entries(texts)) {
    t.equal(formatAddress(parseAddress(text)), canonical, text);
    t.same(parseAddress(formatAddress(parseAddress(text))), parseAddress(text), `${text} round trip`);
  }
  t.equal(isMapped4(parseAddress('10.0.0.1')), true);
  t.equal(isMapped4(parseAddress('::1')), false);
});

t.test('random addresses survive the round trip', async (t) => {
  let state = 7;
  const next = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24;
  for (let i = 0; i < 5000; i++) {
    const bytes = new Uint8Array(16).map(() => (next() < 120 ? 0 : next()));
    const back = parseAddress(formatAddress(bytes));
    if (!back.every((byte, at) => byte === bytes[at])) t.same(back, bytes, formatAddress(bytes));
  }
  t.pass('5000 addresses');
});

t.test('what is not an address is refused with its text', async (t) => {
  for (const text of [
    '',
    '300.1.1.1',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    'fe80::1%eth0',
    'host',
    '1::2::3',
    '10.0.0.0/8',
  ]) {
    t.throws(() => parseAddress(text), { code: 'ADDRESS_INVALID', message: /write for example/ }, text);
  }
});

t.test('prefixes', async (t) => {
  t.equal(formatPrefix(parsePrefix('10.1.2.3/8')), '10.0.0.0/8');
  t.equal(formatPrefix(parsePrefix('10.1.2.3')), '10.1.2.3');
  t.equal(formatPrefix(parsePrefix('0.0.0.0/0')), '0.0.0.0/0');
  t.equal(formatPrefix(parsePrefix('2001:db8:ffff::/33')), '2001:db8:8000::/33');
  t.equal(formatPrefix(parsePrefix('::/0')), '::/0');
  t.equal(formatPrefix(parsePrefix('::ffff:10.0.0.0/104')), '10.0.0.0/8', 'mapped IPv6 text is IPv4');
  t.equal(parsePrefix('10.0.0.0/8').length, 104);
  t.equal(isPrefix4(parsePrefix('10.0.0.0/8')), true);
  t.equal(isPrefix4(parsePrefix('::/0')), false);
  for (const text of ['10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/', '10.0.0.0/x', '::/129', '10.0.0.0/8/8', '/8']) {
    t.throws(() => parsePrefix(text), { code: 'ADDRESS_INVALID' }, text);
  }
  t.throws(() => parsePrefix('10.1.2.3/8', { strict: true }), /host bits set: did you mean 10\.0\.0\.0\/8\?/);
  t.equal(formatPrefix(parsePrefix('10.0.0.0/8', { strict: true })), '10.0.0.0/8');
});

t.test('covering', async (t) => {
  const cases: [string, string, boolean][] = [
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '10.0.0.0/8', true],
    ['10.0.0.0/9', '10.128.0.0/9', false],
    ['10.0.0.0/16', '10.0.0.0/8', false],
    ['::/0', '10.0.0.1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['2001:db8::/33', '2001:db8:7fff::1', true],
    ['0.0.0.0/0', '::1', false],
  ];
  for (const [outer, inner, expected] of cases) {
    t.equal(covers(parsePrefix(outer), parsePrefix(inner)), expected, `${outer} ${inner}`);
  }
  t.same(maskBytes(new Uint8Array(16).fill(255), 13).slice(0, 3), new Uint8Array([255, 248, 0]));
});
