// SPDX-License-Identifier: Apache-2.0
// The enforced table: prefixes and values in, numbers to the writer.

import { ListLimit } from '../../../common/abi.gen.js';
import { isMapped4, isPrefix4, maskBytes, type Prefix } from '../../../common/address.js';
import { adopt } from './adopt.js';
import { assign, deleteBatch, putBatch } from './bulk.js';
import { check, intact, repair, sample } from './check.js';
import { allColumns, expiredPlaces } from './columns.js';
import { Entries4 } from './entries4.js';
import { Entries6 } from './entries6.js';
import { listFull } from './full.js';
import type { TableMemory } from './memory.js';
import { packMeta, unpackMeta } from './meta.js';
import { Quarantine } from './quarantine.js';
import type * as T from './types.js';
import { Outcome, Writer } from './writer.js';

export interface TableOptions {
  /** Milliseconds, monotonic. Default: this process's. */
  readonly clock?: () => number;
}

const LENGTH = 0xff;
const TIME_BITS = ListLimit.HIT_TIME_BITS;
const HIT_TIME_SECONDS = 2 ** ListLimit.HIT_TIME_SHIFT / 1e9;
const outcomes = ['same', 'changed', 'added', 'same'] as const;

/** The words of a prefix: one of IPv4, or four. */
function wordsOf({ bytes }: Prefix): [number, number, number, number] {
  const word = (at: number): number =>
    ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  return [word(0), word(4), word(8), word(12)];
}

function bytesOf(words: readonly number[]): Uint8Array {
  return Uint8Array.from(words.flatMap((word) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255]));
}

const clean = ({ bytes, length }: Prefix): Prefix => ({ bytes: maskBytes(bytes.slice(), length), length });

export class BlockTable implements T.EnforcedTable {
  readonly #memory: TableMemory;
  readonly #writer: Writer;

