// SPDX-License-Identifier: Apache-2.0
// What is known beyond the packet, under the names that the Elastic Common Schema has for it.

import type { DetectionEnd, DetectionEnrichment, DetectionProcess } from './model.js';
import { cleanText } from './text.js';

type Fields = Record<string, unknown>;

/** Without what is undefined, texts made clean; undefined if nothing is left. */
function known(all: Fields): Fields | undefined {
  const out: Fields = {};
  for (const [key, value] of Object.entries(all)) {
    if (value !== undefined) out[key] = typeof value === 'string' ? cleanText(value) : value;
  }
  return Object.keys(out).length === 0 ? undefined : out;
}

/** `domain`, `geo` and `as` of ECS' `source` and `destination`. */
export function endObject(end: DetectionEnd): Fields {
  const { latitude: lat, longitude: lon } = end;
  const geo = known({
    continent_code: end.continent,
    country_iso_code: end.country,
    country_name: end.countryName,
    region_iso_code: end.region,
    region_name: end.regionName,
    city_name: end.city,
    location: lat === undefined || lon === undefined ? undefined : { lat, lon },
  });
  const organization = known({ name: end.asOrganization });
  return known({ domain: end.name, geo, as: known({ number: end.asn, organization }) }) ?? {};
}

/** `pid`, `name` and `executable` of ECS' `process`, and what it has no name for. */
export function processObject({ pid, name, executable, cgroup, uid, end }: DetectionProcess): Fields {
  const side = end === 'src' ? 'source' : 'destination';
  return known({ pid, name, executable, cgroup, user_id: uid, end: side }) ?? {};
}

/** The object `ids.enrichment` of EVE. */
export function enrichmentObject({ src, dst, process }: DetectionEnrichment): Fields {
  return {
    ...(src && { source: endObject(src) }),
    ...(dst && { destination: endObject(dst) }),
    ...(process && { process: processObject(process) }),
  };
}
