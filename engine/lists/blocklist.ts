// SPDX-License-Identifier: Apache-2.0
// The blocklist service: who is blocked, by which origin, until when; the same in memory, store and kernel.

import type { Prefix } from '../../common/address.js';
import { IdsError, messageOf } from '../../common/errors.js';
import type { BlockCheck, BlockEntry, PrefixOutcome, Status } from '../api/api.js';
import type { BlocklistStats, OriginStats } from '../api/bulk-api.js';
import type { Allowlist } from './allowlist.js';
import { BlocklistView, type ListOptions } from './blocklist-view.js';
import { BulkChanges, type OriginChange } from './bulk.js';
import type { TakesBack } from './claims/take-back.js';
import { ClaimIndex } from './claims/claim-index.js';
import { Enforcer } from './claims/enforcer.js';
import { atOnce, chain, inSlices } from './claims/slices.js';
import { GroupCommit } from './group-commit.js';
import type { Guard } from './guard.js';
import type { ListStore, Offence } from './list-store.js';
import { loadClaims } from './load-claims.js';
import { Origins } from './origins.js';
import type { BulkLists, ReplaceResult } from './prefix-batch.js';
import { Reconciler } from './reconciler.js';
import { expireClaims } from './expire.js';
import { SingleChanges, type AddRequest } from './single-changes.js';
import type { Clock, ListTables } from './tables.js';
import { WriteBehind } from './write-behind.js';

export interface BlocklistOptions {
  readonly tables: ListTables;
  readonly store: ListStore;
  readonly clock: Clock;
  readonly allowlist: Allowlist;
  readonly guard: Guard;
  /** Told when work in the background fails. */
  readonly onError?: (error: unknown, what: string) => void;
}

/** Lists up to this many prefixes are compared with the kernel before the start goes on; larger ones behind it. */
const COMPARE_AT_ONCE = 20_000;

/** Owns the kernel's blocklist table. */
export class Blocklist {
  readonly #options: BlocklistOptions;
  readonly #index = new ClaimIndex();
  readonly #enforcer: Enforcer;
  readonly #origins: Origins;
  readonly #behind: WriteBehind;
  readonly #commit: GroupCommit;
  readonly #view: BlocklistView;
  readonly #bulk: BulkChanges;
  readonly #single: SingleChanges;
  readonly #reconciler: Reconciler;
  /** Sweeps whose entries are still going from the kernel. */
  #sweeping = 0;