  private constructor(memory: TableMemory, options: TableOptions) {
    this.#memory = memory;
    this.#writer = Writer.open(memory, new Quarantine(options.clock));
    if (this.#writer.fresh) return;
    adopt(this.#writer);
    repair(this.#writer);
  }

  /** Takes over what the memory holds; it goes on being enforced while this works. */
  static open(memory: TableMemory, options: TableOptions = {}): BlockTable {
    return new BlockTable(memory, options);
  }

  get size4(): number {
    return this.#writer.four.size;
  }

  get size6(): number {
    return this.#writer.six.size;
  }

  get capacity4(): number {
    return this.#writer.four.capacity;
  }

  get capacity6(): number {
    return this.#writer.six.capacity;
  }

  get slots4(): number {
    return this.#writer.four.places;
  }

  get slots(): number {
    return this.#writer.four.places + this.#writer.six.places;
  }

  find(prefix: Prefix): number {
    const exact = clean(prefix);
    const [a, b, c, d] = wordsOf(exact);
    if (isPrefix4(exact)) return this.#writer.four.entries.find(d, exact.length - 96);
    const place = this.#writer.six.entries.find(a, b, c, d, exact.length);
    return place < 0 ? -1 : place + this.slots4;
  }

  get(prefix: Prefix): T.TableEntry | undefined {
    const slot = this.find(prefix);
    return slot < 0 ? undefined : this.at(slot);
  }

  at(slot: number): T.TableEntry | undefined {
    const { four, six } = this.#writer;
    if (!(slot >= 0 && slot < this.slots)) return undefined;
    if (slot < this.slots4) {
      const at = Entries4.word(slot);
      const [addr = 0, meta = 0, expires = 0] = four.entries.copy.subarray(at, at + 3);
      if (meta === 0) return undefined;
      const bytes = bytesOf([0, 0, 0xffff, addr]);
      return { prefix: { bytes, length: 96 + (meta & LENGTH) }, slot, expires, ...unpackMeta(meta) };
    }
    const at = Entries6.word(slot - this.slots4);
    const [a = 0, b = 0, c = 0, d = 0, meta = 0, expires = 0] = six.entries.copy.subarray(at, at + 6);
    if (meta === 0) return undefined;
    return { prefix: { bytes: bytesOf([a, b, c, d]), length: meta & LENGTH }, slot, expires, ...unpackMeta(meta) };
  }

  covering(address: Uint8Array): T.TableEntry[] {
    const found: T.TableEntry[] = [];
    const shortest = isMapped4(address) ? 96 : 0;
    const { byLength } = shortest > 0 ? this.#writer.four : this.#writer.six;
    for (let length = 128; length >= shortest; length--) {
      if (byLength[length - shortest] === 0) continue;
      const entry = this.get({ bytes: address, length });
      if (entry) found.push(entry);
    }
    return found;
  }

  put(prefix: Prefix, value: T.EntryValue): 'added' | 'changed' | 'same' {
    const exact = clean(prefix);
    const writer = this.#writer;
    const { four, six } = writer;
    const fresh = this.find(exact) < 0;
    const mapped = isPrefix4(exact);
    const { size, capacity } = mapped ? four : six;
    const refuse = (): never => {
      throw listFull(mapped ? 'IPv4' : 'IPv6', size, capacity, 1);
    };
    if (fresh && size >= capacity) refuse();
    writer.quarantine.advance();
    const [a, b, c, d] = wordsOf(exact);
    const meta = packMeta(value);
    const place = mapped
      ? writer.put4(d, exact.length - 96, meta, value.expires)
      : writer.put6(a, b, c, d, exact.length, meta, value.expires);
    if (place < 0) refuse();
    if (writer.outcome !== Outcome.SAME) this.#memory.changed();
    return outcomes[writer.outcome];
  }

  delete(prefix: Prefix): boolean {
    const exact = clean(prefix);
    const slot = this.find(exact);
    if (slot < 0) return false;
    this.#writer.quarantine.advance();
    const [a, , , d] = wordsOf(exact);
    if (slot < this.slots4) this.#writer.remove4(d, exact.length - 96, slot);
    else this.#writer.remove6(a, exact.length, slot - this.slots4);
    return true;
  }

  barrier(): void {
    this.#writer.settle();
  }

  putBatch(entries: T.EntryColumns): T.BatchResult {
    return this.#turned(putBatch(this.#writer, entries));
  }

  deleteBatch(prefixes: T.PrefixColumns): number {
    return deleteBatch(this.#writer, prefixes);
  }

  assign(entries: T.EntryColumns): T.BatchResult {
    return this.#turned(assign(this.#writer, entries));
  }

  columns(): T.SlottedColumns {
    return allColumns(this.#writer);
  }

  expired(nowSeconds: number): Uint32Array {
    return expiredPlaces(this.#writer, nowSeconds);
  }

  hits(slot: number): T.EntryHits {
    if (!(slot >= 0 && slot < this.slots)) return { packets: 0, lastSeen: 0 };
    const [words, at] = this.#hitsOf(slot);
    return { packets: packetsOf(words, at), lastSeen: lastSeenOf(words, at) };
  }

  allHits(): { packets: Float64Array; lastSeen: Uint32Array } {
    const packets = new Float64Array(this.slots);
    const lastSeen = new Uint32Array(this.slots);
    for (let slot = 0; slot < this.slots; slot++) {
      const [words, at] = this.#hitsOf(slot);
      packets[slot] = packetsOf(words, at);
      lastSeen[slot] = lastSeenOf(words, at);
    }
    return { packets, lastSeen };
  }

  /** Where the kernel counts the hits of a place: its memory and the index of the first of two words. */
  #hitsOf(slot: number): [words: Uint32Array, at: number] {
    const { slots4 } = this;
    if (slot < slots4) return [this.#memory.entries4, Entries4.hits(slot)];
    return [this.#memory.entries6, Entries6.hits(slot - slots4)];
  }

  writeSet(set: number, primaryOrigin: number): void {
    this.#writer.writeSet(set, primaryOrigin);
  }

  sample(count: number): T.Differences {
    return sample(this.#writer, count);
  }

  intact(slots?: Uint32Array): T.FamilyCount {
    return intact(this.#writer, slots);
  }

  check(): T.Differences {
    return check(this.#writer);
  }

  repair(): T.Differences {
    return this.#turned(repair(this.#writer));
  }

  /** What a flow has cached of lookups before this change is void. Entries that are gone hurt nobody who remembers none. */
  #turned<T>(result: T): T {
    this.#memory.changed();
    return result;
  }
}

function packetsOf(words: Uint32Array, at: number): number {
  return (words[at + 1] ?? 0) * 2 ** (32 - TIME_BITS) + ((words[at] ?? 0) >>> TIME_BITS);
}

function lastSeenOf(words: Uint32Array, at: number): number {
  return Math.floor(((words[at] ?? 0) & (2 ** TIME_BITS - 1)) * HIT_TIME_SECONDS);
}
