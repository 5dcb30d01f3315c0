// SPDX-License-Identifier: Apache-2.0
// Changes in bulk: checked as a whole, on the disk, then in the kernel; additions first, so that what stays never pauses.

import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import { IdsError } from '../../common/errors.js';
import { compareBatches } from './batch-ops.js';
import { activate, originContent, planChange, prepare, type Plan } from './claims/bulk-change.js';
import type { ClaimIndex } from './claims/claim-index.js';
import { encodeContent } from './claims/content-file.js';
import { contentOf, countOf, emptyContent, type Content, type MergeOptions } from './claims/content.js';
import type { Enforcer } from './claims/enforcer.js';
import { chunksOf } from './claims/export.js';
import type { GroupValue } from './claims/groups.js';
import { batchOf, noKeys4, noKeys6, pairOf } from './claims/keys.js';
import { atOnce, inSlices } from './claims/slices.js';
import type { Guard } from './guard.js';
import type { ListStore } from './list-store.js';
import type {
  BulkLists,
  BulkOptions,
  Capacity,
  DiffResult,
  ExportChunk,
  ExportFilter,
  PrefixBatch,
  ReplaceResult,
} from './prefix-batch.js';
import { listFull } from './table/full.js';
import type { Clock } from './tables.js';

export interface BulkChangesOptions {
  readonly index: ClaimIndex;
  readonly enforcer: Enforcer;
  readonly store: ListStore;
  readonly clock: Clock;
  readonly guard: Guard;
  /** Takes note of an origin that was cleared although the disk refuses. */
  readonly clearedLater: (origin: string) => void;
}

/** Freed places of the kernel's table rest for two seconds: a change that needs them waits. */
const REST_MS = 2500;

/** Origins that wait for the disk together in `replaceOrigins`. */
const TOGETHER = 64;

/** A new content of one origin. */
export interface OriginChange {
  readonly origin: string;
  readonly batch: PrefixBatch;
  readonly options: BulkOptions;
}

/** What an origin puts, and what that comes to. */
interface Step {
  readonly plan: Plan;
  readonly put: Content;
}

const nothing = batchOf({ four: noKeys4, six: noKeys6 });

type ChangeResult = Pick<ReplaceResult, 'added' | 'removed' | 'kept'>;

export class BulkChanges implements BulkLists {
  readonly #options: BulkChangesOptions;
  /** Changes come one after the other. */
  #queue: Promise<unknown> = Promise.resolve();
  #running = 0;

  constructor(options: BulkChangesOptions) {
    this.#options = options;
  }

  /** True while a change is under way: store and kernel differ then for a moment. */
  get busy(): boolean {
    return this.#running > 0;
  }

  /** Work that no change in bulk may come between. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const run = async (): Promise<T> => {
      this.#running++;
      try {
        return await work();
      } finally {
        this.#running--;
      }
    };
    const result = this.#queue.then(run);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  capacity(): Capacity {
    const { index, enforcer } = this.#options;
    const { capacity4, capacity6 } = enforcer.table;
    return { entries4: index.size.four, entries6: index.size.six, capacity4, capacity6 };
  }

  /** Throws LIST_FULL unless so many more prefixes fit. */
  room(fresh: { readonly four: number; readonly six: number }): void {
    const { entries4, entries6, capacity4, capacity6 } = this.capacity();
    if (fresh.four > 0 && entries4 + fresh.four > capacity4) throw listFull('IPv4', entries4, capacity4, fresh.four);
    if (fresh.six > 0 && entries6 + fresh.six > capacity6) throw listFull('IPv6', entries6, capacity6, fresh.six);
  }

