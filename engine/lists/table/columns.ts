// SPDX-License-Identifier: Apache-2.0
// Every entry as sorted columns.

import { EntryBit } from '../../../common/abi.gen.js';
import { Entries4 } from './entries4.js';
import { Entries6 } from './entries6.js';
import type { SlottedColumns } from './types.js';
import type { Writer } from './writer.js';

const LENGTH = EntryBit.ENTRY_LENGTH;
const KEY = EntryBit.ENTRY_LENGTH | EntryBit.ENTRY_USED;
/** Bits of a place in a sort key beside 32 of address and 6 of length. */
const PLACE_BITS = 26;

/** Places of IPv4 entries sorted by address, then length. */
function sortedPlaces4(writer: Writer): Uint32Array {
  const { entries, places, size } = writer.four;
  const keys = new BigUint64Array(size);
  const halves = new Uint32Array(keys.buffer);
  let count = 0;
  for (let place = 0; place < places; place++) {
    const at = Entries4.word(place);
    const meta = entries.copy[at + 1] ?? 0;
    if (meta === 0) continue;
    // addr << 32 | length << 26 | place
    halves[2 * count] = (((meta & LENGTH) << PLACE_BITS) | place) >>> 0;
    halves[2 * count + 1] = entries.copy[at] ?? 0;
    count++;
  }
  keys.sort();
  const sorted = new Uint32Array(count);
  for (let i = 0; i < count; i++) sorted[i] = (halves[2 * i] ?? 0) & (2 ** PLACE_BITS - 1);
  return sorted;
}

/** Places of IPv6 entries, from 0, sorted by address, then length: by the first word with numbers, the ties by hand. */
function sortedPlaces6(writer: Writer): Uint32Array {
  const { entries, places, size } = writer.six;
  const { copy } = entries;
  const keys = new BigUint64Array(size);
  const halves = new Uint32Array(keys.buffer);
  let count = 0;
  for (let place = 0; place < places; place++) {
    const at = Entries6.word(place);
    if ((copy[at + 4] ?? 0) === 0) continue;
    halves[2 * count] = place;
    halves[2 * count + 1] = copy[at] ?? 0;
    count++;
  }
  keys.sort();
  const sorted = new Uint32Array(count);
  for (let i = 0; i < count; i++) sorted[i] = halves[2 * i] ?? 0;
  const compare = (left: number, right: number): number => {
    const [l, r] = [Entries6.word(left), Entries6.word(right)];
    for (let i = 1; i < 4; i++) {
      const difference = (copy[l + i] ?? 0) - (copy[r + i] ?? 0);
      if (difference !== 0) return difference;
    }
    return ((copy[l + 4] ?? 0) & LENGTH) - ((copy[r + 4] ?? 0) & LENGTH);
  };
  for (let from = 0; from < count;) {
    let to = from + 1;
    while (to < count && halves[2 * to + 1] === halves[2 * from + 1]) to++;
    if (to - from > 1) sorted.subarray(from, to).sort(compare);
    from = to;
  }
  return sorted;
}

export function allColumns(writer: Writer): SlottedColumns {
  const slot4 = sortedPlaces4(writer);
  const slot6 = sortedPlaces6(writer);
  const columns = {
    addr4: new Uint32Array(slot4.length),
    len4: new Uint8Array(slot4.length),
    meta4: new Uint32Array(slot4.length),
    expires4: new Uint32Array(slot4.length),
    slot4,
    addr6: new Uint32Array(slot6.length * 4),
    len6: new Uint8Array(slot6.length),
    meta6: new Uint32Array(slot6.length),
    expires6: new Uint32Array(slot6.length),
    slot6,
  };
  const four = writer.four.entries.copy;
  slot4.forEach((place, i) => {
    const at = Entries4.word(place);
    const meta = four[at + 1] ?? 0;
    columns.addr4[i] = four[at] ?? 0;
    columns.len4[i] = meta & LENGTH;
    columns.meta4[i] = meta & ~KEY;
    columns.expires4[i] = four[at + 2] ?? 0;
  });
  const six = writer.six.entries.copy;
  slot6.forEach((place, i) => {
    const at = Entries6.word(place);
    const meta = six[at + 4] ?? 0;
    for (let word = 0; word < 4; word++) columns.addr6[4 * i + word] = six[at + word] ?? 0;
    columns.len6[i] = meta & LENGTH;
    columns.meta6[i] = meta & ~KEY;
    columns.expires6[i] = six[at + 5] ?? 0;
    slot6[i] = place + writer.four.places;
  });
  return columns;
}

/** Places of both families whose end has come. */
export function expiredPlaces(writer: Writer, now: number): Uint32Array {
  const found: number[] = [];
  const { four, six } = writer;
  const over = (meta: number | undefined, expires: number | undefined): boolean =>
    meta !== 0 && (expires ?? 0) !== 0 && (expires ?? 0) <= now;
  for (let place = 0; place < four.places; place++) {
    const at = Entries4.word(place);
    if (over(four.entries.copy[at + 1], four.entries.copy[at + 2])) found.push(place);
  }
  for (let place = 0; place < six.places; place++) {
    const at = Entries6.word(place);
    if (over(six.entries.copy[at + 4], six.entries.copy[at + 5])) found.push(place + four.places);
  }
  return Uint32Array.from(found);
}
