// SPDX-License-Identifier: Apache-2.0
// The blocklist as people and programs see it.

import { setImmediate as turn } from 'node:timers/promises';
import { formatAddress, formatPrefix, type Prefix } from '../../common/address.js';
import type { BlockCheck, BlockEntry } from '../api/api.js';
import type { Allowlist } from './allowlist.js';
import type { ClaimIndex, Listed } from './claims/claim-index.js';
import { inSlices, SLICE, type Work } from './claims/slices.js';
import { listed, Snapshot } from './claims/listing.js';
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
  /** Default `address`; `hits`: what met most packets comes first (`pages` alone). */
  readonly sort?: 'address' | 'hits' | undefined;
}

/** Prefixes of a page. */
const PAGE = 1_000;

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

  /** Claims in address order. */
  list({ origin, limit = Infinity, after }: ListOptions = {}): BlockEntry[] {
    const entries: BlockEntry[] = [];
    let prefixes = 0;
    for (const one of listed(this.#index, after, origin)) {
      if (prefixes++ >= limit) break;
      entries.push(...this.describe(one));
    }
    return entries;
  }

  /**
   * The same, and those that met most packets first, a page after the other: everything else goes on in between. All of it
   * is what was listed at the first page; packets are counted when they are told:
   * by hits, what was replaced meanwhile comes last.
   */
  async *pages({ origin, limit = Infinity, after, sort }: ListOptions = {}): AsyncGenerator<BlockEntry[]> {
    let left = limit;
    const shown = new Set<string>();
    const snapshot = new Snapshot(this.#index, origin);
    if (sort === 'hits') {
      for (const slot of await inSlices(this.#slotsByHits())) {
        const prefix = left > 0 ? this.#table.at(slot)?.prefix : undefined;
        const claims = prefix ? snapshot.claims(prefix) : [];
        const text = prefix ? formatPrefix(prefix) : '';
        // A place that was freed may have been given to another prefix, shown already.
        if (!prefix || claims.length === 0 || shown.has(text)) continue;
        left--;
        shown.add(text);
        yield this.describe({ prefix, claims });
      }
    }
    let page: BlockEntry[] = [];
    let count = 0;
    for (const one of snapshot.listed(after)) {
      if (left === 0) break;
      if (!shown.has(formatPrefix(one.prefix))) {
        left--;
        page.push(...this.describe(one));
      }
      if (++count % PAGE > 0) continue;
      if (page.length > 0) yield page;
      page = [];
      await turn();
    }
    if (page.length > 0) yield page;
  }

  /** Places whose entries met packets, the most first. */
  *#slotsByHits(): Work<Uint32Array> {
    const slots: number[] = [];
    const packets: number[] = [];
    for (let slot = 0; slot < this.#table.slots; slot++) {
      const hits = this.#table.hits(slot).packets;
      if (hits > 0) packets[slots.push(slot) - 1] = hits;
      if (slot % SLICE === SLICE - 1) yield;
    }
    const order = Uint32Array.from(slots, (_, i) => i).sort((a, b) => (packets[b] ?? 0) - (packets[a] ?? 0));
    return order.map((i) => slots[i] ?? 0);
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
