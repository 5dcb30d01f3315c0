// SPDX-License-Identifier: Apache-2.0
// A change on probation: it is undone unless somebody who can still reach this host says otherwise in time.

import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import { IdsError, messageOf } from '../../common/errors.js';
import { decodeBatch, encodeBatch } from './batch-codec.js';
import { choose, inBoth, unionBatches } from './batch-ops.js';
import { pickColumns, type Import, type Replaced, type TakesBack } from './claims/take-back.js';
import { decodeFrames, encodeFrames } from './frames.js';
import type { BulkLists, BulkOptions, CreatedColumns, PrefixBatch, ReplaceResult } from './prefix-batch.js';

const headerSchema = z.object({
  origin: z.string(),
  /** Wall clock milliseconds. */
  deadline: z.number(),
  seconds: z.number(),
  /** Of the lists' clock: when the entries were listed. */
  created: z.number(),
});

/** Of entries that were listed before. */
const kindSchema = z.object({ action: z.enum(['drop', 'alert']), forced: z.boolean() });

type Pending = z.output<typeof headerSchema> &
  Import & {
    /** Its time is over: nobody can confirm it any more. */
    over?: boolean;
  };

export interface PendingChange {
  readonly origin: string;
  readonly entries: number;
  /** Wall clock milliseconds. */
  readonly deadline: number;
}

export interface ConfirmationsOptions {
  /** Where the way back is kept: a daemon that died in between goes it when it starts. */
  readonly file: string;
  readonly lists: BulkLists & TakesBack;
  readonly onRolledBack: (change: PendingChange) => void;
  readonly onError: (error: unknown) => void;
  readonly now?: () => number;
}

const MAX_ENTRIES = 100_000_000;

/** A way back that met an obstacle is gone again after this time. */
const RETRY_MS = 5_000;

/** Columns beside a batch as bytes, and back. */
function encodeColumns(columns: readonly CreatedColumns[]): Buffer {
  const parts = columns.flatMap(({ four, six }) => [four, six]);
  return Buffer.concat(parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength)));
}

function decodeColumns(bytes: Uint8Array, { len4, len6 }: PrefixBatch): [CreatedColumns, CreatedColumns] {
  const all = new Float64Array(Uint8Array.from(bytes).buffer);
  const [a, b] = [len4.length, len6.length];
  const from = (at: number): CreatedColumns => ({ four: all.slice(at, at + a), six: all.slice(at + a, at + a + b) });
  return [from(0), from(a + b)];
}

/** When each entry of a batch ends. */
function endsOf({ len4, len6, extra }: PrefixBatch, ttl: number | undefined, created: number): CreatedColumns {
  const common = ttl === undefined ? Infinity : created + ttl * 1000;
  const column = (count: number, said?: Float64Array): Float64Array =>
    Float64Array.from({ length: count }, (_, i) => (Number.isNaN(said?.[i] ?? NaN) ? common : (said?.[i] ?? common)));
  return { four: column(len4.length, extra?.expires4), six: column(len6.length, extra?.expires6) };
}

