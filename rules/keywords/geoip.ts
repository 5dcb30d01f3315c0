// SPDX-License-Identifier: Apache-2.0
// geoip: the country of an address. Unlike the reference, of IPv6 addresses too.

import type { AddressMatch } from '../ast.js';
import { otherCountries } from '../countries.js';
import { failValue, unsupported, warn, type Draft } from '../draft.js';
import { positionOf } from '../lines.js';
import { union } from '../sets.js';
import { supported, type Keyword } from './types.js';

const sides: readonly AddressMatch['side'][] = ['src', 'dst', 'both', 'any'];
const MOST = 64;

function parseGeoip(draft: Draft, value: string): void {
  const parts = value.split(',').map((part) => part.trim());
  const side = sides.find((word) => word === parts[0]);
  const names = side === undefined ? parts : parts.slice(1);
  const negated = names.some((name) => name.startsWith('!'));
  const codes = names.map((name) => name.replace(/^!/, '').toUpperCase());
  const odd = codes.findIndex((code) => !/^[A-Z]{2}$/.test(code));
  if (codes.length === 0 || odd >= 0 || codes.length > MOST) {
    const cause = codes.length > MOST ? `more than ${MOST} countries` : `"${names[odd] ?? ''}" is not a country`;
    return failValue(draft, cause, 'write src, dst, both or any, then codes of two letters: geoip:src,CN,RU');
  }
  if (!names.every((name) => name.startsWith('!') === negated)) {
    return failValue(draft, 'some countries are negated and others not', 'write ! before all of them or before none');
  }
  const { countries } = draft.options;
  if (!countries) return unsupported(draft, 'no database of countries is configured (geoip.database)');
  for (const code of codes) {
    if (!countries.has(code)) warn(draft, draft.valueAt, `the database knows no address of ${code}`, 'check the code');
  }
  const sets = negated ? otherCountries(countries, codes) : codes.map((code) => countries.get(code) ?? []);
  const position = positionOf(draft.line, draft.keywordAt);
  draft.parts.push({ kind: 'address', keyword: 'geoip', position, side: side ?? 'any', set: union(sets.flat()) });
}

export const geoipKeywords: readonly Keyword[] = [
  supported(
    'ip',
    'geoip',
    'Country of an address: `src`, `dst`, `both` or `any` (unless set), then codes: `src,CN,RU`, `any,!US`; needs `geoip.database`',
    parseGeoip,
  ),
];
