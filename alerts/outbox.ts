// SPDX-License-Identifier: Apache-2.0
// What waits for one output: parcels of records, oldest first. With a store they outlive the process; then only so many
// are in memory as a quick receiver needs, and the rest is read when its turn comes.

import { createHash, randomUUID } from 'node:crypto';
import { newAccount, type Account } from './account.js';
import { Entry, type Batch } from './entry.js';
import type { Format } from './formats/index.js';
import type { DeadLetter, StoredQueue } from './store/stored-queue.js';

export interface OutboxLimits {
  readonly records: number;
  /** Of the records as they are stored. */
  readonly bytes: number;
  /** What gives way when there is no room: the record that comes, or those that wait longest. */
  readonly overflow: 'drop-newest' | 'drop-oldest';
  /** Milliseconds after which a record is no longer worth delivering. */
  readonly max_age: number;
}

export interface BatchLimits {
  readonly records: number;
  readonly bytes: number;
}

/** Records that an output takes of what was raised together, before they are stored. */
export interface Offer {
  /** Which of the chunk's records; all if absent. */
  readonly takes?: Uint32Array;
  readonly entries: readonly Entry[];
  readonly bytes: number;
}

interface Parcel {
  readonly seq: number;
  readonly chunk: number | undefined;
  readonly time: number;
  readonly takes: Uint32Array | undefined;
  readonly count: number;
  bytes: number;
  done: number;
  entries: readonly Entry[] | undefined;
}

/** Milliseconds after which the store learns what was delivered; a process that is killed before delivers it again. */
const FLUSH_MS = 20;
/** Bytes of records that are kept in memory though the store has them. */
const HELD_BYTES = 8 << 20;

export class Outbox {
  readonly account: Account;
  readonly #limits: OutboxLimits;
  readonly #format: Format;
  readonly #stored: StoredQueue | undefined;
  readonly #storeId: string;
  #parcels: Parcel[] = [];
  #head = 0;
  #records = 0;
  #bytes = 0;
  /** Bytes of parcels whose entries are in memory. */
  #held = 0;
  #leased = 0;
  #nextSeq = 1;
  #dead: number;
  // What the store does not know yet.
  readonly #removed = new Set<number>();
  readonly #advanced = new Map<number, Parcel>();
  #dirty = false;
  #later: NodeJS.Timeout | undefined;

