// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { addressDomain, allAddresses, resolveAddresses } from '../../../rules/addresses.js';
import { parseAddress } from '../../../common/address.js';

const domain = addressDomain({
  HOME_NET: '[10.0.0.0/8, 192.168.0.0/16]',
  EXTERNAL_NET: '!$HOME_NET',
  ANY: 'any',
  LOOP_A: '[$LOOP_B]',
  LOOP_B: '$LOOP_A',
  BROKEN: '10.0.0.0/40',
  NESTED: '$BROKEN',
  GROWING: Array.from({ length: 600 }, () => '$LONG').join(','),
  LONG: Array.from({ length: 600 }, (_, i) => `10.0.${i >> 8}.${i & 255}`).join(','),
});

function holds(expression: string, address: string): boolean {
  const found = resolveAddresses(expression, domain);
  if (!('set' in found)) throw new Error(`${expression}: ${found.cause}`);
  const value = BigInt(`0x${Buffer.from(parseAddress(address).buffer).toString('hex')}`);
  return found.set.some(({ from, to }) => value >= from && value <= to);
}

t.test('which addresses an expression holds', async (t) => {
  for (const [expression, inside, outside] of [
    ['192.0.2.7', ['192.0.2.7'], ['192.0.2.8', '::1']],
    ['192.0.2.0/24', ['192.0.2.0', '192.0.2.255'], ['192.0.3.0']],
    ['192.0.2.77/24', ['192.0.2.0'], ['192.0.1.255']],
    ['192.0.2.0/255.255.255.0', ['192.0.2.255'], ['192.0.3.0']],
    ['0.0.0.0/0', ['1.2.3.4', '255.255.255.255'], ['::1', '2001:db8::1']],
    ['::/0', ['::1', '2001:db8::1'], ['1.2.3.4']],
    ['192.0.2.1-192.0.2.3', ['192.0.2.1', '192.0.2.3'], ['192.0.2.0', '192.0.2.4']],
    ['2001:db8::1-2001:db8::3', ['2001:db8::2'], ['2001:db8::4']],
    ['2001:db8::/32', ['2001:db8::1'], ['2001:db9::1', '1.2.3.4']],
    ['[1.1.1.1,2.2.2.2]', ['1.1.1.1', '2.2.2.2'], ['3.3.3.3']],
    ['1.1.1.1,2.2.2.2', ['2.2.2.2'], ['3.3.3.3']],
    ['$HOME_NET', ['10.1.1.1', '192.168.3.4'], ['172.16.0.1']],
    ['$EXTERNAL_NET', ['8.8.8.8'], ['10.1.1.1', '192.168.3.4', '2001:db8::1']],
    ['!$EXTERNAL_NET', ['10.1.1.1'], ['8.8.8.8']],
    ['!10.0.0.0/8', ['8.8.8.8'], ['10.1.1.1', '2001:db8::1']],
    ['[any,!10.0.0.0/8]', ['8.8.8.8', '2001:db8::1'], ['10.1.1.1']],
    ['[!10.0.0.0/8,!11.0.0.0/8]', ['12.0.0.1'], ['10.1.1.1', '11.1.1.1']],
    ['[10.0.0.0/8,!10.1.0.0/16]', ['10.2.0.1'], ['10.1.0.1', '11.0.0.1']],
    ['[10.0.0.0/8,![10.1.0.0/16,!10.1.2.0/24]]', ['10.1.2.3', '10.2.0.1'], ['10.1.1.1']],
    ['[[10.0.0.0/8,!10.1.0.0/16],10.1.2.3]', ['10.2.0.1'], ['10.1.2.3']],
    ['! [10.0.0.0/8]', ['11.0.0.1'], ['10.0.0.1']],
    ['[2001:db8::/32,!10.0.0.0/8]', ['2001:db8::1', '8.8.8.8'], ['10.0.0.1', '2001:db9::1']],
  ] as const) {
    for (const address of inside) t.ok(holds(expression, address), `${expression} holds ${address}`);
    for (const address of outside) t.notOk(holds(expression, address), `${expression} does not hold ${address}`);
  }
});

t.test('any', async (t) => {
  t.same(resolveAddresses('any', domain), { set: allAddresses, any: true, negated: false });
  t.same(resolveAddresses('$ANY', domain), { set: allAddresses, any: true, negated: false });
  t.match(resolveAddresses('[any,!10.0.0.0/8]', domain), { any: false, negated: true });
  t.match(resolveAddresses('0.0.0.0/0', domain), { any: false });
});

t.test('what is wrong, where, and what to do', async (t) => {
  for (const [expression, at, cause, remedy] of [
    ['!any', 0, /no address is left/, /any/],
    ['[$HOME_NET,!$HOME_NET]', 0, /no address is left/, /./],
    ['![any]', 0, /no address is left/, /./],
    ['![10.0.0.0/8,!10.0.0.0/8]', 1, /no address is left/, /./],
    ['$HOME_NT', 0, /\$HOME_NT is not defined/, /did you mean \$HOME_NET\?/],
    ['[1.1.1.1,$NOWHERE]', 9, /\$NOWHERE is not defined/, /vars\.address/],
    ['$LOOP_A', 0, /\$LOOP_A -> \$LOOP_B -> \$LOOP_A/, /break the circle/],
    ['$NESTED', 0, /in the value of \$BROKEN: "40" is not a prefix length/, /0 to 32/],
    ['$', 0, /not the name of a variable/, /./],
    ['1.2.3', 0, /"1\.2\.3" is not an address/, /192\.0\.2\.7/],
    ['1.2.3.4.5', 0, /not an address/, /./],
    ['[1.1.1.1,300.1.1.1]', 9, /"300\.1\.1\.1"/, /./],
    ['10.0.0.0/33', 0, /"33" is not a prefix length/, /./],
    ['10.0.0.0/255.0.255.0', 0, /not a prefix length/, /./],
    ['10.0.0.9-10.0.0.1', 0, /backwards/, /10\.0\.0\.1-10\.0\.0\.9/],
    ['10.0.0.1-::1', 0, /mixes IPv4 and IPv6/, /./],
    ['fe80::1%eth0', 0, /not an address/, /./],
    ['[1.1.1.1', 0, /not closed/, /\]/],
    ['1.1.1.1]', 7, /no opening/, /./],
    ['[1.1.1.1,,2.2.2.2]', 9, /is missing/, /comma/],
    ['[]', 1, /is missing/, /./],
    ['[1.1.1.1]x', 0, /continues behind/, /./],
    ['[1.1.1.1 2.2.2.2]', 1, /holds a blank/, /commas/],
    ['!!1.1.1.1', 1, /one "!"/, /./],
    ['$GROWING', 0, /more than 200000 elements/, /./],
    [`${'['.repeat(70)}1.1.1.1${']'.repeat(70)}`, 65, /deeper than 64/, /./],
  ] as const) {
    t.match(resolveAddresses(expression, domain), { at, cause, remedy }, expression);
  }
});
