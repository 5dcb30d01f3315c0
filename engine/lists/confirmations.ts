// SPDX-License-Identifier: Apache-2.0
// A change on probation: it is undone unless somebody who can still reach this host says otherwise in time.

import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import { IdsError, messageOf } from '../../common/errors.js';
import { decodeBatch, encodeBatch } from './batch-codec.js';
import { choose, inBoth, unionBatches } from './batch-ops.js';
import { decodeFrames, encodeFrames } from './frames.js';
import type { BulkLists, BulkOptions, PrefixBatch, ReplaceResult } from './prefix-batch.js';

const headerSchema = z.object({
  origin: z.string(),
  /** Wall clock milliseconds. */
  deadline: z.number(),
  seconds: z.number(),
});

/** Of entries that were listed before. */
const kindSchema = z.object({ action: z.enum(['drop', 'alert']), forced: z.boolean() });

interface Before extends z.output<typeof kindSchema> {
  readonly batch: PrefixBatch;
}

interface Pending extends z.output<typeof headerSchema> {
  /** What the origin did not list before. */
  readonly fresh: PrefixBatch;
  /** What the origin said before about the others, a kind after the other. */
  readonly before: readonly Before[];
}

export interface PendingChange {
  readonly origin: string;
  readonly entries: number;
  /** Wall clock milliseconds. */
  readonly deadline: number;
}

export interface ConfirmationsOptions {
  /** Where the way back is kept: a daemon that died in between goes it when it starts. */
  readonly file: string;
  readonly lists: BulkLists;
  readonly onRolledBack: (change: PendingChange) => void;
  readonly onError: (error: unknown) => void;
  readonly now?: () => number;
}

const MAX_ENTRIES = 100_000_000;

function writeDurably(file: string, bytes: Uint8Array): void {
  const fd = openSync(`${file}.new`, 'w', 0o600);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(`${file}.new`, file);
  const folder = openSync(dirname(file), 'r');
  fsyncSync(folder);
  closeSync(folder);
}

/** Owns the one change that may be on probation. */
export class Confirmations {
  readonly #options: ConfirmationsOptions;
  #pending: Pending | undefined;
  #timer: NodeJS.Timeout | undefined;
  #busy: Promise<unknown> = Promise.resolve();

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
      const before = others.map((bytes): Before => {
        const { header, batch } = decodeBatch(bytes, MAX_ENTRIES);
        return { ...kindSchema.parse(header), batch };
      });
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
    const before: Before[] = [];
    const pending = { origin, seconds, deadline: this.#now() + seconds * 1000, fresh: batch, before };
    this.#pending = pending;
    try {
      for await (const { action, forced, batch: old } of lists.exportEntries({ origin })) {
        const both = choose(old, inBoth(old, batch).inA);
        if (both.count > 0) before.push({ action, forced, batch: both });
      }
      pending.fresh = choose(batch, inBoth(unionBatches(before.map((one) => one.batch)), batch).inB, 0);
      const header = { origin, seconds, deadline: pending.deadline };
      const back = before.map(({ batch: old, ...kind }) => encodeBatch(old, kind));
      writeDurably(file, encodeFrames([encodeBatch(pending.fresh, header), ...back]));
      const result = await lists.importBatch(batch, options);
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

  #arm(): void {
    const { deadline = 0 } = this.#pending ?? {};
    clearTimeout(this.#timer);
    const wait = Math.min(2 ** 31 - 1, Math.max(0, deadline - this.#now()));
    this.#timer = setTimeout(() => {
      this.#busy = this.rollback().catch(this.#options.onError);
    }, wait);
    this.#timer.unref();
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pending = undefined;
    rmSync(this.#options.file, { force: true });
  }

  /** The change stays. @throws IdsError NOT_FOUND if none waits */
  confirm(): PendingChange {
    const { pending } = this;
    if (!pending)
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
    const { origin, fresh, before } = pending;
    const { lists, onRolledBack } = this.#options;
    try {
      if (fresh.count > 0) await lists.removeBatch(origin, fresh);
      // It was listed before: the guard has no say.
      for (const { batch, ...kind } of before) await lists.importBatch(batch, { origin, ...kind, force: true });
    } catch (error) {
      throw new IdsError('STORE_FAILED', `an unconfirmed change could not be undone: ${messageOf(error)}`, {
        cause: error,
      });
    }
    if (this.#pending === pending) this.#forget();
    onRolledBack(told);
  }

  /** Ends the waiting; the file stays, so that the next daemon goes on. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#busy;
  }
}