function syncFolder(file: string): void {
  const folder = openSync(dirname(file), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function writeDurably(file: string, bytes: Uint8Array): void {
  const fd = openSync(`${file}.new`, 'w', 0o600);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(`${file}.new`, file);
  syncFolder(file);
}

/** Owns the one change that may be on probation. */
export class Confirmations {
  readonly #options: ConfirmationsOptions;
  #pending: Pending | undefined;
  #timer: NodeJS.Timeout | undefined;
  #busy: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(options: ConfirmationsOptions) {
    this.#options = options;
  }

  /** Goes on with what an earlier daemon left: undoes it if its time is over, else waits for the rest of it. */
  static open(options: ConfirmationsOptions): Confirmations {
    const confirmations = new Confirmations(options);
    if (existsSync(options.file)) confirmations.#load();
    return confirmations;
  }

  #load(): void {
    try {
      const [first, ...others] = decodeFrames(readFileSync(this.#options.file));
      const fresh = decodeBatch(first ?? Buffer.alloc(0), MAX_ENTRIES);
      const before: Replaced[] = [];
      for (let at = 0; at + 1 < others.length; at += 2) {
        const { header, batch } = decodeBatch(others[at] ?? Buffer.alloc(0), MAX_ENTRIES);
        const [listed, ends] = decodeColumns(others[at + 1] ?? Buffer.alloc(0), batch);
        before.push({ ...kindSchema.parse(header), batch, listed, ends });
      }
      this.#pending = { ...headerSchema.parse(fresh.header), fresh: fresh.batch, before };
      this.#arm();
    } catch (error) {
      this.#options.onError(error);
    }
  }

  #now(): number {
    return this.#options.now?.() ?? Date.now();
  }

  get pending(): PendingChange | undefined {
    if (!this.#pending) return undefined;
    const { origin, fresh, before, deadline } = this.#pending;
    return { origin, deadline, entries: before.reduce((sum, { batch }) => sum + batch.count, fresh.count) };
  }

  /**
   * Imports a batch on probation of `seconds`. The way back is on the disk before anything changes. If all of it is
   * refused nothing is pending after it.
   * @throws IdsError CONFIRM_PENDING while another change waits, and what the import throws
   */
  async importBatch(
    batch: PrefixBatch,
    options: BulkOptions & { readonly origin: string },
    seconds: number,
  ): Promise<ReplaceResult & PendingChange> {
    const { lists, file } = this.#options;
    if (this.#pending) {
      const { origin, seconds: left } = this.#pending;
      throw new IdsError('CONFIRM_PENDING', `a change of ${origin} (${left} s) still waits: say "ids confirm" or wait`);
    }
    const { origin } = options;
    const before: Replaced[] = [];
    const created = lists.now();
    const pending = { origin, seconds, created, deadline: this.#now() + seconds * 1000, fresh: batch, before };
    this.#pending = pending;
    try {
      const lives = endsOf(batch, options.ttl, created);
      for await (const { action, forced, batch: old, created: times } of lists.exportEntries({ origin })) {
        const { inA, inB } = inBoth(old, batch);
        const both = choose(old, inA);
        if (both.count === 0 || !times) continue;
        before.push({ action, forced, batch: both, listed: pickColumns(times, inA), ends: pickColumns(lives, inB) });
      }
      pending.fresh = choose(batch, inBoth(unionBatches(before.map((one) => one.batch)), batch).inB, 0);
      const header = { origin, seconds, created, deadline: pending.deadline };
      const back = before.flatMap(({ batch: old, listed, ends, action, forced }) => [
        encodeBatch(old, { action, forced }),
        encodeColumns([listed, ends]),
      ]);
      writeDurably(file, encodeFrames([encodeBatch(pending.fresh, header), ...back]));
      const result = await lists.importBatch(batch, { ...options, created });
      pending.deadline = this.#now() + seconds * 1000;
      // Where all was refused there is nothing to undo, and nothing that others would have to wait for.
      if (result.added + result.kept > 0) this.#arm();
      else this.#forget();
      return { ...result, origin, deadline: pending.deadline, entries: batch.count };
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  #arm(least = 0): void {
    const { deadline = 0 } = this.#pending ?? {};
    clearTimeout(this.#timer);
    const wait = Math.min(2 ** 31 - 1, Math.max(least, deadline - this.#now()));
    this.#timer = setTimeout(() => {
      this.#busy = this.rollback().catch(this.#options.onError);
    }, wait);
    this.#timer.unref();
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pending = undefined;
    if (!existsSync(this.#options.file)) return;
    rmSync(this.#options.file);
    // A power cut must not bring it back.
    syncFolder(this.#options.file);
  }

  /** The change stays. @throws IdsError NOT_FOUND if none waits */
  confirm(): PendingChange {
    const { pending } = this;
    if (!pending || this.#pending?.over)
      throw new IdsError('NOT_FOUND', 'no change waits for a confirmation: none was made, or its time is over');
    this.#forget();
    return pending;
  }

  /** Undoes the change now. */
  async rollback(): Promise<void> {
    const pending = this.#pending;
    const told = this.pending;
    if (!pending || !told) return;
    clearTimeout(this.#timer);
    pending.over = true;
    const { lists, onRolledBack } = this.#options;
    try {
      await lists.takeBack(pending);
    } catch (error) {
      // What was taken off stays off meanwhile; the file stays for the next daemon.
      if (!this.#closed) this.#arm(RETRY_MS);
      throw new IdsError('STORE_FAILED', `an unconfirmed change is not undone yet: ${messageOf(error)}`, {
        cause: error,
      });
    }
    if (this.#pending === pending) this.#forget();
    onRolledBack(told);
  }

  /** Ends the waiting; the file stays, so that the next daemon goes on. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#busy;
  }
}
