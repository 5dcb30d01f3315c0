// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { resolveAddresses, addressDomain } from '../../../rules/addresses.js';
import { readCountries } from '../../../rules/countries.js';
import type { AddressSet } from '../../../rules/ast.js';
import { mmdb } from '../../helpers/mmdb.js';

const set = (...texts: string[]): AddressSet => {
  const found = resolveAddresses(`[${texts.join(',')}]`, addressDomain({}));
  if (!('set' in found)) throw new Error(found.cause);
  return found.set;
};

const networks = {
  '192.0.2.0/25': 'DE',
  '192.0.2.128/25': 'DE',
  '198.51.100.0/24': 'FR',
  '0.0.0.0/8': 'DE',
  '255.255.255.255/32': 'FR',
  '2001:db8::/32': 'DE',
  '2001:db9::/48': 'FR',
};

t.test('networks of each country, in every size of record', async (t) => {
  for (const recordSize of [24, 28, 32] as const) {
    const countries = readCountries(mmdb(networks, { recordSize }));
    t.same([...countries.keys()].sort(), ['DE', 'FR']);
    t.same(countries.get('DE'), set('0.0.0.0/8', '192.0.2.0/24', '2001:db8::/32'), `${recordSize} bits`);
    t.same(countries.get('FR'), set('198.51.100.0/24', '255.255.255.255', '2001:db9::/48'));
  }
});

t.test('a database of IPv4', async (t) => {
  const four = Object.fromEntries(Object.entries(networks).filter(([prefix]) => !prefix.includes(':')));
  const countries = readCountries(mmdb(four, { version: 4 }));
  t.same(countries.get('DE'), set('0.0.0.0/8', '192.0.2.0/24'));
});

t.test('what is no database, and a damaged one', async (t) => {
  t.throws(() => readCountries(Buffer.from('no database')));
  const bytes = mmdb({ '192.0.2.0/24': 'DE', '2001:db8::/32': 'FR' });
  // The second record of the first nodes leads to the first node.
  for (let node = 0; node < 100; node++) bytes.writeUIntBE(0, 6 * node + 3, 3);
  t.throws(() => readCountries(bytes), /circles/);
});
