// SPDX-License-Identifier: Apache-2.0
// Places of addresses, from databases that the test writes.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Places } from '../../../../engine/enrich/places.js';
import { mmdb } from '../../../helpers/mmdb.js';

const berlin = {
  continent: { code: 'EU' },
  country: { iso_code: 'DE', names: { en: 'Germany', de: 'Deutschland' } },
  subdivisions: [{ iso_code: 'BE', names: { en: 'Land Berlin' } }],
  city: { names: { en: 'Berlin' } },
  location: { latitude: 52.5, longitude: 13.25 },
};
const network = { autonomous_system_number: 64500, autonomous_system_organization: 'Example Networks' };

t.test('cities and autonomous systems', async (t) => {
  const folder = t.testdir();
  const [cities, systems] = [join(folder, 'city.mmdb'), join(folder, 'asn.mmdb')];
  writeFileSync(cities, mmdb({ '192.0.2.0/24': berlin, '2001:db8::/32': 'nl' }));
  writeFileSync(systems, mmdb({ '192.0.0.0/16': network }));
  const places = new Places([cities, systems]);
  const expected = {
    ...{ continent: 'EU', country: 'DE', countryName: 'Germany', region: 'DE-BE', regionName: 'Land Berlin' },
    ...{ city: 'Berlin', latitude: 52.5, longitude: 13.25, asn: 64500, asOrganization: 'Example Networks' },
  };
  t.strictSame(places.at('192.0.2.7'), expected);
  t.strictSame(places.at('192.0.3.7'), { asn: 64500, asOrganization: 'Example Networks' });
  t.strictSame(places.at('2001:db8::7'), { country: 'NL' });
  t.strictSame(places.at('198.51.100.1'), {});
  t.equal(places.at('192.0.2.7'), places.at('192.0.2.7'), 'kept');
  t.equal(places.counts.geoip_lookups, 4);

  writeFileSync(cities, mmdb({ '192.0.2.0/24': 'fr' }));
  t.match(places.at('192.0.2.7'), { country: 'DE' });
  places.reload();
  t.strictSame(places.at('192.0.2.7'), { country: 'FR', asn: 64500, asOrganization: 'Example Networks' });
  writeFileSync(systems, 'no database');
  t.throws(() => places.reload(), { code: 'FILE_UNREADABLE', message: /asn\.mmdb/ });
  t.match(places.at('192.0.2.7'), { country: 'FR', asn: 64500 }, 'those of before stay');
});

t.test('what is kept is bounded', async (t) => {
  const file = join(t.testdir(), 'country.mmdb');
  writeFileSync(file, mmdb({ '10.0.0.0/8': 'de' }));
  const places = new Places([file]);
  const text = (n: number): string => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;
  for (let n = 0; n <= 16_384; n++) places.at(text(n));
  places.at(text(16_384));
  t.equal(places.counts.geoip_lookups, 16_385);
  places.at(text(0));
  t.equal(places.counts.geoip_lookups, 16_386, 'the oldest was let go');
});

t.test('damage costs no alert', async (t) => {
  const whole = mmdb({ '192.0.2.0/24': berlin, '198.51.100.0/24': network });
  const file = join(t.testdir(), 'bad.mmdb');
  let errors = 0;
  let changed = 0;
  for (let at = 0; at < whole.length; at++) {
    const bad = Buffer.from(whole);
    bad[at] = (bad[at] ?? 0) ^ 0x55;
    writeFileSync(file, bad);
    let places: Places;
    try {
      places = new Places([file]);
    } catch (error) {
      t.match(error, { code: 'FILE_UNREADABLE' });
      continue;
    }
    const found = places.at('192.0.2.7');
    if (found.city !== 'Berlin') changed++;
    for (const value of Object.values(found) as unknown[]) {
      if (typeof value !== 'string' && typeof value !== 'number') t.fail(`a field of ${typeof value}`);
    }
    errors += places.counts.geoip_errors;
  }
  t.ok(errors > 0 && changed > 0, `${errors} errors, ${changed} other answers`);
});
