// SPDX-License-Identifier: Apache-2.0
// The blocklist in memory and in the kernel: claims by prefix, and for each prefix the one record that says them all.

import { BlockFlag } from '../../common/abi.gen.js';
import type { Prefix } from '../../common/address.js';
import { mergeClaims, type Claim, type Merged } from './merge.js';
import type { Origins } from './origins.js';
import { PrefixTree } from './prefix-tree.js';
import { decodeBlock, encodeBlock, type BlockRecord } from './records.js';
import type { HitSlots } from './slots.js';
import type { Clock, HitCounts, ListTables } from './tables.js';

export interface Entry {
  readonly prefix: Prefix;
  readonly claims: Map<string, Claim>;
  /** Index of the kernel's counters, 0 = none, and what they showed when the entry got them. */
  slot: number;
  base: { packets: number; bytes: number };
  /** What the kernel was told last. */
  written: BlockRecord | undefined;
}

/** A step of the wall clock by more than this many seconds rewrites the kernel's expiry times. */
const CLOCK_STEP = 0.5;

function sameRecord(a: BlockRecord, b: BlockRecord): boolean {
  return a.expires === b.expires && a.origin === b.origin && a.flags === b.flags && a.hits === b.hits;
}

/** Keeps the kernel's blocklist equal to the merge of all claims. */
export class EnforcedList {
  readonly #tree = new PrefixTree<Entry>();
  readonly #tables: ListTables;
  readonly #clock: Clock;
  readonly #slots: HitSlots;
  readonly #origins: Origins;
  /** Seconds of the wall clock at the start of the boot clock, as of the last look. */
  #offset: number;

  constructor(tables: ListTables, clock: Clock, slots: HitSlots, origins: Origins) {
    this.#tables = tables;
    this.#clock = clock;
    this.#slots = slots;
    this.#origins = origins;
    this.#offset = this.#readOffset();
  }

  get size(): number {
    return this.#tree.size;
  }

  /** Seconds between the epoch and the start of the boot clock. */
  get offset(): number {
    return this.#offset;
  }

  #readOffset(): number {
    return this.#clock.wallMs() / 1000 - this.#clock.bootSeconds();
  }

  get(prefix: Prefix): Entry | undefined {
    return this.#tree.get(prefix);
  }

  covering(prefix: Prefix): Entry[] {
    return this.#tree.covering(prefix);
  }

  entries(): Entry[] {
    return this.#tree.values();
  }

  /** The entry of a prefix, made with a counter slot if it is new. The kernel hears of it with `sync`. */
  ensure(prefix: Prefix): Entry {
    const known = this.#tree.get(prefix);
    if (known) return known;
    const slot = this.#slots.take();
    const { packets, bytes } = this.#tables.hits(slot);
    const entry: Entry = { prefix, claims: new Map(), slot, base: { packets, bytes }, written: undefined };
    this.#tree.set(prefix, entry);
    return entry;
  }

  /** An entry as the store had it. Counters that went back since belong to fresh tables and start from zero. */
  restore(prefix: Prefix, slot: number, base: { packets: number; bytes: number }): Entry {
    const known = this.#tree.get(prefix);
    if (known) return known;
    if (!this.#slots.claim(slot)) return this.ensure(prefix);
    const fresh = this.#tables.hits(slot).packets < base.packets;
    const entry: Entry = {
      prefix,
      claims: new Map(),
      slot,
      base: fresh ? { packets: 0, bytes: 0 } : base,
      written: undefined,
    };
    this.#tree.set(prefix, entry);
    return entry;
  }

  setClaim(entry: Entry, claim: Claim): void {
    if (!entry.claims.has(claim.origin)) this.#origins.use(claim.origin, 1);
    entry.claims.set(claim.origin, claim);
  }

  dropClaim(entry: Entry, origin: string): boolean {
    if (!entry.claims.delete(origin)) return false;
    this.#origins.use(origin, -1);
    return true;
  }

  /** Packets and bytes that an entry dropped since it was listed. */
  hits(entry: Entry): HitCounts {
    if (entry.slot === 0) return { packets: 0, bytes: 0, lastSeen: 0 };
    const { packets, bytes, lastSeen } = this.#tables.hits(entry.slot);
    const own = Math.max(0, packets - entry.base.packets);
    return { packets: own, bytes: Math.max(0, bytes - entry.base.bytes), lastSeen: own > 0 ? lastSeen : 0 };
  }

  /** What holds for a prefix now, or undefined if every claim on and around it has expired. */
  merged(prefix: Prefix): Merged | undefined {
    const claims: Claim[] = [];
    for (const entry of this.#tree.covering(prefix)) claims.push(...entry.claims.values());
    return mergeClaims(claims, this.#clock.wallMs());
  }

  #record(entry: Entry): BlockRecord | undefined {
    const merged = this.merged(entry.prefix);
    if (!merged) return undefined;
    const expires =
      merged.expires === Infinity
        ? 0
        : Math.min(0xffffffff, Math.max(1, Math.ceil(merged.expires / 1000 - this.#offset)));
    const flags = merged.forced ? BlockFlag.BLOCK_FORCED : 0;
    return { expires, origin: this.#origins.id(merged.origin), flags, hits: entry.slot };
  }

  #write(entry: Entry): boolean {
    const record = this.#record(entry);
    if (!record) {
      // Its own claims have expired; what it said for a wider entry that is gone now must not go on dropping.
      if (entry.written) this.#tables.blocklist.delete(entry.prefix);
      entry.written = undefined;
      return false;
    }
    if (entry.written && sameRecord(entry.written, record)) return false;
    this.#tables.blocklist.put(entry.prefix, encodeBlock(record, entry.prefix.length));
    entry.written = record;
    return true;
  }

  /** Tells the kernel what changed at a prefix and within it; an entry without claims leaves it. */
  sync(prefix: Prefix): void {
    const own = this.#tree.get(prefix);
    if (own?.claims.size === 0) this.#remove(own);
    for (const entry of this.#tree.covered(prefix)) this.#write(entry);
  }

  #remove(entry: Entry): void {
    this.#tree.delete(entry.prefix);
    if (entry.written) this.#tables.blocklist.delete(entry.prefix);
    this.#slots.release(entry.slot);
  }

  /** After a step of the wall clock: rewrites every expiry. True if there was one. */
  followClock(): boolean {
    const offset = this.#readOffset();
    if (Math.abs(offset - this.#offset) <= CLOCK_STEP) return false;
    this.#offset = offset;
    for (const entry of this.#tree.values()) this.#write(entry);
    return true;
  }

  /**
   * Makes the kernel's table say what the claims say: puts what is missing or different, then removes what nobody
   * claims. An entry that is right already is not touched, so nothing goes unenforced for an instant.
   */
  reconcile(): { put: number; removed: number } {
    const foreign: Prefix[] = [];
    for (const entry of this.#tree.values()) entry.written = undefined;
    for (const [prefix, value] of this.#tables.blocklist.entries()) {
      const entry = this.#tree.get(prefix);
      if (entry && this.#record(entry)) entry.written = decodeBlock(value);
      else foreign.push(prefix);
    }
    let put = 0;
    for (const entry of this.#tree.values()) if (this.#write(entry)) put++;
    for (const prefix of foreign) this.#tables.blocklist.delete(prefix);
    return { put, removed: foreign.length };
  }
}