  private constructor(options: BlocklistOptions) {
    const { store, tables, clock } = options;
    const table = tables.blocklist;
    this.#options = options;
    this.#origins = new Origins({
      known: store.origins(),
      announce: (id, name) => {
        store.putOrigin(id, name);
        tables.clearOriginHits(id);
        table.writeSet(id, id);
      },
      inUse: (name) => this.#index.countOf(name) > 0,
    });
    for (const id of this.#origins.ids()) table.writeSet(id, id);
    this.#enforcer = new Enforcer(table, this.#index, clock, (origin) => this.#origins.id(origin));
    this.#behind = new WriteBehind(store, this.#index);
    this.#commit = new GroupCommit(store);
    this.#view = new BlocklistView(this.#index, table, () => this.#enforcer.offset);
    const parts = { ...options, index: this.#index, enforcer: this.#enforcer };
    const clearedLater = (origin: string): void => this.#behind.noteCleared(origin);
    this.#bulk = new BulkChanges({ ...parts, clearedLater });
    this.#single = new SingleChanges({ ...parts, behind: this.#behind, room: (fresh) => this.#bulk.room(fresh) });
    const failed = (error: unknown): void => this.#failed(error, 'comparison');
    this.#reconciler = new Reconciler(this.#index, this.#enforcer, failed, () => this.#bulk.busy || this.#sweeping > 0);
  }

  /**
   * Loads the store and makes the kernel's table say the same, without a gap for what it already enforces. A large one
   * that holds as many entries as are listed is left to the reconciler: what was acknowledged is in force in it.
   */
  static open(options: BlocklistOptions): Blocklist {
    const list = new Blocklist(options);
    loadClaims(options.store, list.#index, options.clock.wallMs());
    atOnce(list.#enforcer.recount());
    list.sweep();
    const { size4, size6 } = options.tables.blocklist;
    const { four, six } = list.#index.size;
    if (four + six <= COMPARE_AT_ONCE || size4 !== four || size6 !== six) list.#reconciler.first();
    return list;
  }

  get size(): number {
    return this.#index.size.four + this.#index.size.six;
  }

  /** Changes in bulk. */
  get bulk(): BulkLists & TakesBack {
    return this.#bulk;
  }

  /** Replaces what many small origins list; see BulkChanges. @throws IdsError LIST_FULL, STORE_FAILED */
  replaceOrigins(changes: readonly OriginChange[]): Promise<ReplaceResult[]> {
    return this.#bulk.replaceOrigins(changes);
  }

  /** The origin that a blocked event carries as a number. */
  originName(id: number): string {
    return this.#origins.name(id);
  }

  #failed(error: unknown, what: string): void {
    if (!this.#enforcer.closed) this.#options.onError?.(error, what);
  }

  /**
   * Lists prefixes for an origin, replacing what it said about them before.
   * @throws IdsError PREFIX_REFUSED if every one is refused, LIST_FULL, STORE_FAILED: nothing is changed then
   */
  add(request: AddRequest): PrefixOutcome[] {
    return this.#commit.now(() => this.#single.add(request));
  }

  /** As `add`; all that ask at the same time wait for the disk once. In force at once, on the disk when it resolves. */
  addSoon(request: AddRequest): Promise<PrefixOutcome[]> {
    return this.#commit.soon(() => this.#single.add(request));
  }

  /**
   * Blocks one source for the response, at once in the kernel and within 100 ms on the disk. An origin's claim is only
   * ever prolonged this way.
   * @throws IdsError LIST_FULL, SYSCALL
   */
  block(prefix: Prefix, origin: string, seconds: number, reason: string): void {
    this.#single.block(prefix, origin, seconds, reason);
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

  /** Takes prefixes off: every origin's claim, or that of one origin alone. A disk that refuses does not keep it from that. */
  remove(prefixes: readonly Prefix[], origin?: string): PrefixOutcome[] {
    return this.#commit.now(() => this.#single.remove(prefixes, origin));
  }

  /** As `remove`, with one wait for the disk for all that ask at the same time. */
  removeSoon(prefixes: readonly Prefix[], origin?: string): Promise<PrefixOutcome[]> {
    return this.#commit.soon(() => this.#single.remove(prefixes, origin));
  }

  /** Takes everything off, or everything of one origin; returns how many prefixes that were. */
  clear(origin?: string): Promise<number> {
    return this.#bulk.clear(origin);
  }

  /** Frees what has expired and follows a step of the wall clock; returns how many claims were freed. */
  sweep(): number {
    const { store, clock } = this.#options;
    const stepped = this.#enforcer.followClock();
    const expiry = expireClaims(this.#index, store, clock.wallMs());
    const { freed } = expiry;
    const work = chain(expiry.work, stepped ? this.#enforcer.pass() : this.#enforcer.resync(expiry.keys));
    if (freed + (stepped ? this.size : 0) <= COMPARE_AT_ONCE) atOnce<unknown>(work);
    else {
      this.#sweeping++;
      inSlices<unknown>(work)
        .catch((error: unknown) => this.#failed(error, 'expiry'))
        .finally(() => this.#sweeping--);
    }
    return freed;
  }

  /** Makes the kernel's table equal to what is desired, at once; the figures are the repairs. */
  reconcile(): { put: number; removed: number } {
    return this.#reconciler.now();
  }

  /** Compares store and kernel from now on: all of them now and every few minutes, some every few seconds. */
  startReconciler(): void {
    this.#reconciler.start();
  }

  /** Claims in address order, IPv4 first. */
  list(options: Omit<ListOptions, 'sort'> = {}): BlockEntry[] {
    return this.#view.list(options);
  }

  /** Claims in address order, or those that met most packets first; a page after the other. */
  pages(options: ListOptions = {}): AsyncGenerator<BlockEntry[]> {
    return this.#view.pages(options);
  }

  /** Whether an address is blocked, by which entries, and what keeps it from it. */
  check(address: Uint8Array): BlockCheck {
    return this.#view.check(address, this.#options.allowlist, this.#options.clock.wallMs());
  }

  /** Wall clock milliseconds until which an address is blocked by an origin alone or by any; undefined = it is not. */
  blockedUntil(address: Uint8Array, origin?: string): number | undefined {
    const now = this.#options.clock.wallMs();
    let until = 0;
    for (const { claims } of this.#index.covering({ bytes: address, length: 128 }, origin)) {
      for (const claim of claims) if (claim.action === 'drop') until = Math.max(until, claim.expires);
    }
    return until > now ? until : undefined;
  }

  /** Entries and counters of each origin. */
  stats(): BlocklistStats {
    const { tables } = this.#options;
    const alerts = this.#index.alerts();
    const origins = [...this.#index.origins()].sort().map((origin): OriginStats => {
      const { packets, bytes } = tables.originHits(this.#origins.id(origin));
      const entries = this.#index.countOf(origin);
      const alerting = alerts.get(origin) ?? 0;
      const action = alerting > 0 && alerting === entries ? 'alert' : 'drop';
      return { origin, action, entries, alerting, packets, bytes };
    });
    const { enforced, reconciler } = this.status();
    return { ...this.#bulk.capacity(), origins, enforced, repairs: reconciler.repairs };
  }

  status(): Status['blocklist'] & { readonly notes: readonly string[] } {
    const table = this.#options.tables.blocklist;
    const enforced = this.#reconciler.enforced();
    const notes: string[] = [];
    const { failure } = this.#behind;
    if (failure !== undefined) {
      notes.push(`changes of the blocklist are in force and not on the disk yet: ${messageOf(failure)}`);
    }
    return {
      entries: this.size,
      capacity: table.capacity4 + table.capacity6,
      enforced: enforced.four + enforced.six,
      families: [
        { family: 'ipv4', entries: this.#index.size.four, enforced: enforced.four, capacity: table.capacity4 },
        { family: 'ipv6', entries: this.#index.size.six, enforced: enforced.six, capacity: table.capacity6 },
      ],
      reconciler: this.#reconciler.figures(),
      notes,
    };
  }

  close(): void {
    this.#reconciler.close();
    this.#enforcer.close();
    try {
      this.flush();
    } catch (error) {
      this.#behind.close();
      throw error instanceof IdsError ? error : new IdsError('STORE_FAILED', messageOf(error), { cause: error });
    }
  }
}