  constructor(limits: OutboxLimits, format: Format = 'eve', stored?: StoredQueue) {
    this.#limits = limits;
    this.#format = format;
    this.#stored = stored;
    this.#storeId = stored?.storeId ?? randomUUID();
    this.account = stored?.account ?? newAccount();
    this.#dead = stored?.deadCount ?? 0;
    for (const { takes, ...parcel } of stored?.parcels() ?? []) this.#adopt({ ...parcel, takes, entries: undefined });
    // What an earlier process could not store went with it.
    const { raised, delivered, suppressed, expired, dropped } = this.account;
    this.account.dropped += Math.max(0, raised - delivered - suppressed - expired - dropped - this.#records);
  }

  /** Records that are held, leased ones included. */
  get records(): number {
    return this.#records;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Dead letters that are kept. */
  get dead(): number {
    return this.#dead;
  }

  /** Whether what waits outlives the process. */
  get durable(): boolean {
    return this.#stored !== undefined;
  }

  /** When the oldest record was raised, milliseconds since the epoch. */
  get oldest(): number | undefined {
    return this.#parcels[this.#head]?.time;
  }

  /**
   * Makes room for records, each with its bytes; those that get none, or give way, are counted as dropped.
   * @returns how many of them, from the first, may be put
   */
  admit(sizes: readonly number[]): number {
    const { records, bytes, overflow } = this.#limits;
    let [admitted, admittedBytes] = [0, 0];
    for (const size of sizes) {
      while (this.#records + admitted >= records || this.#bytes + admittedBytes + size > bytes) {
        if (overflow === 'drop-newest' || size > bytes || !this.#dropOldest()) {
          this.#count('dropped', sizes.length - admitted);
          return admitted;
        }
      }
      admitted++;
      admittedBytes += size;
    }
    return admitted;
  }

  /** Stores that records of a chunk wait here, and what else the store does not know; to be called in a transaction. */
  store({ takes, entries, bytes }: Offer, time: number, chunk: number): void {
    const parcel = { chunk, time, ...(takes === undefined ? {} : { takes }), count: entries.length, bytes, done: 0 };
    if (entries.length > 0) this.#stored?.put({ seq: this.#nextSeq, ...parcel });
    this.#write();
  }

  /** Takes records that were admitted. @param chunk where the store has them since `store`, if it does */
  put({ takes, entries, bytes }: Offer, time: number, chunk?: number): void {
    if (entries.length === 0) return;
    const parcel: Parcel = {
      seq: this.#nextSeq,
      chunk: this.#stored && chunk,
      time,
      takes,
      count: entries.length,
      bytes,
      done: 0,
      entries,
    };
    // What is in memory is what goes out next; behind a parcel that is not, all of them wait on disk.
    const last = this.#parcels.at(-1);
    const behind = this.#records > 0 && last?.entries === undefined;
    if (parcel.chunk !== undefined && (behind || this.#held > HELD_BYTES)) parcel.entries = undefined;
    this.#adopt(parcel);
  }

  /** The oldest records, at least one if there is any; they stay held until they are settled. One lease at a time. */
  lease(limits: BatchLimits, now = Date.now()): Batch | undefined {
    this.expire(now);
    const entries: Entry[] = [];
    let bytes = 0;
    const first = this.#parcels[this.#head];
    if (first === undefined) return undefined;
    const from = first.done;
    for (let at = this.#head; at < this.#parcels.length && entries.length < limits.records; at++) {
      const parcel = this.#parcels[at];
      if (parcel === undefined) break;
      const held = this.#load(parcel);
      if (held === undefined) {
        if (entries.length > 0) break;
        const left = parcel.count - parcel.done;
        this.#count('dropped', left);
        this.#advance(at, left);
        return this.lease(limits, now);
      }
      let i = parcel.done;
      for (; i < held.length && entries.length < limits.records; i++) {
        const entry = held[i];
        if (entry === undefined) break;
        const size = sizeOf(entry);
        // One that cannot be put into words is let go of when its turn comes: it must not take others along.
        if (size === undefined && entries.length === 0) {
          this.#count('dropped', 1);
          this.#advance(at, 1);
          return this.lease(limits, now);
        }
        if (size === undefined) break;
        if (entries.length > 0 && bytes + size > limits.bytes) break;
        entries.push(entry);
        bytes += size;
      }
      if (i < parcel.count) break;
    }
    this.#leased = entries.length;
    if (entries.length === 0) return undefined;
    const name = `${this.#storeId} ${first.seq} ${from} ${entries.length}`;
    const id = `msg_${createHash('sha256').update(name).digest('base64url').slice(0, 20)}`;
    return { id, entries };
  }

  /** The first `count` records of the lease are done with. Ends the lease when none is left. */
  settle(count: number, as: 'delivered' | 'dropped' | 'expired'): void {
    this.#count(as, count);
    this.#leased -= count;
    this.#advance(this.#head, count);
    // What comes next takes it along.
    this.#later ??= setTimeout(() => this.flush(), FLUSH_MS).unref();
  }

  /** As `settle`, for records that the receiver will never take: they are kept as dead letters where there is a store. */
  bury(entries: Batch['entries'], error: string, now = Date.now()): void {
    const letters = entries.flatMap(({ detection }) => (detection ? [detection] : []));
    try {
      this.#stored?.transaction(() => this.#stored?.bury(letters, error, now));
      this.#dead = this.#stored?.deadCount ?? 0;
    } catch {
      // They are counted as dropped all the same.
    }
    this.settle(entries.length, 'dropped');
  }

  /** Lets go of what has waited for too long and is not on its way. */
  expire(now: number): void {
    const limit = now - this.#limits.max_age;
    let some = false;
    while (this.#leased === 0) {
      const parcel = this.#parcels[this.#head];
      if (parcel === undefined || parcel.time >= limit) break;
      const left = parcel.count - parcel.done;
      this.#count('expired', left);
      this.#advance(this.#head, left);
      some = true;
    }
    if (some) this.flush();
  }

  /** Whether the lease has become too old on its way. */
  get stale(): boolean {
    const oldest = this.oldest;
    return oldest !== undefined && oldest < Date.now() - this.#limits.max_age;
  }

  /** Chunks of the store that wait here. */
  chunks(): Set<number> {
    return new Set(this.#parcels.flatMap(({ chunk }) => chunk ?? []));
  }

  deadLetters(limit: number, ids?: readonly number[]): DeadLetter[] {
    return this.#stored?.dead(limit, ids) ?? [];
  }

  /** Takes dead letters out. @param again they are raised anew: what was counted of them is taken back */
  exhume(ids: readonly number[], again: boolean): number {
    const count = this.#stored?.transaction(() => this.#stored?.exhume(ids)) ?? 0;
    this.#dead = this.#stored?.deadCount ?? 0;
    if (again) {
      this.account.dropped -= count;
      this.account.raised -= count;
      this.#dirty = true;
    }
    return count;
  }

  /** Gives up what the store does not have. */
  close(): void {
    for (let at = this.#head; at < this.#parcels.length;) {
      const parcel = this.#parcels[at];
      if (parcel === undefined) break;
      const left = parcel.count - parcel.done;
      if (parcel.chunk === undefined) {
        this.#count('dropped', left);
        at = this.#advance(at, left);
      } else at++;
    }
    this.#leased = 0;
    this.flush();
  }

  #count(as: Exclude<keyof Account, 'raised'>, count: number): void {
    this.account[as] += count;
    this.#dirty = true;
  }

  /** Writes what the store does not know yet; what cannot be written is tried again next time. */
  flush(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
    const stored = this.#stored;
    if (!stored || !(this.#dirty || this.#removed.size > 0 || this.#advanced.size > 0)) return;
    try {
      stored.transaction(() => this.#write());
    } catch {
      return;
    }
    this.written();
  }

  #write(): void {
    for (const seq of this.#removed) this.#stored?.remove(seq);
    for (const { seq, done, bytes } of this.#advanced.values()) this.#stored?.advance(seq, done, bytes);
    this.#stored?.setAccount(this.account);
  }

  /** The transaction of `store` or `flush` is through. */
  written(): void {
    this.#removed.clear();
    this.#advanced.clear();
    this.#dirty = false;
  }

  #adopt(parcel: Parcel): void {
    this.#parcels.push(parcel);
    this.#records += parcel.count - parcel.done;
    this.#bytes += parcel.bytes;
    if (parcel.entries !== undefined) this.#held += parcel.bytes;
    this.#nextSeq = Math.max(this.#nextSeq, parcel.seq) + 1;
  }

  /** Undefined if the store has lost it. */
  #load(parcel: Parcel): readonly Entry[] | undefined {
    if (parcel.entries !== undefined) return parcel.entries;
    const { chunk = 0, takes } = parcel;
    const records = this.#stored?.records({ chunk, ...(takes === undefined ? {} : { takes }) }) ?? [];
    if (records.length < parcel.count) return undefined;
    parcel.entries = records.map((told) => new Entry(told, this.#format));
    this.#held += parcel.bytes;
    return parcel.entries;
  }

  /** The first `count` records that are not done, from the parcel at `at` on, are; gives where the first that is not stands. */
  #advance(at: number, count: number): number {
    for (let left = count; left > 0;) {
      const parcel = this.#parcels[at];
      if (parcel === undefined) break;
      const open = parcel.count - parcel.done;
      const part = Math.min(open, left);
      const bytes = part === open ? parcel.bytes : (parcel.bytes / open) * part;
      parcel.done += part;
      parcel.bytes -= bytes;
      this.#records -= part;
      this.#bytes -= bytes;
      if (parcel.entries !== undefined) this.#held -= bytes;
      left -= part;
      if (parcel.done < parcel.count) {
        if (parcel.chunk !== undefined) this.#advanced.set(parcel.seq, parcel);
        break;
      }
      if (parcel.chunk !== undefined) this.#removed.add(parcel.seq);
      this.#advanced.delete(parcel.seq);
      at = this.#take(at);
    }
    if (this.#records === 0) [this.#bytes, this.#held] = [0, 0];
    return at;
  }

  /** Takes a parcel out; gives where the next one stands. */
  #take(at: number): number {
    if (at !== this.#head) {
      this.#parcels.splice(at, 1);
      return at;
    }
    this.#head++;
    if (this.#head === this.#parcels.length || (this.#head >= 1024 && this.#head * 2 > this.#parcels.length)) {
      this.#parcels = this.#parcels.slice(this.#head);
      this.#head = 0;
    }
    return this.#head;
  }

  /** The oldest record that is not leased gives way; false if there is none. */
  #dropOldest(): boolean {
    let at = this.#head;
    for (let leased = this.#leased; leased > 0; at++) {
      const parcel = this.#parcels[at];
      if (parcel === undefined) return false;
      leased -= parcel.count - parcel.done;
    }
    if (at >= this.#parcels.length) return false;
    this.#count('dropped', 1);
    this.#advance(at, 1);
    return true;
  }
}

/** Bytes of a record; undefined if it cannot be put into words. */
function sizeOf(entry: Entry): number | undefined {
  try {
    return entry.bytes;
  } catch {
    return undefined;
  }
}
