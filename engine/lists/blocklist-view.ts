// SPDX-License-Identifier: Apache-2.0
// The blocklist as people and programs see it.

import { formatAddress, formatPrefix, type Prefix } from '../../common/address.js';
import type { BlockCheck, BlockEntry } from '../api/api.js';
import type { Allowlist } from './allowlist.js';
import type { ClaimIndex, Listed } from './claims/claim-index.js';
import { keyOf } from './claims/keys.js';
import { listed } from './claims/listing.js';
import type { EnforcedTable, EntryHits } from './table/index.js';

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

export interface ListOptions {
  readonly origin?: string | undefined;
  /** Prefixes at most; an entry of two origins is two records. */
  readonly limit?: number | undefined;
  /** Go on behind this prefix (sort `address` alone). */
  readonly after?: Prefix | undefined;
  /** Default `address`; `hits`: what dropped most comes first. */
  readonly sort?: 'address' | 'hits' | undefined;
}

const noHits: EntryHits = { packets: 0, lastSeen: 0 };

export class BlocklistView {
  readonly #index: ClaimIndex;
  readonly #table: EnforcedTable;
  /** Seconds between the epoch and the start of the boot clock. */
  readonly #offset: () => number;

  constructor(index: ClaimIndex, table: EnforcedTable, offset: () => number) {
    this.#index = index;
    this.#table = table;
    this.#offset = offset;
  }

  /** One record for each origin of a prefix. */
  describe({ prefix, claims }: Listed): BlockEntry[] {
    const slot = this.#table.find(prefix);
    const hits = slot < 0 ? noHits : this.#table.hits(slot);
    const text = formatPrefix(prefix);
    return claims.map((claim) => ({
      prefix: text,
      origin: claim.origin,
      reason: claim.reason,
      created: iso(claim.created),
      ...(claim.expires === Infinity ? {} : { expires: iso(claim.expires) }),
      ...(claim.action === 'alert' ? { action: claim.action } : {}),
      packets: hits.packets,
      ...(hits.lastSeen > 0 ? { lastSeen: iso((hits.lastSeen + this.#offset()) * 1000) } : {}),
    }));
  }

  list(options: ListOptions = {}): BlockEntry[] {
    const { origin, limit = Infinity, after } = options;
    if (options.sort === 'hits') return this.#byHits(limit, origin);
    const entries: BlockEntry[] = [];
    let prefixes = 0;
    for (const one of listed(this.#index, after, origin)) {
      if (prefixes++ >= limit) break;
      entries.push(...this.describe(one));
    }
    return entries;
  }

  /** Entries that dropped something, the most first; then, if there is room, the others by address. */
  #byHits(limit: number, origin: string | undefined): BlockEntry[] {
    const { packets } = this.#table.allHits();
    const hit: number[] = [];
    for (let slot = 0; slot < packets.length; slot++) if ((packets[slot] ?? 0) > 0) hit.push(slot);
    hit.sort((a, b) => (packets[b] ?? 0) - (packets[a] ?? 0));
    const entries: BlockEntry[] = [];
    const seen = new Set<string>();
    const take = (prefix: Prefix): void => {
      const text = formatPrefix(prefix);
      const claims = this.#index.claims(keyOf(prefix)).filter((one) => origin === undefined || one.origin === origin);
      if (claims.length === 0 || seen.has(text)) return;
      seen.add(text);
      entries.push(...this.describe({ prefix, claims }));
    };
    for (const slot of hit) {
      if (seen.size >= limit) break;
      const entry = this.#table.at(slot);
      if (entry) take(entry.prefix);
    }
    for (const { prefix } of listed(this.#index, undefined, origin)) {
      if (seen.size >= limit) break;
      take(prefix);
    }
    return entries;
  }

  /** What holds for one address: the entries that cover it, the longest first, and what wins over them. */
  check(address: Uint8Array, allowlist: Allowlist, now: number): BlockCheck {
    const covering = this.#index.covering({ bytes: address, length: 128 }).reverse();
    const alive = covering.filter(({ claims }) => claims.some((claim) => claim.expires > now));
    const living = alive.flatMap(({ claims }) => claims.filter((claim) => claim.expires > now));
    const drops = living.filter((claim) => claim.action === 'drop');
    const kept = allowlist.check(address);
    // The operator's word wins over everything, a built-in exemption over all but a forced entry.
    const wins = kept !== undefined && (kept.kind === 'allowlist' || !living.some((claim) => claim.forced));
    const spared = kept !== undefined && (kept.kind === 'allowlist' || !drops.some((claim) => claim.forced));
    return {
      address: formatAddress(address),
      blocked: drops.length > 0 && !spared,
      entries: alive.flatMap((one) => this.describe(one)),
      ...(wins ? { kept: { prefix: formatPrefix(kept.prefix), kind: kept.kind, reason: kept.reason } } : {}),
    };
  }
}
