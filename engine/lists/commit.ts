// SPDX-License-Identifier: Apache-2.0
// One acknowledged change: memory, then disk, then kernel, or nowhere.

import type { Prefix } from '../../common/address.js';
import type { EnforcedList } from './enforced-list.js';
import type { ListStore } from './list-store.js';
import type { Claim } from './merge.js';

/**
 * Makes claims hold: when this returns they are in force and survive a power cut; when it throws, memory, disk and
 * kernel are as they were.
 */
export function commitClaims(
  store: ListStore,
  list: EnforcedList,
  claims: readonly (readonly [Prefix, Claim])[],
): void {
  const done = claims.map(([prefix, claim]) => {
    const entry = list.ensure(prefix);
    const before = entry.claims.get(claim.origin);
    list.setClaim(entry, claim);
    return { entry, claim, before };
  });
  let stored = false;
  try {
    store.transaction(() => {
      for (const { entry, claim } of done) {
        store.putClaim(entry.prefix, claim);
        if (entry.claims.size === 1) store.putSlot(entry.prefix, { slot: entry.slot, ...entry.base });
      }
    });
    stored = true;
    for (const { entry } of done) list.sync(entry.prefix);
  } catch (error) {
    for (const { entry, claim, before } of done.reverse()) {
      if (before) list.setClaim(entry, before);
      else list.dropClaim(entry, claim.origin);
    }
    if (stored) {
      store.transaction(() => {
        for (const { entry, claim, before } of done) {
          if (before) store.putClaim(entry.prefix, before);
          else store.deleteClaim(entry.prefix, claim.origin);
          if (entry.claims.size === 0) store.deleteSlot(entry.prefix);
        }
      });
    }
    for (const { entry } of done) list.sync(entry.prefix);
    throw error;
  }
}
