// SPDX-License-Identifier: Apache-2.0
// Many changes in one go: nothing is changed if they do not fit, and what stays is not touched.

import { EntryBit } from '../../../common/abi.gen.js';
import { sortedPlaces4, sortedPlaces6 } from './columns.js';
import { Entries4 } from './entries4.js';
import { Entries6 } from './entries6.js';
import { listFull, requireRoom } from './full.js';
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
  readonly added4: number[] = [];
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
    removePlaces4(this.#writer, Uint32Array.from(this.added4));
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

/** Puts every entry of a batch. `full` is asked when one finds no place: false gives up. */
function putAll(writer: Writer, entries: EntryColumns, full: () => boolean, marks?: Marks): BatchResult {
  const cursor = new Cursor(writer, entries);
  const undo = new Undo(writer);
  const [count4, count6] = [entries.len4.length, entries.len6.length];
  const result = { slot4: new Uint32Array(count4), slot6: new Uint32Array(count6) };
  const tally = [0, 0, 0];
  const note = (): void => {
    tally[writer.outcome] = (tally[writer.outcome] ?? 0) + 1;
  };
  for (let i = 0; i < count4; i++) {
    const length = entries.len4[i] ?? 0;
    const addr = (entries.addr4[i] ?? 0) & wordMask(length);
    const put = (): number => writer.put4(addr, length, entries.meta4[i] ?? 0, entries.expires4[i] ?? 0);
    let place = put();
    if (place < 0 && full()) place = put();
    if (place < 0) {
      undo.run();
      throw listFull('IPv4', writer.four.size, writer.four.capacity, count4);
    }
    if (writer.outcome === Outcome.ADDED) undo.added4.push(place);
    else if (writer.outcome === Outcome.CHANGED) undo.changed(false, place);
    note();
    result.slot4[i] = place;
    if (marks) marks.four[place] = 1;
  }
  for (let i = 0; i < count6; i++) {
    cursor.read6(i);
    const { a, b, c, d, length } = cursor;
    const put = (): number => writer.put6(a, b, c, d, length, entries.meta6[i] ?? 0, entries.expires6[i] ?? 0);
    let place = put();
    if (place < 0 && full()) place = put();
    if (place < 0) {
      undo.run();
      throw listFull('IPv6', writer.six.size, writer.six.capacity, count6);
    }
    if (writer.outcome === Outcome.ADDED) undo.added6.push(place);
    else if (writer.outcome === Outcome.CHANGED) undo.changed(true, place);
    note();
    result.slot6[i] = place + writer.four.places;
    if (marks) marks.six[place] = 1;
  }
  const [same = 0, changed = 0, added = 0] = tally;
  return { ...result, same, changed, added, removed: 0 };
}

export function putBatch(writer: Writer, entries: EntryColumns): BatchResult {
  writer.quarantine.advance();
  const { four, six } = writer;
  if (four.size + entries.len4.length > four.capacity || six.size + entries.len6.length > six.capacity)
    requireRoom(writer, ...freshIn(writer, entries));
  return putAll(writer, entries, () => false);
}

/** Removes places; those of one /24 and length in a row are counted once. */
export function removePlaces4(writer: Writer, places: Uint32Array): void {
  const { entries } = writer.four;
  let [addr, length, gone] = [0, 0, 0];
  for (const place of places) {
    const at = Entries4.word(place);
    const nextAddr = entries.copy[at] ?? 0;
    const nextLength = (entries.copy[at + 1] ?? 0) & LENGTH;
    if (gone > 0 && (nextLength !== length || length <= 24 || nextAddr >>> 8 !== addr >>> 8)) {
      writer.four.unlink(addr, length, gone);
      gone = 0;
    }
    entries.remove(place);
    [addr, length] = [nextAddr, nextLength];
    gone++;
  }
  if (gone > 0) writer.four.unlink(addr, length, gone);
}

/** Removes places of IPv6, counted from its first. */
export function removePlaces6(writer: Writer, places: Uint32Array): void {
  const { copy } = writer.six.entries;
  for (const place of places) {
    const at = Entries6.word(place);
    writer.remove6(copy[at] ?? 0, (copy[at + 4] ?? 0) & LENGTH, place);
  }
}

export function deleteBatch(writer: Writer, prefixes: PrefixColumns): number {
  writer.quarantine.advance();
  const { four, six } = writer;
  const doomed = { four: new Uint8Array(four.places), six: new Uint8Array(six.places) };
  const cursor = new Cursor(writer, prefixes);
  const before = four.size + six.size;
  for (let i = 0; i < prefixes.len4.length; i++) {
    const place = cursor.find4(i);
    if (place >= 0) doomed.four[place] = 1;
  }
  for (let i = 0; i < prefixes.len6.length; i++) {
    const place = cursor.find6(i);
    if (place >= 0) doomed.six[place] = 1;
  }
  removeWhere(writer, doomed, 1);
  return before - four.size - six.size;
}

function removeWhere(writer: Writer, marks: Marks, mark: number): void {
  removePlaces4(
    writer,
    sortedPlaces4(writer, (place) => marks.four[place] === mark),
  );
  removePlaces6(
    writer,
    sortedPlaces6(writer, (place) => marks.six[place] === mark),
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
  const result = putAll(writer, entries, makeRoom, marks);
  removeOthers();
  return { ...result, removed };
}
