// SPDX-License-Identifier: Apache-2.0
// What the list services need from the kernel, so that they run on tables in memory as well.

import type { Prefix } from '../../common/address.js';
import type { EnforcedTable } from './table/index.js';

/** A kernel table keyed by prefix (longest match). Values are records as in bpf/abi.h. */
export interface PrefixTable {
  /** Adds or replaces one entry in one step: no packet sees neither. */
  put(prefix: Prefix, value: Uint8Array): void;
  /** True if the entry was there. */
  delete(prefix: Prefix): boolean;
  entries(): Iterable<readonly [Prefix, Uint8Array]>;
}

/** Counters that the kernel keeps; lastSeen in nanoseconds of the boot clock, 0 = never. */
export interface HitCounts {
  readonly packets: number;
  readonly bytes: number;
  readonly lastSeen: number;
}

/** The tables of the lists. */
export interface ListTables {
  readonly blocklist: EnforcedTable;
  readonly allowlist: PrefixTable;
  /** Counters of the origin with this number. */
  originHits(origin: number): HitCounts;
  /** Zeroes them: the number is handed out anew. */
  clearOriginHits(origin: number): void;
}

/** The two clocks: the kernel judges expiry on the boot clock, the store keeps wall time. */
export interface Clock {
  /** Milliseconds since the epoch. */
  wallMs(): number;
  /** Seconds of the kernel's now(), with their fraction. */
  bootSeconds(): number;
}
