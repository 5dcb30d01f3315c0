// SPDX-License-Identifier: Apache-2.0
// A list of prefixes as columns, and what the blocklist does with one: the contract between formats, feeds, CLI and service.

/**
 * Prefixes as columns, in typed arrays alone so that a million of them cost no objects and cross threads and sockets.
 * Each family is sorted by address, then by length (the shorter first); duplicates are removed and host bits are zero.
 * IPv4-mapped IPv6 prefixes (::ffff:0:0/96 and longer) are in the IPv4 columns.
 */
export interface PrefixBatch {
  /** Entries of both families: `len4.length + len6.length`. */
  readonly count: number;
  /** IPv4 addresses as numbers: 192.0.2.7 is 0xc0000207. */
  readonly addr4: Uint32Array;
  /** 0 to 32. */
  readonly len4: Uint8Array;
  /** IPv6 addresses, four numbers an entry, the most significant first: 2001:db8:: begins with 0x20010db8. */
  readonly addr6: Uint32Array;
  /** 0 to 128. */
  readonly len6: Uint8Array;
  /** What single entries say about themselves, if any does. */
  readonly extra?: BatchExtra;
}

/** Columns beside the entries, parallel to `len4` and `len6`. */
export interface BatchExtra {
  /** Wall clock milliseconds since the epoch; Infinity = for ever; NaN = the entry says nothing (the ttl of the call). */
  readonly expires4: Float64Array;
  readonly expires6: Float64Array;
  /** Index into `reasons`; 0 = the entry says nothing (the reason of the call). */
  readonly reason4: Uint32Array;
  readonly reason6: Uint32Array;
  /** `reasons[0]` is ''. */
  readonly reasons: readonly string[];
}

/** What a listed source meets: dropped, or let through and told as a would-be drop. */
export type ListAction = 'drop' | 'alert';

/** When entries were listed, wall clock milliseconds, parallel to `len4` and `len6`. */
export interface CreatedColumns {
  readonly four: Float64Array;
  readonly six: Float64Array;
}

export interface BulkOptions {
  /** When the entries were listed; default: now. */
  readonly created?: number;
  /** Seconds for entries that say nothing themselves; undefined = for ever. */
  readonly ttl?: number;
  /** Default `drop`. */
  readonly action?: ListAction;
  readonly reason?: string;
  /** Take what the guard refuses, and let it win over a built-in exemption. */
  readonly force?: boolean;
  /** Whether the entries win over a built-in exemption; default: as `force`. What the guard refuses it refuses all the same. */
  readonly forced?: boolean;
}

export interface ReplaceOptions extends BulkOptions {
  /** In place of `ttl`: wall clock milliseconds. */
  readonly until?: number;
}

/** An entry that was not taken, and why. */
export interface RefusedEntry {
  readonly prefix: string;
  readonly cause: string;
}

/** How full the tables are after a change. */
export interface Capacity {
  readonly entries4: number;
  readonly entries6: number;
  readonly capacity4: number;
  readonly capacity6: number;
}

export interface ReplaceResult {
  /** Entries that the origin did not list before. */
  readonly added: number;
  /** Entries that the origin lists no more. */
  readonly removed: number;
  /** Entries that the origin listed before and lists now (their expiry may be new). */
  readonly kept: number;
  /** Entries refused by the guard; the first of them are in `refused`. */
  readonly refusedCount: number;
  readonly refused: readonly RefusedEntry[];
  readonly capacity: Capacity;
}

/** The first refused entries that a result carries. */
export const MAX_REFUSED_SHOWN = 10;

export interface DiffResult {
  readonly added: PrefixBatch;
  readonly removed: PrefixBatch;
  readonly kept: number;
  readonly refusedCount: number;
  readonly refused: readonly RefusedEntry[];
}

export interface ExportFilter {
  /** Exactly this origin; undefined = all. */
  readonly origin?: string;
  readonly action?: ListAction;
}

/** Some of the live entries of one origin, in order; `extra` is filled (no NaN in it). An entry of two origins comes twice. */
export interface ExportChunk {
  readonly origin: string;
  readonly action: ListAction;
  readonly forced: boolean;
  readonly batch: PrefixBatch;
  /** Wall clock milliseconds at which each was listed. */
  readonly created?: CreatedColumns;
}

/**
 * The blocklist in bulk. A call resolves when its change is in force in the kernel and on the disk; entries that are in
 * both the old and the new content are enforced throughout.
 * @throws IdsError LIST_FULL (nothing is changed, `details` carry the counts), STORE_FAILED
 */
export interface BulkLists {
  /** The origin (`feed:<name>`, `manual` …) lists exactly this from now on. */
  replaceOrigin(origin: string, batch: PrefixBatch, options: ReplaceOptions): Promise<ReplaceResult>;
  /** What the origin lists until `from` it lists until `to` (wall clock milliseconds); all else about it stays. */
  prolong(origin: string, from: number, to: number): Promise<void>;
  /** The origin (default `manual`) lists this too. `removed` is 0. */
  importBatch(batch: PrefixBatch, options: BulkOptions & { readonly origin?: string }): Promise<ReplaceResult>;
  /** The origin does not list these any more; the number of those that it did. */
  removeBatch(origin: string, batch: PrefixBatch): Promise<number>;
  /**
   * What `importBatch` would change (`removed` is empty then), or `replaceOrigin` with `replace`, without changing it.
   */
  diff(
    batch: PrefixBatch,
    options: BulkOptions & { readonly origin?: string; readonly replace?: boolean },
  ): Promise<DiffResult>;
  exportEntries(filter?: ExportFilter): AsyncIterable<ExportChunk>;
  capacity(): Capacity;
}
