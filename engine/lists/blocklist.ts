// SPDX-License-Identifier: Apache-2.0
// The blocklist service: who is blocked, by which origin, until when; the same in memory, store and kernel.

import { formatPrefix, type Prefix } from '../../common/address.js';
import { IdsError } from '../../common/errors.js';
import type { BlockCheck, BlockEntry, PrefixOutcome } from '../api/api.js';
import type { Allowlist } from './allowlist.js';
import { checkAddress, describeEntry } from './blocklist-view.js';
import { commitClaims } from './commit.js';
import { EnforcedList, type Entry } from './enforced-list.js';
import type { Guard } from './guard.js';
import type { ListStore, Offence } from './list-store.js';
import type { Claim } from './merge.js';
import { loadClaims } from './load-claims.js';
import { Origins } from './origins.js';
import { HitSlots } from './slots.js';
import type { Clock, ListTables } from './tables.js';
import { WriteBehind } from './write-behind.js';

export interface BlocklistOptions {
  readonly tables: ListTables;
  readonly store: ListStore;
  readonly clock: Clock;
  readonly allowlist: Allowlist;
  readonly guard: Guard;
  /** Entries that the kernel's table holds; its counter table has as many places. */
  readonly capacity: number;
}

export interface AddRequest {
  readonly prefixes: readonly Prefix[];
  /** Default `manual`. */
  readonly origin?: string;
  /** Seconds; undefined = for ever. */
  readonly ttl?: number | undefined;
  readonly reason?: string | undefined;
  /** List what the guard refuses, and let it win over a built-in exemption. */
  readonly force?: boolean;
}

/** Owns the kernel's blocklist table. */
export class Blocklist {
  readonly #options: BlocklistOptions;
  readonly #list: EnforcedList;
  readonly #origins: Origins;
  readonly #behind: WriteBehind;
  /** No claim expires before this time. */
  #nextExpiry = Infinity;

  private constructor(options: BlocklistOptions) {
    const { store, tables, clock, capacity } = options;
    this.#options = options;
    this.#origins = new Origins(store.origins(), (id, name) => store.putOrigin(id, name));
    this.#list = new EnforcedList(tables, clock, new HitSlots(capacity), this.#origins);
    this.#behind = new WriteBehind(store, this.#list);
  }

  /** Loads the store and makes the kernel's table say the same, without a gap for what it already enforces. */
  static open(options: BlocklistOptions): Blocklist {
    const list = new Blocklist(options);
    list.#nextExpiry = loadClaims(options.store, list.#list);
    list.sweep();
    list.reconcile();
    return list;
  }

  get size(): number {
    return this.#list.size;
  }

  /** The origin that a blocked event carries as a number. */
  originName(id: number): string {
    return this.#origins.name(id);
  }

  /** Throws LIST_FULL unless `fresh` more prefixes fit. */
  #room(fresh: number): void {
    const { capacity } = this.#options;
    // The kernel's table and its counters (index 0 is reserved) must both have room.
    const limit = capacity - 1;
    if (this.#list.size + fresh <= limit) return;
    const free = limit - this.#list.size;
    const text = `the blocklist holds ${this.#list.size} of ${limit} entries: no room for ${fresh} more, ${free} would fit`;
    throw new IdsError('LIST_FULL', text, {
      details: { entries: this.#list.size, capacity: limit, requested: fresh, free },
    });
  }

  /**
   * Lists prefixes for an origin, replacing what it said about them before.
   * @throws IdsError PREFIX_REFUSED if every one is refused, LIST_FULL, STORE_FAILED: nothing is changed then
   */
  add(request: AddRequest): PrefixOutcome[] {
    const { guard, clock } = this.#options;
    const { origin = 'manual', reason = '', force = false, ttl } = request;
    const created = clock.wallMs();
    const claim: Claim = {
      origin,
      reason,
      created,
      expires: ttl === undefined ? Infinity : created + ttl * 1000,
      forced: force,
    };
    const accepted = new Map<string, readonly [Prefix, Claim]>();
    const outcomes = request.prefixes.map((prefix): PrefixOutcome => {
      const text = formatPrefix(prefix);
      const cause = force ? undefined : guard.refusal(prefix);
      if (cause !== undefined) return { prefix: text, outcome: 'refused', cause };
      const outcome = this.#list.get(prefix)?.claims.has(origin) ? 'updated' : 'added';
      accepted.set(text, [prefix, claim]);
      return { prefix: text, outcome };
    });
    const first = outcomes.find((outcome) => outcome.cause !== undefined);
    if (first && accepted.size === 0) {
      throw new IdsError('PREFIX_REFUSED', first.cause ?? '', { details: { outcomes } });
    }
    const claims = [...accepted.values()];
    this.#room(claims.filter(([prefix]) => this.#list.get(prefix) === undefined).length);
    this.flush();
    this.#nextExpiry = Math.min(this.#nextExpiry, claim.expires);
    commitClaims(this.#options.store, this.#list, claims);
    return outcomes;
  }

  /**
   * Blocks one source for the response, at once in the kernel and within 100 ms on the disk. An origin's claim is only
   * ever prolonged this way.
   * @throws IdsError LIST_FULL, SYSCALL
   */
  block(prefix: Prefix, origin: string, seconds: number, reason: string): void {
    const known = this.#list.get(prefix);
    if (!known) this.#room(1);
    const created = this.#options.clock.wallMs();
    const claimed = known?.claims.get(origin);
    // One that has expired and was not swept yet is history.
    const before = claimed && claimed.expires > created ? claimed : undefined;
    const expires = Math.max(before?.expires ?? 0, created + seconds * 1000);
    const entry = this.#list.ensure(prefix);
    this.#list.setClaim(entry, {
      origin,
      reason,
      created: before?.created ?? created,
      expires,
      forced: before?.forced ?? false,
    });
    try {
      this.#list.sync(prefix);
    } catch (error) {
      if (before) this.#list.setClaim(entry, before);
      else this.#list.dropClaim(entry, origin);
      if (!entry.written) this.#list.sync(prefix);
      throw error;
    }
    this.#nextExpiry = Math.min(this.#nextExpiry, expires);
    this.#behind.noteClaim(entry, origin);
  }

