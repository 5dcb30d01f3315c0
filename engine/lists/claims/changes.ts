// SPDX-License-Identifier: Apache-2.0
// Single changes: in memory and in the kernel at once, on the disk before anybody is told, or nowhere. Only what takes a
// block off stays although the disk refuses: it is written later.

import type { Prefix } from '../../../common/address.js';
import type { ListStore } from '../list-store.js';
import type { Claim } from './claim.js';
import type { ClaimIndex } from './claim-index.js';
import type { Enforcer } from './enforcer.js';
import { keyOf } from './keys.js';

/** A change that is in force already. */
export interface Staged<T> {
  readonly result: T;
  /** Called inside a transaction. */
  readonly persist: () => void;
  /** Takes it back, in memory and in the kernel. */
  readonly undo: () => void;
  /** Has it written once the disk takes it; only of what must not wait for a disk that refuses. */
  readonly later?: () => void;
}

/** Writes a single claim; the bulk entry that it replaces is named as gone. */
export function persistClaim(store: ListStore, index: ClaimIndex, prefix: Prefix, claim: Claim): void {
  store.putClaim(prefix, claim);
  if (index.segments.get(claim.origin)?.find(keyOf(prefix))) store.putGone(claim.origin, prefix);
}

interface Done {
  readonly prefix: Prefix;
  readonly undo: () => void;
}

function takeBack(done: readonly Done[], enforcer: Enforcer): void {
  for (const { undo } of [...done].reverse()) undo();
  for (const { prefix } of done) enforcer.sync(prefix);
}

/** Puts claims in force. @throws IdsError LIST_FULL; nothing is changed then */
export function stageClaims(
  index: ClaimIndex,
  enforcer: Enforcer,
  store: ListStore,
  claims: readonly (readonly [Prefix, Claim])[],
): Staged<undefined> {
  const done: Done[] = [];
  try {
    for (const [prefix, claim] of claims) {
      const before = index.own.get(keyOf(prefix))?.claims.find((one) => one.origin === claim.origin);
      const displaced = index.set(prefix, claim);
      done.push({
        prefix,
        undo: () => {
          if (before) index.set(prefix, before);
          else index.delete(prefix, claim.origin);
          if (displaced) index.revive(prefix, claim.origin);
        },
      });
      enforcer.sync(prefix);
    }
  } catch (error) {
    takeBack(done, enforcer);
    throw error;
  }
  return {
    result: undefined,
    persist: () => claims.forEach(([prefix, claim]) => persistClaim(store, index, prefix, claim)),
    undo: () => takeBack(done, enforcer),
  };
}

/** Takes claims off. */
export function stageRemoval(
  index: ClaimIndex,
  enforcer: Enforcer,
  store: ListStore,
  gone: readonly (readonly [Prefix, readonly string[]])[],
): Staged<undefined> {
  const done: Done[] = [];
  const rows: (() => void)[] = [];
  for (const [prefix, origins] of gone) {
    for (const origin of origins) {
      const before = index.own.get(keyOf(prefix))?.claims.find((one) => one.origin === origin);
      const kind = index.delete(prefix, origin);
      if (kind === undefined) continue;
      rows.push(() => (kind === 'own' ? store.deleteClaim(prefix, origin) : store.putGone(origin, prefix)));
      done.push({
        prefix,
        undo: () => (before ? void index.set(prefix, before) : index.revive(prefix, origin)),
      });
    }
    enforcer.sync(prefix);
  }
  return { result: undefined, persist: () => rows.forEach((row) => row()), undo: () => takeBack(done, enforcer) };
}
