// SPDX-License-Identifier: Apache-2.0
// From the store into memory: claims, each entry with the counter slot that the kernel's table may still know it by.

import { formatPrefix } from '../../common/address.js';
import type { EnforcedList, Entry } from './enforced-list.js';
import type { ListStore } from './list-store.js';

/** Loads every claim; returns the earliest expiry (wall clock milliseconds). */
export function loadClaims(store: ListStore, list: EnforcedList): number {
  const slots = new Map(store.slots().map(({ prefix, slot }) => [formatPrefix(prefix), slot]));
  const moved: Entry[] = [];
  let nextExpiry = Infinity;
  for (const { prefix, claim } of store.claims()) {
    let entry = list.get(prefix);
    if (!entry) {
      const stored = slots.get(formatPrefix(prefix));
      entry = stored ? list.restore(prefix, stored.slot, stored) : list.ensure(prefix);
      if (entry.slot !== stored?.slot || entry.base.packets !== stored.packets) moved.push(entry);
    }
    list.setClaim(entry, claim);
    nextExpiry = Math.min(nextExpiry, claim.expires);
  }
  if (moved.length > 0) {
    store.transaction(() => {
      for (const { prefix, slot, base } of moved) store.putSlot(prefix, { slot, ...base });
    });
  }
  return nextExpiry;
}
