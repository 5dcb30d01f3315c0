// SPDX-License-Identifier: Apache-2.0
// The line of a record for a receiver with a size limit.

import type { Sendable } from '../entry.js';
import type { EveRecord } from '../eve.js';
import type { Format } from '../formats/index.js';
import { shortIn } from '../formats/short.js';
import { shortRecord } from '../shorten.js';

/** The line of a record in at most `room` UTF-8 bytes: less is told, nothing is cut; or the shortest that there is. */
export function lineWithin(entry: Sendable, format: Format, room: number): string {
  if (entry.bytes <= room) return entry.line;
  if (entry.detection !== undefined) return shortIn(format, entry.detection, room);
  return shortRecord(JSON.parse(entry.line) as EveRecord, room);
}
