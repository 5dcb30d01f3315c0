// SPDX-License-Identifier: Apache-2.0
// What is listed and taken off one by one: by hand, or by a rule that blocks a source.

import { formatPrefix, type Prefix } from '../../common/address.js';
import { IdsError } from '../../common/errors.js';
import type { PrefixOutcome } from '../api/api.js';
import { stageClaims, stageRemoval, type Staged } from './claims/changes.js';
import type { Claim } from './claims/claim.js';
import type { ClaimIndex } from './claims/claim-index.js';
import type { Enforcer } from './claims/enforcer.js';
import { keyOf } from './claims/keys.js';
import type { Guard } from './guard.js';
import type { ListStore } from './list-store.js';
import type { ListAction } from './prefix-batch.js';
import type { Clock } from './tables.js';
import type { WriteBehind } from './write-behind.js';

export interface AddRequest {
  readonly prefixes: readonly Prefix[];
  /** Default `manual`. */
  readonly origin?: string;
  /** Seconds; undefined = for ever. */
  readonly ttl?: number | undefined;
  readonly reason?: string | undefined;
  /** List what the guard refuses, and let it win over a built-in exemption. */
  readonly force?: boolean;
  /** Default `drop`. */
  readonly action?: ListAction;
}

export interface SingleChangesOptions {
  readonly index: ClaimIndex;
  readonly enforcer: Enforcer;
  readonly store: ListStore;
  readonly clock: Clock;
  readonly guard: Guard;
  readonly behind: WriteBehind;
  /** Throws LIST_FULL unless so many more prefixes fit. */
  readonly room: (fresh: { readonly four: number; readonly six: number }) => void;
}

/** Changes in memory and kernel; who calls brings them to the disk. */
export class SingleChanges {
  readonly #options: SingleChangesOptions;

  constructor(options: SingleChangesOptions) {
    this.#options = options;
  }

  /** Throws LIST_FULL unless those of the prefixes that are new fit. */
  #room(prefixes: readonly Prefix[]): void {
    const { index, room } = this.#options;
    const fresh = { four: 0, six: 0 };
    for (const prefix of prefixes) {
      const key = keyOf(prefix);
      if (!index.isClaimed(key)) fresh[key.words === 1 ? 'four' : 'six']++;
    }
    room(fresh);
  }

  /** Lists prefixes for an origin. @throws IdsError PREFIX_REFUSED if every one is refused, LIST_FULL */
  add(request: AddRequest): Staged<PrefixOutcome[]> {
    const { index, enforcer, guard, clock, store } = this.#options;
    const { origin = 'manual', reason = '', force = false, ttl, action = 'drop' } = request;
    const created = clock.wallMs();
    const expires = ttl === undefined ? Infinity : created + ttl * 1000;
    const claim: Claim = { origin, reason, created, expires, forced: force, action };
    const accepted = new Map<string, readonly [Prefix, Claim]>();
    const outcomes = request.prefixes.map((prefix): PrefixOutcome => {
      const text = formatPrefix(prefix);
      const cause = force ? undefined : guard.refusal(prefix);
      if (cause !== undefined) return { prefix: text, outcome: 'refused', cause };
      const outcome = index.claim(keyOf(prefix), origin) ? 'updated' : 'added';
      accepted.set(text, [prefix, claim]);
      return { prefix: text, outcome };
    });
    const first = outcomes.find((outcome) => outcome.cause !== undefined);
    if (first && accepted.size === 0) {
      throw new IdsError('PREFIX_REFUSED', first.cause ?? '', { details: { outcomes } });
    }
    const claims = [...accepted.values()];
    this.#room(claims.map(([prefix]) => prefix));
    return { ...stageClaims(index, enforcer, store, claims), result: outcomes };
  }

  /**
   * Blocks one source for the response, at once in the kernel and within 100 ms on the disk. An origin's claim is only
   * ever prolonged this way.
   * @throws IdsError LIST_FULL, SYSCALL
   */
  block(prefix: Prefix, origin: string, seconds: number, reason: string): void {
    const { index, enforcer, store, clock, behind } = this.#options;
    const key = keyOf(prefix);
    const claimed = index.claim(key, origin);
    if (!claimed) this.#room([prefix]);
    const created = clock.wallMs();
    // One that has expired and was not swept yet is history.
    const before = claimed && claimed.expires > created ? claimed : undefined;
    const expires = Math.max(before?.expires ?? 0, created + seconds * 1000);
    const claim: Claim = {
      origin,
      reason,
      created: before?.created ?? created,
      expires,
      forced: before?.forced ?? false,
      action: 'drop',
    };
    stageClaims(index, enforcer, store, [[prefix, claim]]);
    behind.note(prefix, origin);
  }

  /** Takes prefixes off: every origin's claim, or that of one origin alone. */
  remove(prefixes: readonly Prefix[], origin: string | undefined): Staged<PrefixOutcome[]> {
    const { index, enforcer, store, behind } = this.#options;
    const gone = new Map<string, readonly [Prefix, string[]]>();
    for (const prefix of prefixes) {
      const origins = index
        .claims(keyOf(prefix))
        .map((claim) => claim.origin)
        .filter((name) => origin === undefined || name === origin);
      if (origins.length > 0) gone.set(formatPrefix(prefix), [prefix, origins]);
    }
    const staged = stageRemoval(index, enforcer, store, [...gone.values()]);
    const later = (): void => {
      for (const [prefix, origins] of gone.values()) for (const one of origins) behind.note(prefix, one);
    };
    // Asked when all are gone: a wider one of the same request blocks nobody any more.
    const result = prefixes.map((prefix): PrefixOutcome => {
      const text = formatPrefix(prefix);
      const removed = gone.has(text);
      return { prefix: text, outcome: removed ? 'removed' : 'unchanged', ...this.#around(prefix, removed) };
    });
    return { ...staged, result, later };
  }

  /** Names a wider entry that still blocks a prefix. */
  #around(prefix: Prefix, itself: boolean): { cause?: string } {
    const { index, clock } = this.#options;
    const now = clock.wallMs();
    const wider = index
      .covering(prefix)
      .find(
        (entry) => (!itself || entry.prefix.length < prefix.length) && entry.claims.some((one) => one.expires > now),
      );
    return wider ? { cause: `still blocked by ${formatPrefix(wider.prefix)}` } : {};
  }
}