  /** Sources that were blocked before, the first to be forgotten first. */
  offences(): Offence[] {
    const { store, clock } = this.#options;
    store.pruneOffences(clock.wallMs());
    return store.offences();
  }

  /** Keeps a record of a blocked source; within 100 ms on the disk. */
  noteOffence(offence: Offence): void {
    this.#behind.noteOffence(offence);
  }

  /** Writes what is in force but not yet on the disk. @throws IdsError STORE_FAILED */
  flush(): void {
    this.#behind.flush();
  }

  /** Takes prefixes off: every origin's claim, or that of one origin alone. */
  remove(prefixes: readonly Prefix[], origin?: string): PrefixOutcome[] {
    const gone = new Map<string, readonly [Entry, string[]]>();
    const outcomes = prefixes.map((prefix): PrefixOutcome => {
      const entry = this.#list.get(prefix);
      const text = formatPrefix(prefix);
      const origins = entry ? [...entry.claims.keys()].filter((name) => origin === undefined || name === origin) : [];
      if (!entry || origins.length === 0) return { prefix: text, outcome: 'unchanged', ...this.#around(prefix) };
      gone.set(text, [entry, origins]);
      return { prefix: text, outcome: 'removed', ...this.#around(prefix, entry) };
    });
    this.#drop([...gone.values()]);
    return outcomes;
  }

  /** Names a wider entry that still blocks a prefix. */
  #around(prefix: Prefix, self?: Entry): { cause?: string } {
    const now = this.#options.clock.wallMs();
    const alive = (entry: Entry): boolean => [...entry.claims.values()].some((claim) => claim.expires > now);
    const wider = this.#list.covering(prefix).find((entry) => entry !== self && alive(entry));
    return wider ? { cause: `still blocked by ${formatPrefix(wider.prefix)}` } : {};
  }

  #drop(gone: readonly (readonly [Entry, readonly string[]])[]): void {
    const { store } = this.#options;
    this.flush();
    store.transaction(() => {
      for (const [entry, origins] of gone) {
        for (const origin of origins) store.deleteClaim(entry.prefix, origin);
        if (origins.length === entry.claims.size) store.deleteSlot(entry.prefix);
      }
    });
    for (const [entry, origins] of gone) {
      for (const origin of origins) this.#list.dropClaim(entry, origin);
      this.#list.sync(entry.prefix);
    }
  }

  /** Takes everything off, or everything of one origin; returns how many prefixes that were. */
  clear(origin?: string): number {
    const gone = this.#list
      .entries()
      .map(
        (entry) => [entry, [...entry.claims.keys()].filter((name) => origin === undefined || name === origin)] as const,
      )
      .filter(([, origins]) => origins.length > 0);
    this.#drop(gone);
    return gone.length;
  }

  /** Frees what has expired and follows a step of the wall clock; returns how many claims were freed. */
  sweep(): number {
    this.#list.followClock();
    const now = this.#options.clock.wallMs();
    if (now < this.#nextExpiry) return 0;
    const gone: (readonly [Entry, string[]])[] = [];
    this.#nextExpiry = Infinity;
    for (const entry of this.#list.entries()) {
      const expired: string[] = [];
      for (const [origin, { expires }] of entry.claims) {
        if (expires <= now) expired.push(origin);
        else this.#nextExpiry = Math.min(this.#nextExpiry, expires);
      }
      if (expired.length > 0) gone.push([entry, expired]);
    }
    this.#drop(gone);
    return gone.reduce((sum, [, origins]) => sum + origins.length, 0);
  }

  /** Makes the kernel's table equal to what is desired; the figures are the repairs. */
  reconcile(): { put: number; removed: number } {
    return this.#list.reconcile();
  }

  /** Every claim, in address order. */
  list(): BlockEntry[] {
    return this.#list.entries().flatMap((entry) => this.#describe(entry));
  }

  #describe(entry: Entry): BlockEntry[] {
    return describeEntry(entry, this.#list.hits(entry), this.#list.offset);
  }

  /** Whether an address is blocked, by which entries, and what keeps it from it. */
  check(address: Uint8Array): BlockCheck {
    const now = this.#options.clock.wallMs();
    return checkAddress(address, this.#list, this.#options.allowlist, now, (entry) => this.#describe(entry));
  }

  /** Wall clock milliseconds until which an address is blocked by an origin alone or by any; undefined = it is not. */
  blockedUntil(address: Uint8Array, origin?: string): number | undefined {
    const now = this.#options.clock.wallMs();
    let until = 0;
    for (const entry of this.#list.covering({ bytes: address, length: 128 })) {
      for (const claim of entry.claims.values()) {
        if (origin === undefined || claim.origin === origin) until = Math.max(until, claim.expires);
      }
    }
    return until > now ? until : undefined;
  }

  status(): { entries: number; capacity: number; enforced: number; notes: string[] } {
    const { capacity } = this.#options;
    const entries = this.#list.entries();
    const enforced = entries.filter((entry) => entry.written !== undefined).length;
    const notes =
      this.#behind.failure === undefined ? [] : ['the last change of the blocklist by a rule is not on the disk yet'];
    return { entries: entries.length, capacity: capacity - 1, enforced, notes };
  }

  close(): void {
    this.flush();
  }
}
