// SPDX-License-Identifier: Apache-2.0
// The contract of the enforced table: prefixes and what the kernel does on them, as numbers and columns alone.

import type { Prefix } from '../../../common/address.js';

/** What the kernel knows of an entry besides its prefix. One prefix has one value, the merge of all its claims. */
export interface EntryValue {
  /** Seconds of now() (boot clock); the entry acts while now() < expires. 0 = for ever. */
  readonly expires: number;
  /** Origin set, 0 to 65535: packets are counted under the set's primary origin (`writeSet`). */
  readonly set: number;
  /** Wins over a built-in exemption. */
  readonly forced: boolean;
  /** Let through and reported instead of dropped. An entry that drops and covers the same address wins, whatever its length. */
  readonly alert: boolean;
}

/** An entry in the table. */
export interface TableEntry extends EntryValue {
  readonly prefix: Prefix;
  /**
   * Place of the entry, 0 to `slots - 1`: it never changes while the entry is listed, so a caller may keep columns of
   * its own by it. Freed places are handed out again.
   */
  readonly slot: number;
}

/** Prefixes as columns; the layout of PrefixBatch, in any order. Host bits are cleared. */
export interface PrefixColumns {
  /** 192.0.2.7 is 0xc0000207. */
  readonly addr4: Uint32Array;
  /** 0 to 32. */
  readonly len4: Uint8Array;
  /** Four numbers an entry, the most significant first. */
  readonly addr6: Uint32Array;
  /** 0 to 128. */
  readonly len6: Uint8Array;
}

/** Entries as columns. `meta` is `packMeta(value)`: set, forced and alert in one word. */
export interface EntryColumns extends PrefixColumns {
  readonly meta4: Uint32Array;
  readonly meta6: Uint32Array;
  /** Seconds of now(), 0 = for ever. */
  readonly expires4: Uint32Array;
  readonly expires6: Uint32Array;
}

/** Entries as columns, with the place of each. */
export interface SlottedColumns extends EntryColumns {
  readonly slot4: Uint32Array;
  readonly slot6: Uint32Array;
}

export interface BatchResult {
  readonly added: number;
  /** Were there with another value. */
  readonly changed: number;
  /** Were there with this very value: not touched. */
  readonly same: number;
  /** `assign` alone: were there and are no more. */
  readonly removed: number;
  /** By column index, the place of each entry. */
  readonly slot4: Uint32Array;
  readonly slot6: Uint32Array;
}

export interface EntryHits {
  readonly packets: number;
  /** Seconds of now(), to 4.3 s; 0 = never. */
  readonly lastSeen: number;
}

/** What a check found: places at which the kernel's memory is not what it should be. */
export interface Differences {
  /** Entries compared. */
  readonly checked: number;
  /** Entries that the kernel does not have, or has with another value. */
  readonly missing: number;
  /** Entries that the kernel has and should not have. */
  readonly foreign: number;
  /** Words of the structures that lead to entries (classes, lengths, chains). */
  readonly index: number;
}

/** A number for each family. */
export interface FamilyCount {
  readonly four: number;
  readonly six: number;
}

/**
 * The blocklist in the kernel. Each change is in force when the call returns. Readers never wait: an entry that is in
 * the table before and after a call is enforced all the while, and one that was never listed never is.
 * Every method is synchronous; a bulk call of a million entries takes some tenths of a second.
 */
export interface EnforcedTable {
  readonly size4: number;
  readonly size6: number;
  readonly capacity4: number;
  readonly capacity6: number;
  /** Places of entries: IPv4 from 0 to slots4 - 1, IPv6 from slots4 to slots - 1. */
  readonly slots4: number;
  readonly slots: number;

  /** The place of exactly this prefix, or -1. */
  find(prefix: Prefix): number;
  get(prefix: Prefix): TableEntry | undefined;
  /** The entry at a place, or undefined if there is none. */
  at(slot: number): TableEntry | undefined;
  /** The entries that cover an address (16 bytes, IPv4 mapped), the longest first, expired ones included. */
  covering(address: Uint8Array): TableEntry[];

  /**
   * Adds or changes one entry.
   * @throws IdsError LIST_FULL, nothing is changed; `details`: entries, capacity, requested, free
   */
  put(prefix: Prefix, value: EntryValue): 'added' | 'changed' | 'same';
  /** False if it was not there. */
  delete(prefix: Prefix): boolean;

  /**
   * Returns when every packet that was being judged at the call has been; some 10 ms. To be called after adding a prefix
   * that takes over from another and before deleting that one: else a packet that looked for the new one too early may
   * look for the old one too late. `assign` does so itself.
   */
  barrier(): void;

  /** Adds or changes many. Of a prefix that comes twice the last one counts. @throws IdsError LIST_FULL, nothing is changed */
  putBatch(entries: EntryColumns): BatchResult;
  /** Gives how many were there. */
  deleteBatch(prefixes: PrefixColumns): number;
  /** Makes the table hold exactly these: adds and changes first, then removes the others. @throws IdsError LIST_FULL, nothing is changed */
  assign(entries: EntryColumns): BatchResult;

  /** Every entry, sorted by address, then length. A copy. */
  columns(): SlottedColumns;
  /** Places of entries whose end has come at that second of now(). */
  expired(nowSeconds: number): Uint32Array;

  hits(slot: number): EntryHits;
  /** Packets by place, for `list --sort hits`: `slots` numbers, a copy. */
  allHits(): { packets: Float64Array; lastSeen: Uint32Array };
  /** Names the origin (index of ids_origin_hits) under which packets of a set are counted. */
  writeSet(set: number, primaryOrigin: number): void;

  /** Compares some entries, chosen at random, with the kernel's memory. Cheap: for every few seconds. */
  sample(count: number): Differences;
  /**
   * Entries that the kernel's memory holds as it should, with all that leads to them: of these places, or of all (some
   * tens of milliseconds at a million entries).
   */
  intact(slots?: Uint32Array): FamilyCount;
  /** Compares everything. Some tens of milliseconds at a million entries. */
  check(): Differences;
  /** Compares everything and mends what differs, entries first, foreign ones last. Gives what it mended. */
  repair(): Differences;
}
