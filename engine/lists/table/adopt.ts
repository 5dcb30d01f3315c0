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
  const { memory, four, six, quarantine } = writer;
  four.front.live = six.front.live = false;
  four.entries.copy.set(memory.entries4);
  six.entries.copy.set(memory.entries6);
  const [copy4, copy6] = [four.entries.copy, six.entries.copy];
  // First what is free and what is no entry, so that the search below meets sound entries alone.
  for (let place = 0; place < four.places; place++) {
    const at = Entries4.word(place);
    const meta = copy4[at + 1] ?? 0;
    const length = meta & LENGTH;
    const sound = (meta & USED) !== 0 && length <= 32 && ((copy4[at] ?? 0) & ~wordMask(length)) === 0;
    if (sound) continue;
    const used = meta !== 0 || copy4[at] !== 0 || hasHits(memory.entries4, Entries4.hits(place));
    copy4[at + 2] = used ? quarantine.stamp : 0;
    copy4[at + 1] = 0;
  }
  for (let place = 0; place < six.places; place++) {
    const at = Entries6.word(place);
    const meta = copy6[at + 4] ?? 0;
    const length = meta & LENGTH;
    let sound = (meta & USED) !== 0 && length <= 128;
    for (let i = 0; i < 4; i++) sound &&= ((copy6[at + i] ?? 0) & ~wordMask(length - 32 * i)) === 0;
    if (sound) continue;
    const used = meta !== 0 || copy6[at] !== 0 || hasHits(memory.entries6, Entries6.hits(place));
    copy6[at + 5] = used ? quarantine.stamp : 0;
    copy6[at + 4] = 0;
  }
  const places4 = new Uint32Array(four.places);
  let count = 0;
  for (let place = 0; place < four.places; place++) {
    const at = Entries4.word(place);
    const meta = copy4[at + 1] ?? 0;
    if (meta === 0) continue;
    if (four.entries.find(copy4[at] ?? 0, meta & LENGTH) === place) places4[count++] = place;
    else forget(copy4, at + 1, at + 2, quarantine.stamp);
  }
  const prefixes = new Uint32Array(keysOfPlaces4(writer, places4.subarray(0, count)).sort().buffer);
  for (let i = 0; i < prefixes.length; i += 2) four.link(prefixes[i + 1] ?? 0, prefixes[i] ?? 0);
  const found: [top: number, length: number][] = [];
  for (let place = 0; place < six.places; place++) {
    const at = Entries6.word(place);
    const meta = copy6[at + 4] ?? 0;
    if (meta === 0) continue;
    const [a = 0, b = 0, c = 0, d = 0] = copy6.subarray(at, at + 4);
    const length = meta & LENGTH;
    if (six.entries.find(a, b, c, d, length) === place) found.push([a, length]);
    else forget(copy6, at + 4, at + 5, quarantine.stamp);
  }
  six.adopt(found);
  four.front.live = six.front.live = true;
}

const hasHits = (kernel: Uint32Array, at: number): boolean => kernel[at] !== 0 || kernel[at + 1] !== 0;

function forget(copy: Uint32Array, meta: number, expires: number, stamp: number): void {
  copy[meta] = 0;
  copy[expires] = stamp;
}
