// SPDX-License-Identifier: Apache-2.0
// Where addresses are and whose networks they are in: MaxMind DB files (https://maxmind.github.io/MaxMind-DB/) of
// countries, cities and autonomous systems. Records of others in the same layout (DB-IP, IPinfo's) are read too.

import { readFileSync } from 'node:fs';
import { Reader, type Response } from 'mmdb-lib';
import type { DetectionPlace } from '../../alerts/index.js';
import { IdsError, messageOf } from '../../common/errors.js';

/** Answers that are kept; the oldest goes first. */
const KEPT = 16_384;
/** The longest name, in UTF-16 units. */
const NAME_MAX = 200;

const NOWHERE: DetectionPlace = {};

type Fields = { readonly [key: string]: unknown } | undefined;

const inside = (record: Fields, key: string): Fields => {
  const value = record?.[key];
  return typeof value === 'object' && value !== null ? (value as Fields) : undefined;
};
const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value.slice(0, NAME_MAX) : undefined;
const number = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;
const english = (record: Fields): string | undefined => text(inside(record, 'names')?.['en']);

/** What a record of any of these databases tells. */
function placeOf(record: Fields): DetectionPlace {
  const country = inside(record, 'country') ?? inside(record, 'registered_country');
  const iso = text(country?.['iso_code'])?.toUpperCase();
  const region = inside(inside(record, 'subdivisions'), '0');
  const part = text(region?.['iso_code']);
  const location = inside(record, 'location');
  const traits = inside(record, 'traits') ?? record;
  const all = {
    continent: text(inside(record, 'continent')?.['code']),
    country: iso,
    countryName: english(country),
    region: iso !== undefined && part !== undefined ? `${iso}-${part}` : undefined,
    regionName: english(region),
    city: english(inside(record, 'city')),
    latitude: number(location?.['latitude']),
    longitude: number(location?.['longitude']),
    asn: number(record?.['autonomous_system_number'] ?? traits?.['autonomous_system_number']),
    asOrganization: text(record?.['autonomous_system_organization'] ?? traits?.['autonomous_system_organization']),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function open(file: string): Reader<Response> {
  try {
    return new Reader<Response>(readFileSync(file));
  } catch (error) {
    const cause = `enrich.geoip.databases: ${file}: ${messageOf(error)}`;
    throw new IdsError('FILE_UNREADABLE', `${cause}: name a MaxMind DB file that can be read`, { cause: error });
  }
}

export class Places {
  readonly #files: readonly string[];
  #readers: readonly Reader<Response>[];
  readonly #kept = new Map<string, DetectionPlace>();
  /** Addresses that were looked up, and records that could not be read. */
  readonly counts = { geoip_lookups: 0, geoip_errors: 0 };

  /** @param files absolute paths; of a field that several have the first counts. @throws IdsError FILE_UNREADABLE */
  constructor(files: readonly string[]) {
    this.#files = files;
    this.#readers = files.map(open);
  }

  /** Reads the files anew; if one cannot be read all stay as they were. @throws IdsError FILE_UNREADABLE */
  reload(): void {
    this.#readers = this.#files.map(open);
    this.#kept.clear();
  }

  /** @param address canonical text. An address that no file knows gives an empty object. */
  at(address: string): DetectionPlace {
    const known = this.#kept.get(address);
    if (known) return known;
    const found = this.#lookUp(address);
    if (this.#kept.size >= KEPT) for (const [oldest] of this.#kept) if (this.#kept.delete(oldest)) break;
    this.#kept.set(address, found);
    return found;
  }

  #lookUp(address: string): DetectionPlace {
    this.counts.geoip_lookups++;
    let place = NOWHERE;
    for (const reader of this.#readers) {
      try {
        const record = reader.get(address);
        if (record !== null) place = { ...placeOf(record as unknown as Fields), ...place };
      } catch {
        this.counts.geoip_errors++;
      }
    }
    return place;
  }
}