  #common({ ttl, reason = '', force = false, action = 'drop' }: BulkOptions): GroupValue {
    const created = this.#options.clock.wallMs();
    const expires = ttl === undefined ? Infinity : created + ttl * 1000;
    return { created, expires, reason, forced: force, action };
  }

  #accept(batch: PrefixBatch, { force = false }: BulkOptions) {
    return force ? { accepted: batch, refusedCount: 0, refused: [] } : this.#options.guard.refuseBatch(batch);
  }

  async #put(origin: string, batch: PrefixBatch, options: BulkOptions, replace: boolean): Promise<ReplaceResult> {
    return this.exclusive(async () => {
      const { accepted, refusedCount, refused } = this.#accept(batch, options);
      const put = await inSlices(contentOf(accepted, this.#common(options)));
      const result = await this.#change(origin, put, { replace });
      return { ...result, refusedCount, refused, capacity: this.capacity() };
    });
  }

  replaceOrigin(origin: string, batch: PrefixBatch, options: BulkOptions): Promise<ReplaceResult> {
    return this.#put(origin, batch, options, true);
  }

  /**
   * Replaces what many small origins list, with one wait for the disk for some of them together. Each group is all or
   * nothing; of a failure in the middle, the groups before stay.
   * @throws IdsError LIST_FULL, STORE_FAILED
   */
  replaceOrigins(changes: readonly OriginChange[]): Promise<ReplaceResult[]> {
    return this.exclusive(async () => {
      const results: ReplaceResult[] = [];
      for (let at = 0; at < changes.length; at += TOGETHER) {
        results.push(...(await this.#group(changes.slice(at, at + TOGETHER))));
        await turn();
      }
      return results;
    });
  }

  async #group(changes: readonly OriginChange[]): Promise<ReplaceResult[]> {
    const accepted = changes.map(({ origin, batch, options }) => {
      const { accepted, refusedCount, refused } = this.#accept(batch, options);
      return { origin, put: atOnce(contentOf(accepted, this.#common(options))), refusedCount, refused };
    });
    const staged: Step[] = [];
    const takeBack = async (): Promise<void> => {
      for (const { plan } of staged.reverse()) await this.#change(plan.origin, plan.old, { replace: true });
    };
    try {
      this.#stage(accepted, staged);
    } catch (error) {
      // The disk has none of them: memory goes back too.
      await takeBack();
      throw error;
    }
    try {
      await this.#enforce(staged);
    } catch (error) {
      await takeBack();
      throw error;
    }
    return staged.map(({ plan: { merged } }, i) => ({
      added: merged.added,
      kept: merged.kept,
      removed: merged.removed.four.len.length + merged.removed.six.len.length,
      refusedCount: accepted[i]?.refusedCount ?? 0,
      refused: accepted[i]?.refused ?? [],
      capacity: this.capacity(),
    }));
  }

  /** Up to the disk, in one transaction and without a pause. */
  #stage(changes: readonly { readonly origin: string; readonly put: Content }[], staged: Step[]): void {
    const { index, store, enforcer } = this.#options;
    // Each number is a row: of all of them at once.
    store.transaction(() => enforcer.number(changes.flatMap(({ origin, put }) => (countOf(put) > 0 ? [origin] : []))));
    const files: (string | undefined)[] = [];
    store.transaction(() => {
      for (const { origin, put } of changes) {
        const plan = atOnce(planChange(index, origin, put, { replace: true }));
        this.room({ four: plan.fresh.four - plan.freed.four, six: plan.fresh.six - plan.freed.six });
        files.push(activate(index, store, plan, store.contents.inBase(encodeContent(plan.merged.content))));
        staged.push({ plan, put });
      }
    });
    for (const file of files) store.contents.remove(file);
  }

  importBatch(batch: PrefixBatch, options: BulkOptions & { readonly origin?: string }): Promise<ReplaceResult> {
    return this.#put(options.origin ?? 'manual', batch, options, false);
  }

  removeBatch(origin: string, batch: PrefixBatch): Promise<number> {
    return this.exclusive(async () => {
      const drop = pairOf(batch);
      return (await this.#change(origin, emptyContent(), { replace: false, drop })).removed;
    });
  }

  /** Takes everything off, or everything of one origin, also when the disk refuses; the number of prefixes. */
  clear(origin?: string): Promise<number> {
    return this.exclusive(async () => {
      const { index } = this.#options;
      const before = index.size.four + index.size.six;
      const count = origin === undefined ? before : index.countOf(origin);
      for (const name of origin === undefined ? index.origins() : [origin]) {
        await this.#change(name, emptyContent(), { replace: true }, this.#options.clearedLater);
      }
      return count;
    });
  }

  /** What an import or a replacement would do. */
  diff(
    batch: PrefixBatch,
    options: BulkOptions & { readonly origin?: string; readonly replace?: boolean },
  ): Promise<DiffResult> {
    return this.exclusive(async () => {
      const { accepted, refusedCount, refused } = this.#accept(batch, options);
      const content = await inSlices(originContent(this.#options.index, options.origin ?? 'manual'));
      const old = batchOf({ four: content.four.keys, six: content.six.keys });
      const { added, removed, kept } = compareBatches(old, accepted);
      return { added, removed: options.replace ? removed : nothing, kept: kept.count, refusedCount, refused };
    });
  }

  async *exportEntries(filter: ExportFilter = {}): AsyncGenerator<ExportChunk> {
    const { index, clock } = this.#options;
    const origins = filter.origin === undefined ? [...index.origins()].sort() : [filter.origin];
    for (const origin of origins) {
      const content = await inSlices(originContent(index, origin));
      yield* chunksOf(origin, content, clock.wallMs(), filter.action);
    }
  }

  async #change(
    origin: string,
    put: Content,
    merge: MergeOptions,
    later?: (origin: string) => void,
  ): Promise<ChangeResult> {
    const { index, enforcer } = this.#options;
    const { changes } = index;
    const plan = await this.#apply(origin, put, merge, later);
    const others = index.changes - changes > 1;
    try {
      await this.#enforce([{ plan, put }]);
    } catch (error) {
      // The kernel's table has no place after all: the origin lists what it listed before.
      const back = await this.#apply(origin, plan.old, { replace: true });
      await this.#enforce([{ plan: back, put: plan.old }]);
      throw error;
    }
    // What changed meanwhile was not counted in: both may have been the first, or the last, to list a prefix.
    if (others) await inSlices(enforcer.recount());
    const { added, kept, removed } = plan.merged;
    return { added, kept, removed: removed.four.len.length + removed.six.len.length };
  }

  /** Up to the disk. */
  async #apply(origin: string, put: Content, merge: MergeOptions, later?: (origin: string) => void): Promise<Plan> {
    const { index, store } = this.#options;
    const plan = await prepare(index, origin, put, merge);
    let file: string | undefined;
    try {
      this.room({ four: plan.fresh.four - plan.freed.four, six: plan.fresh.six - plan.freed.six });
      const stored = await store.contents.write(encodeContent(plan.merged.content));
      ({ file } = stored);
      store.contents.remove(activate(index, store, plan, stored, later));
    } catch (error) {
      index.endJournal(origin);
      store.contents.remove(file);
      throw error;
    }
    return plan;
  }

  /** The kernel's part. What is put is in force before what is not listed any more goes, if there is room for both. */
  async #enforce(steps: readonly Step[]): Promise<void> {
    const { enforcer } = this.#options;
    const { table } = enforcer;
    const additions = steps.map(({ put }) => ({ four: put.four.keys, six: put.six.keys }));
    const removals = steps.map(({ plan }) => plan.merged.removed);
    const fresh = (family: 'four' | 'six') => steps.reduce((sum, { plan }) => sum + plan.fresh[family], 0);
    const fits = table.size4 + fresh('four') <= table.capacity4 && table.size6 + fresh('six') <= table.capacity6;
    if (!fits) await inSlices(enforcer.resync(...removals));
    try {
      await inSlices(enforcer.resync(...additions));
    } catch (error) {
      if (!(error instanceof IdsError) || error.code !== 'LIST_FULL') throw error;
      await pause(REST_MS);
      await inSlices(enforcer.resync(...additions));
    }
    if (fits) await inSlices(enforcer.resync(...removals));
  }
}
