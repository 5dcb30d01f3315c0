// SPDX-License-Identifier: Apache-2.0
// Many changes in one go: nothing is changed if they do not fit, and what stays is not touched.

import { EntryBit } from '../../../common/abi.gen.js';
import { Entries4 } from './entries4.js';
import { Entries6 } from './entries6.js';
import { listFull, requireRoom } from './full.js';
import { byHome4, marked, keysOfPlaces4 } from './order.js';
import { wordMask } from './shape.js';
import type { BatchResult, EntryColumns, PrefixColumns } from './types.js';
import { Outcome, type Writer } from './writer.js';

const LENGTH = EntryBit.ENTRY_LENGTH;

/** Where in a batch something is, without an object a column. */
class Cursor {
  readonly #writer: Writer;
  readonly #columns: PrefixColumns;
  a = 0;
  b = 0;
  c = 0;
  d = 0;
  length = 0;

  constructor(writer: Writer, columns: PrefixColumns) {
    this.#writer = writer;
    this.#columns = columns;
  }

  find4(i: number): number {
    this.length = this.#columns.len4[i] ?? 0;
    this.a = (this.#columns.addr4[i] ?? 0) & wordMask(this.length);
    return this.#writer.four.entries.find(this.a, this.length);
  }

  read6(i: number): void {
    const { addr6, len6 } = this.#columns;
    const length = len6[i] ?? 0;
    this.length = length;
    this.a = (addr6[4 * i] ?? 0) & wordMask(length);
    this.b = (addr6[4 * i + 1] ?? 0) & wordMask(length - 32);
    this.c = (addr6[4 * i + 2] ?? 0) & wordMask(length - 64);
    this.d = (addr6[4 * i + 3] ?? 0) & wordMask(length - 96);
  }

  find6(i: number): number {
    this.read6(i);
    return this.#writer.six.entries.find(this.a, this.b, this.c, this.d, this.length);
  }
}

/** Changed values of a call, to put them back. */
class Undo {
  readonly #writer: Writer;
  added4 = new Uint32Array(0);
  readonly added6: number[] = [];
  readonly #changed: [six: boolean, place: number, meta: number, expires: number][] = [];

  constructor(writer: Writer) {
    this.#writer = writer;
  }

  changed(six: boolean, place: number): void {
    this.#changed.push([six, place, this.#writer.beforeMeta, this.#writer.beforeExpires]);
  }

