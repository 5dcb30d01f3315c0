// SPDX-License-Identifier: Apache-2.0
// Changes in bulk, one after the other: what the guard lets through becomes the content of an origin.

import { setImmediate as turn } from 'node:timers/promises';
import { choose, compareBatches } from './batch-ops.js';
import { originContent } from './claims/bulk-change.js';
import { asImported, ownEnd, pickColumns, type Import } from './claims/take-back.js';
import { takeOff } from './claims/take-off.js';
import { contentOf, countOf, emptyContent } from './claims/content.js';
import { chunksOf } from './claims/export.js';
import { Groups, type GroupValue } from './claims/groups.js';
import { batchOf, noKeys4, noKeys6, pairOf } from './claims/keys.js';
import { atOnce, inSlices } from './claims/slices.js';
import { ContentChanges, type ContentChangesOptions } from './content-changes.js';
import type { Guard } from './guard.js';
import type {
  BulkLists,
  BulkOptions,
  Capacity,
  DiffResult,
  ExportChunk,
  ExportFilter,
  PrefixBatch,
  ReplaceOptions,
  ReplaceResult,
} from './prefix-batch.js';
import type { Clock } from './tables.js';

export interface BulkChangesOptions extends ContentChangesOptions {
  readonly clock: Clock;
  readonly guard: Guard;
  /** Takes note of an origin that was cleared although the disk refuses. */
  readonly clearedLater: (origin: string) => void;
}

/** Origins that wait for the disk together in `replaceOrigins`. */
const TOGETHER = 64;

/** A new content of one origin. */
export interface OriginChange {
  readonly origin: string;
  readonly batch: PrefixBatch;
  readonly options: BulkOptions;
}

const nothing = batchOf({ four: noKeys4, six: noKeys6 });

export class BulkChanges implements BulkLists {
  readonly #options: BulkChangesOptions;
  readonly #contents: ContentChanges;
  /** Changes come one after the other. */
  #queue: Promise<unknown> = Promise.resolve();
  #running = 0;

  constructor(options: BulkChangesOptions) {
    this.#options = options;
    this.#contents = new ContentChanges(options);
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
    return this.#contents.capacity();
  }

  /** Throws LIST_FULL unless so many more prefixes fit. */
  room(fresh: { readonly four: number; readonly six: number }): void {
    this.#contents.room(fresh);
  }

  #common({
    ttl,
    reason = '',
    force = false,
    forced = force,
    action = 'drop',
    until,
    created,
  }: ReplaceOptions): GroupValue {
    const now = this.#options.clock.wallMs();
    const expires = until ?? (ttl === undefined ? Infinity : now + ttl * 1000);
    return { created: created ?? now, expires, reason, forced, action };
  }

  #accept(batch: PrefixBatch, { force = false }: BulkOptions) {
    return force ? { accepted: batch, refusedCount: 0, refused: [] } : this.#options.guard.refuseBatch(batch);
  }

  async #put(origin: string, batch: PrefixBatch, options: ReplaceOptions, replace: boolean): Promise<ReplaceResult> {
    return this.exclusive(async () => {
      const { accepted, refusedCount, refused } = this.#accept(batch, options);
      const put = await inSlices(contentOf(accepted, this.#common(options)));
      const result = await this.#contents.change(origin, put, { replace });
      return { ...result, refusedCount, refused, capacity: this.capacity() };
    });
  }

  replaceOrigin(origin: string, batch: PrefixBatch, options: ReplaceOptions): Promise<ReplaceResult> {
    return this.#put(origin, batch, options, true);
  }

  prolong(origin: string, from: number, to: number): Promise<void> {
    return this.exclusive(async () => {
      // In one go up to where the change notes single ones: what is taken off in between would come back.
      const content = atOnce(originContent(this.#options.index, origin));
      if (countOf(content) === 0) return;
      const columns = content.groups.columns();
      const groups = Groups.of({ ...columns, expires: columns.expires.map((end) => (end === from ? to : end)) });
      await this.#contents.change(origin, { ...content, groups }, { replace: true });
    });
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
    const results = await this.#contents.together(accepted);
    return results.map((result, i) => ({
      ...result,
      refusedCount: accepted[i]?.refusedCount ?? 0,
      refused: accepted[i]?.refused ?? [],
      capacity: this.capacity(),
    }));
  }

  importBatch(batch: PrefixBatch, options: BulkOptions & { readonly origin?: string }): Promise<ReplaceResult> {
    return this.#put(options.origin ?? 'manual', batch, options, false);
  }

  removeBatch(origin: string, batch: PrefixBatch): Promise<number> {
    return this.exclusive(async () => {
      const drop = pairOf(batch);
      return (await this.#contents.change(origin, emptyContent(), { replace: false, drop })).removed;
    });
  }

  /** Wall clock milliseconds of the lists. */
  now(): number {
    return this.#options.clock.wallMs();
  }

  /**
   * Takes an import back as far as nobody has changed its entries since. The removals are in force before anything is
   * written. Harmless when it is done again. @throws IdsError STORE_FAILED
   */
  takeBack({ origin, created, fresh, before }: Import): Promise<void> {
    return this.exclusive(async () => {
      const { index, enforcer } = this.#options;
      const keys = pairOf(fresh);
      await inSlices(takeOff(index, keys, ownEnd(index, origin, created, keys)));
      await inSlices(enforcer.resync(keys));
      await this.#contents.change(origin, emptyContent(), { replace: false });
      for (const old of before) {
        // From here on until the change has begun there is no pause: what is changed later is in its journal.
        const kept = asImported(index, origin, created, old, this.now());
        const batch = choose(old.batch, kept);
        if (batch.count === 0) continue;
        const common = this.#common({ action: old.action, forced: old.forced });
        const put = atOnce(contentOf(batch, common, pickColumns(old.listed, kept)));
        await this.#contents.change(origin, put, { replace: false });
      }
    });
  }

  /** Takes everything off, or everything of one origin, also when the disk refuses; the number of prefixes. */
  clear(origin?: string): Promise<number> {
    return this.exclusive(async () => {
      const { index } = this.#options;
      const before = index.size.four + index.size.six;
      const count = origin === undefined ? before : index.countOf(origin);
      for (const name of origin === undefined ? index.origins() : [origin]) {
        await this.#contents.change(name, emptyContent(), { replace: true }, this.#options.clearedLater);
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
}
