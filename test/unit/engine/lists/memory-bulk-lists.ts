// SPDX-License-Identifier: Apache-2.0
// Bulk lists in memory: what the service promises, without kernel, disk or expiry.

import { IdsError } from '../../../../common/errors.js';
import { choose, compareBatches, EMPTY_BATCH, inBoth, unionBatches } from '../../../../engine/lists/batch-ops.js';
import type {
  BulkLists,
  BulkOptions,
  Capacity,
  DiffResult,
  ExportChunk,
  ExportFilter,
  ListAction,
  PrefixBatch,
  ReplaceOptions,
  ReplaceResult,
} from '../../../../engine/lists/prefix-batch.js';
import type { BatchRefusal } from '../../../../engine/lists/refuse-batch.js';

interface Content {
  action: ListAction;
  forced: boolean;
  batch: PrefixBatch;
}

export class MemoryBulkLists implements BulkLists {
  readonly origins = new Map<string, Content>();
  readonly calls: { method: string; origin: string; count: number; options: BulkOptions }[] = [];
  limit = 1 << 24;
  readonly #refuse: (batch: PrefixBatch) => BatchRefusal;

  constructor(refuse = (batch: PrefixBatch): BatchRefusal => ({ accepted: batch, refusedCount: 0, refused: [] })) {
    this.#refuse = refuse;
  }

  /** What an origin lists. */
  batch(origin: string): PrefixBatch {
    return this.origins.get(origin)?.batch ?? EMPTY_BATCH;
  }

  #told(batch: PrefixBatch, { ttl, reason = '', until: end }: ReplaceOptions): PrefixBatch {
    const until = end ?? (ttl === undefined ? Infinity : Date.now() + ttl * 1000);
    const { extra } = batch;
    const reasons = ['', reason, ...(extra?.reasons.slice(1) ?? [])];
    const life = (count: number, given?: Float64Array): Float64Array =>
      Float64Array.from({ length: count }, (_, i) => (Number.isNaN(given?.[i] ?? NaN) ? until : (given?.[i] ?? until)));
    const note = (count: number, given?: Uint32Array): Uint32Array =>
      Uint32Array.from({ length: count }, (_, i) => ((given?.[i] ?? 0) === 0 ? 1 : (given?.[i] ?? 0) + 1));
    return {
      ...batch,
      extra: {
        expires4: life(batch.len4.length, extra?.expires4),
        expires6: life(batch.len6.length, extra?.expires6),
        reason4: note(batch.len4.length, extra?.reason4),
        reason6: note(batch.len6.length, extra?.reason6),
        reasons,
      },
    };
  }

  #state(extra = 0): Capacity {
    const entries4 = [...this.origins.values()].reduce((sum, { batch }) => sum + batch.len4.length, extra);
    const entries6 = [...this.origins.values()].reduce((sum, { batch }) => sum + batch.len6.length, 0);
    return { entries4, entries6, capacity4: this.limit, capacity6: this.limit };
  }

  #set(method: string, origin: string, batch: PrefixBatch, options: BulkOptions, replace: boolean): ReplaceResult {
    this.calls.push({ method, origin, count: batch.count, options });
    const { accepted, refusedCount, refused } = options.force
      ? { accepted: batch, refusedCount: 0, refused: [] }
      : this.#refuse(batch);
    const before = this.batch(origin);
    const told = this.#told(accepted, options);
    const { added, removed, kept } = compareBatches(before, told);
    if (this.#state().entries4 + added.count > this.limit) {
      throw new IdsError('LIST_FULL', 'the blocklist is full', { details: { requested: added.count } });
    }
    const rest = choose(before, inBoth(before, told).inA, 0);
    this.origins.set(origin, {
      action: options.action ?? 'drop',
      forced: options.forced ?? options.force ?? false,
      batch: replace ? told : unionBatches([rest, told]),
    });
    return {
      added: added.count,
      removed: replace ? removed.count : 0,
      kept: kept.count,
      refusedCount,
      refused,
      capacity: this.#state(),
    };
  }

  replaceOrigin(origin: string, batch: PrefixBatch, options: ReplaceOptions): Promise<ReplaceResult> {
    return Promise.resolve().then(() => this.#set('replaceOrigin', origin, batch, options, true));
  }

  async prolong(origin: string, from: number, to: number): Promise<void> {
    await Promise.resolve();
    const { extra } = this.batch(origin);
    for (const ends of extra ? [extra.expires4, extra.expires6] : [])
      ends.forEach((end, i) => (ends[i] = end === from ? to : end));
  }

  capacity(): Capacity {
    return this.#state();
  }

  importBatch(batch: PrefixBatch, options: BulkOptions & { readonly origin?: string }): Promise<ReplaceResult> {
    return Promise.resolve().then(() => this.#set('importBatch', options.origin ?? 'manual', batch, options, false));
  }

  removeBatch(origin: string, batch: PrefixBatch): Promise<number> {
    this.calls.push({ method: 'removeBatch', origin, count: batch.count, options: {} });
    const before = this.origins.get(origin);
    if (!before) return Promise.resolve(0);
    const rest = choose(before.batch, inBoth(before.batch, batch).inA, 0);
    this.origins.set(origin, { ...before, batch: rest });
    return Promise.resolve(before.batch.count - rest.count);
  }

  diff(
    batch: PrefixBatch,
    options: BulkOptions & { readonly origin?: string; readonly replace?: boolean },
  ): Promise<DiffResult> {
    const { accepted, refusedCount, refused } = options.force
      ? { accepted: batch, refusedCount: 0, refused: [] }
      : this.#refuse(batch);
    const { added, removed, kept } = compareBatches(this.batch(options.origin ?? 'manual'), accepted);
    const gone = options.replace ? removed : EMPTY_BATCH;
    return Promise.resolve({ added, removed: gone, kept: kept.count, refusedCount, refused });
  }

  async *exportEntries(filter: ExportFilter = {}): AsyncGenerator<ExportChunk> {
    await Promise.resolve();
    for (const [origin, { action, forced, batch }] of this.origins) {
      if (filter.origin !== undefined && filter.origin !== origin) continue;
      if (filter.action !== undefined && filter.action !== action) continue;
      yield { origin, action, forced, batch };
    }
  }
}
