// SPDX-License-Identifier: Apache-2.0
// Taking over what an earlier run left in the kernel's memory: the entries are the truth, all else follows from them.

import { EntryBit } from '../../../common/abi.gen.js';
import { Entries4 } from './entries4.js';
import { Entries6 } from './entries6.js';
import { keysOfPlaces4 } from './order.js';
import { wordMask } from './shape.js';
import type { Writer } from './writer.js';

const LENGTH = EntryBit.ENTRY_LENGTH;
const USED = EntryBit.ENTRY_USED;

/**
 * Builds the copies from the kernel's memory, which is only read here; entries stay enforced. What no lookup could find
 * is left out, so that a `repair` afterwards takes it away.
 */
export function adopt(writer: Writer): void {
  const { four, six } = writer;
  four.front.live = six.front.live = false;
  adopt4(writer);
  adopt6(writer);
  four.front.live = six.front.live = true;
}

function adopt4(writer: Writer): void {
  const { memory, four, quarantine } = writer;
  const { stamp } = quarantine;
  const { copy } = four.entries;
  copy.set(memory.entries4);
  // First what is free and what is no entry, so that the search below meets sound entries alone.
  for (let place = 0; place < four.places; place++) {
    const at = Entries4.word(place);
    const meta = copy[at + 1] ?? 0;
    const length = meta & LENGTH;
    if ((meta & USED) !== 0 && length <= 32 && ((copy[at] ?? 0) & ~wordMask(length)) === 0) continue;
    const used = meta !== 0 || copy[at] !== 0 || hasHits(copy, Entries4.hits(place));
    copy[at + 2] = used ? stamp : 0;
    copy[at + 1] = 0;
  }
  const places = new Uint32Array(four.places);
  let count = 0;
  for (let place = 0; place < four.places; place++) {
    const at = Entries4.word(place);
    const meta = copy[at + 1] ?? 0;
    if (meta === 0) continue;
    if (four.entries.find(copy[at] ?? 0, meta & LENGTH) === place) places[count++] = place;
    else forget(copy, at + 1, at + 2, stamp);
  }
  const prefixes = new Uint32Array(keysOfPlaces4(writer, places.subarray(0, count)).sort().buffer);
  for (let i = 0; i < prefixes.length; i += 2) four.link(prefixes[i + 1] ?? 0, prefixes[i] ?? 0);
}

function adopt6({ memory, six, quarantine }: Writer): void {
  const { stamp } = quarantine;
  const { copy } = six.entries;
  copy.set(memory.entries6);
  for (let place = 0; place < six.places; place++) {
    const at = Entries6.word(place);
    const meta = copy[at + 4] ?? 0;
    const length = meta & LENGTH;
    let sound = (meta & USED) !== 0 && length <= 128;
    for (let i = 0; i < 4 && sound; i++) sound = ((copy[at + i] ?? 0) & ~wordMask(length - 32 * i)) === 0;
    if (sound) continue;
    const used = meta !== 0 || copy[at] !== 0 || hasHits(copy, Entries6.hits(place));
    copy[at + 5] = used ? stamp : 0;
    copy[at + 4] = 0;
  }
  const tops = new Uint32Array(six.places);
  const lengths = new Uint8Array(six.places);
  let count = 0;
  for (let place = 0; place < six.places; place++) {
    const at = Entries6.word(place);
    const meta = copy[at + 4] ?? 0;
    if (meta === 0) continue;
    const [top, length] = [copy[at] ?? 0, meta & LENGTH];
    if (six.entries.find(top, copy[at + 1] ?? 0, copy[at + 2] ?? 0, copy[at + 3] ?? 0, length) !== place) {
      forget(copy, at + 4, at + 5, stamp);
      continue;
    }
    tops[count] = top;
    lengths[count++] = length;
  }
  six.adopt(tops.subarray(0, count), lengths.subarray(0, count));
}

const hasHits = (copy: Uint32Array, at: number): boolean => copy[at] !== 0 || copy[at + 1] !== 0;

function forget(copy: Uint32Array, meta: number, expires: number, stamp: number): void {
  copy[meta] = 0;
  copy[expires] = stamp;
}