  /** Puts everything back as it was. */
  run(): void {
    const { four, six } = this.#writer;
    removePlaces4(this.#writer, this.added4);
    removePlaces6(this.#writer, Uint32Array.from(this.added6));
    for (const [isSix, place, meta, expires] of this.#changed)
      (isSix ? six.entries : four.entries).change(place, meta, expires);
  }
}

function freshIn(writer: Writer, entries: PrefixColumns): [fresh4: number, fresh6: number] {
  const cursor = new Cursor(writer, entries);
  let [fresh4, fresh6] = [0, 0];
  for (let i = 0; i < entries.len4.length; i++) if (cursor.find4(i) < 0) fresh4++;
  for (let i = 0; i < entries.len6.length; i++) if (cursor.find6(i) < 0) fresh6++;
  return [fresh4, fresh6];
}

interface Marks {
  readonly four: Uint8Array;
  readonly six: Uint8Array;
}

type Result = Omit<BatchResult, 'removed'>;

/** One call that puts many entries. `full` is asked when one finds no place: false gives up. */
class Putting {
  readonly #writer: Writer;
  readonly #entries: EntryColumns;
  readonly #full: () => boolean;
  readonly #marks: Marks | undefined;
  readonly #undo: Undo;
  readonly #tally = [0, 0, 0];
  /** New values by place. */
  readonly #held = new Map<number, [meta: number, expires: number]>();
  readonly #slot4: Uint32Array;
  readonly #slot6: Uint32Array;

  constructor(writer: Writer, entries: EntryColumns, full: () => boolean, marks?: Marks) {
    this.#writer = writer;
    this.#entries = entries;
    this.#full = full;
    this.#marks = marks;
    this.#undo = new Undo(writer);
    this.#slot4 = new Uint32Array(entries.len4.length);
    this.#slot6 = new Uint32Array(entries.len6.length);
  }

  #note(six: boolean, place: number, meta: number, expires: number): void {
    const { outcome } = this.#writer;
    const slot = six ? place + this.#writer.four.places : place;
    // Of a prefix that comes twice the last one counts.
    if (outcome === Outcome.HELD) this.#held.set(slot, [meta, expires]);
    else if (this.#held.size > 0) this.#held.delete(slot);
    if (outcome !== Outcome.HELD) this.#tally[outcome] = (this.#tally[outcome] ?? 0) + 1;
    if (outcome === Outcome.CHANGED) this.#undo.changed(six, place);
  }

  /** What gets weaker waits for all that was added: a new prefix may have taken over from it. */
  #weaken(): void {
    const writer = this.#writer;
    const { four, six } = writer;
    if (this.#held.size === 0) return;
    if ((this.#tally[Outcome.ADDED] ?? 0) > 0) writer.settle();
    for (const [slot, [meta, expires]] of this.#held) {
      if (slot < four.places) four.entries.change(slot, meta, expires);
      else six.entries.change(slot - four.places, meta, expires);
    }
    this.#tally[Outcome.CHANGED] = (this.#tally[Outcome.CHANGED] ?? 0) + this.#held.size;
  }

  /** Entries in the order of their lines, then what leads to them in the order of addresses. */
  four(): boolean {
    const { addr4, len4, meta4, expires4 } = this.#entries;
    const writer = this.#writer;
    const fresh = new Uint8Array(len4.length);
    let whole = true;
    for (const i of byHome4(writer, this.#entries)) {
      const length = len4[i] ?? 0;
      const addr = (addr4[i] ?? 0) & wordMask(length);
      let place = writer.enter4(addr, length, meta4[i] ?? 0, expires4[i] ?? 0);
      if (place < 0 && this.#full()) place = writer.enter4(addr, length, meta4[i] ?? 0, expires4[i] ?? 0);
      if (place < 0) {
        whole = false;
        break;
      }
      if (writer.outcome === Outcome.ADDED) fresh[i] = 1;
      this.#note(false, place, meta4[i] ?? 0, expires4[i] ?? 0);
      this.#slot4[i] = place;
      if (this.#marks) this.#marks.four[place] = 1;
    }
    for (let i = 0; i < fresh.length; i++) {
      if (fresh[i] === 0) continue;
      const length = len4[i] ?? 0;
      writer.four.link((addr4[i] ?? 0) & wordMask(length), length);
    }
    this.#undo.added4 = this.#slot4.filter((_, i) => fresh[i] === 1);
    return whole;
  }

  six(): boolean {
    const { len6, meta6, expires6 } = this.#entries;
    const writer = this.#writer;
    const cursor = new Cursor(writer, this.#entries);
    for (let i = 0; i < len6.length; i++) {
      cursor.read6(i);
      const { a, b, c, d, length } = cursor;
      let place = writer.put6(a, b, c, d, length, meta6[i] ?? 0, expires6[i] ?? 0);
      if (place < 0 && this.#full()) place = writer.put6(a, b, c, d, length, meta6[i] ?? 0, expires6[i] ?? 0);
      if (place < 0) return false;
      if (writer.outcome === Outcome.ADDED) this.#undo.added6.push(place);
      this.#note(true, place, meta6[i] ?? 0, expires6[i] ?? 0);
      this.#slot6[i] = place + writer.four.places;
      if (this.#marks) this.#marks.six[place] = 1;
    }
    return true;
  }

  run(): Result {
    const writer = this.#writer;
    const { four, six } = writer;
    let whole4: boolean;
    let whole: boolean;
    writer.holdWeaker = true;
    try {
      whole4 = this.four();
      whole = whole4 && this.six();
    } finally {
      writer.holdWeaker = false;
    }
    if (!whole) {
      this.#undo.run();
      const [family, { size, capacity }, count] = whole4
        ? (['IPv6', six, this.#slot6.length] as const)
        : (['IPv4', four, this.#slot4.length] as const);
      throw listFull(family, size, capacity, count);
    }
    this.#weaken();
    const [same = 0, changed = 0, added = 0] = this.#tally;
    return { slot4: this.#slot4, slot6: this.#slot6, same, changed, added };
  }
}

export function putBatch(writer: Writer, entries: EntryColumns): BatchResult {
  writer.quarantine.advance();
  const { four, six } = writer;
  if (four.size + entries.len4.length > four.capacity || six.size + entries.len6.length > six.capacity)
    requireRoom(writer, ...freshIn(writer, entries));
  return { ...new Putting(writer, entries, () => false).run(), removed: 0 };
}

/** Takes away what led to entries that are gone, those of one /24 and length in one go. Keys as `keysOfPlaces4` makes them. */
function unlinkSorted4(writer: Writer, keys: BigUint64Array): void {
  keys.sort();
  const halves = new Uint32Array(keys.buffer, keys.byteOffset, keys.length * 2);
  let [addr, length, gone] = [0, 0, 0];
  for (let i = 0; i < halves.length; i += 2) {
    const nextLength = halves[i] ?? 0;
    const nextAddr = halves[i + 1] ?? 0;
    if (gone > 0 && (nextLength !== length || length <= 24 || nextAddr >>> 8 !== addr >>> 8)) {
      writer.four.unlink(addr, length, gone);
      gone = 0;
    }
    [addr, length] = [nextAddr, nextLength];
    gone++;
  }
  if (gone > 0) writer.four.unlink(addr, length, gone);
}

function removePlaces4(writer: Writer, places: Uint32Array): void {
  const keys = keysOfPlaces4(writer, places);
  for (const place of places) writer.four.entries.remove(place);
  unlinkSorted4(writer, keys);
}

/** Removes places of IPv6, counted from its first. */
function removePlaces6(writer: Writer, places: Uint32Array): void {
  const { copy } = writer.six.entries;
  for (const place of places) {
    const at = Entries6.word(place);
    writer.remove6(copy[at] ?? 0, (copy[at + 4] ?? 0) & LENGTH, place);
  }
}

export function deleteBatch(writer: Writer, prefixes: PrefixColumns): number {
  writer.quarantine.advance();
  const { four, six } = writer;
  const before = four.size + six.size;
  const cursor = new Cursor(writer, prefixes);
  const gone = new BigUint64Array(prefixes.len4.length);
  const halves = new Uint32Array(gone.buffer);
  let count = 0;
  for (const i of byHome4(writer, prefixes)) {
    const place = cursor.find4(i);
    if (place < 0) continue;
    four.entries.remove(place);
    halves[2 * count] = cursor.length;
    halves[2 * count + 1] = cursor.a;
    count++;
  }
  unlinkSorted4(writer, gone.subarray(0, count));
  for (let i = 0; i < prefixes.len6.length; i++) {
    const place = cursor.find6(i);
    if (place >= 0) writer.remove6(cursor.a, cursor.length, place);
  }
  return before - four.size - six.size;
}

function removeWhere(writer: Writer, marks: Marks, mark: number): void {
  const { four, six } = writer;
  removePlaces4(
    writer,
    marked(marks.four, mark, four.entries.copy, (place) => Entries4.word(place) + 1),
  );
  removePlaces6(
    writer,
    marked(marks.six, mark, six.entries.copy, (place) => Entries6.word(place) + 4),
  );
}

export function assign(writer: Writer, entries: EntryColumns): BatchResult {
  writer.quarantine.advance();
  const { four, six } = writer;
  if (entries.len4.length > four.capacity) throw listFull('IPv4', 0, four.capacity, entries.len4.length);
  if (entries.len6.length > six.capacity) throw listFull('IPv6', 0, six.capacity, entries.len6.length);
  const marks = { four: new Uint8Array(four.places), six: new Uint8Array(six.places) };
  let removed = 0;
  const removeOthers = (): void => {
    const before = four.size + six.size;
    removeWhere(writer, marks, 0);
    removed += before - four.size - six.size;
  };
  // Old and new content do not fit at the same time: what is in both stays, the rest of the old one has to go first.
  const makeRoom = (): boolean => {
    const cursor = new Cursor(writer, entries);
    for (let i = 0; i < entries.len4.length; i++) {
      const place = cursor.find4(i);
      if (place >= 0) marks.four[place] = 1;
    }
    for (let i = 0; i < entries.len6.length; i++) {
      const place = cursor.find6(i);
      if (place >= 0) marks.six[place] = 1;
    }
    removeOthers();
    writer.settle();
    return true;
  };
  const result = new Putting(writer, entries, makeRoom, marks).run();
  const kept = entries.len4.length + entries.len6.length;
  // A packet that has looked for a new prefix in vain must not look for the old one in its place when that is gone.
  if (result.added > 0 && four.size + six.size > kept) writer.settle();
  removeOthers();
  return { ...result, removed };
}
