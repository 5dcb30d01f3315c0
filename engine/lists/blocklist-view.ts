// SPDX-License-Identifier: Apache-2.0
// The blocklist as people and programs see it.

import { formatAddress, formatPrefix } from '../../common/address.js';
import type { BlockCheck, BlockEntry } from '../api/api.js';
import type { Allowlist } from './allowlist.js';
import type { EnforcedList, Entry } from './enforced-list.js';
import type { HitCounts } from './tables.js';

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** One record for each origin of an entry. @param offset seconds between the epoch and the start of the boot clock */
export function describeEntry(entry: Entry, hits: HitCounts, offset: number): BlockEntry[] {
  return [...entry.claims.values()].map((claim) => ({
    prefix: formatPrefix(entry.prefix),
    origin: claim.origin,
    reason: claim.reason,
    created: iso(claim.created),
    ...(claim.expires === Infinity ? {} : { expires: iso(claim.expires) }),
    packets: hits.packets,
    bytes: hits.bytes,
    ...(hits.lastSeen > 0 ? { lastSeen: iso((hits.lastSeen / 1e9 + offset) * 1000) } : {}),
  }));
}

/** What holds for one address: the entries that cover it, the longest first, and what wins over them. */
export function checkAddress(
  address: Uint8Array,
  list: EnforcedList,
  allowlist: Allowlist,
  now: number,
  describe: (entry: Entry) => BlockEntry[],
): BlockCheck {
  const covering = list.covering({ bytes: address, length: 128 }).reverse();
  const alive = covering.filter((entry) => [...entry.claims.values()].some((claim) => claim.expires > now));
  const forced = alive.some((entry) => [...entry.claims.values()].some((claim) => claim.forced && claim.expires > now));
  const kept = allowlist.check(address);
  // The operator's word wins over everything, a built-in exemption over all but a forced entry.
  const wins = kept !== undefined && (kept.kind === 'allowlist' || !forced);
  return {
    address: formatAddress(address),
    blocked: alive.length > 0 && !wins,
    entries: alive.flatMap(describe),
    ...(wins ? { kept: { prefix: formatPrefix(kept.prefix), kind: kept.kind, reason: kept.reason } } : {}),
  };
}
