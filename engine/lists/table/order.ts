// SPDX-License-Identifier: Apache-2.0
// Bulk work in the order of the memory that it touches: a million misses of the cache one after the other take longest.

import { EntryBit } from '../../../common/abi.gen.js';
import { Entries4 } from './entries4.js';
import { wordMask } from './shape.js';
import type { PrefixColumns } from './types.js';
import type { Writer } from './writer.js';

const LENGTH = EntryBit.ENTRY_LENGTH;
/** Lines of one group lie in the cache together. */
const LINES_BITS = 8;

/** Indexes of IPv4 columns by where their lines are; equal prefixes stay in their order. */
export function byHome4(writer: Writer, { addr4, len4 }: Pick<PrefixColumns, 'addr4' | 'len4'>): Uint32Array {
  const count = len4.length;
  const { entries } = writer.four;
  const groups = new Uint32Array(count);
  const starts = new Uint32Array((entries.lines >>> LINES_BITS) + 2);
  for (let i = 0; i < count; i++) {
    const length = len4[i] ?? 0;
    const group = entries.home((addr4[i] ?? 0) & wordMask(length), length) >>> LINES_BITS;
    groups[i] = group;
    starts[group + 1] = (starts[group + 1] ?? 0) + 1;
  }
  for (let group = 1; group < starts.length; group++) starts[group] = (starts[group] ?? 0) + (starts[group - 1] ?? 0);
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const group = groups[i] ?? 0;
    const at = starts[group] ?? 0;
    order[at] = i;
    starts[group] = at + 1;
  }
  return order;
}

/** Prefixes of places as numbers that sort by address, then length: address << 32 | length. */
export function keysOfPlaces4(writer: Writer, places: Uint32Array): BigUint64Array {
  const { copy } = writer.four.entries;
  const keys = new BigUint64Array(places.length);
  const halves = new Uint32Array(keys.buffer);
  for (let i = 0; i < places.length; i++) {
    const at = Entries4.word(places[i] ?? 0);
    halves[2 * i] = (copy[at + 1] ?? 0) & LENGTH;
    halves[2 * i + 1] = copy[at] ?? 0;
  }
  return keys;
}

/** Places whose mark is this, in order. */
export function marked(
  marks: Uint8Array,
  mark: number,
  copy: Uint32Array,
  metaOf: (place: number) => number,
): Uint32Array {
  let count = 0;
  for (let place = 0; place < marks.length; place++) if (marks[place] === mark && copy[metaOf(place)] !== 0) count++;
  const places = new Uint32Array(count);
  let next = 0;
  for (let place = 0; next < count; place++)
    if (marks[place] === mark && copy[metaOf(place)] !== 0) places[next++] = place;
  return places;
}
