// SPDX-License-Identifier: Apache-2.0
// Desired against enforced: what is listed is compared with what the kernel has, and mended.

import type { ReconcilerFigures } from '../api/api.js';
import type { ClaimIndex } from './claims/claim-index.js';
import type { Enforcer } from './claims/enforcer.js';
import { prefixAt } from './claims/keys.js';
import { listed } from './claims/listing.js';
import { atOnce, inSlices, type Work } from './claims/slices.js';
import type { FamilyCount } from './table/index.js';

/** Some entries are looked at this often, all of them this often. */
const SAMPLE_MS = 3_000;
const PASS_MS = 300_000;
/** Entries of a sample: a table that lost a thousandth is found out at once. */
const SAMPLE = 4_096;
/** Entries that are compared with what is listed, of one origin and of all: each is looked for in every other origin too. */
const ORIGIN_SAMPLE = 64;
const ORIGINS_SAMPLE = 256;
/** Lists up to this many prefixes are looked at as a whole. */
const FEW = 1_000;
/** A pass in the background leaves this much time to others between its slices. */
const REST_MS = 20;

/** Work that is given up, and then has no result, as soon as it may not go on. */
function* whileAllowed<T>(work: Work<T>, allowed: () => boolean): Work<T | undefined> {
  while (allowed()) {
    const step = work.next();
    if (step.done) return step.value;
    yield;
  }
  return undefined;
}

export class Reconciler {
  readonly #index: ClaimIndex;
  readonly #enforcer: Enforcer;
  readonly #onError: (error: unknown) => void;
  /** A change in bulk or a large sweep is under way: the kernel has not all of it yet. */
  readonly #busy: () => boolean;
  #timers: NodeJS.Timeout[] = [];
  #passing = false;
  #closed = false;
  #repairs = 0;
  #samples = 0;
  #passes = 0;
  #lastPass = 0;

  /** A pass was given up for a change and has to be made up for. */
  #owed = false;

  constructor(index: ClaimIndex, enforcer: Enforcer, onError: (error: unknown) => void, busy: () => boolean) {
    this.#index = index;
    this.#enforcer = enforcer;
    this.#onError = onError;
    this.#busy = busy;
  }

  start(): void {
    const every = (ms: number, work: () => void): NodeJS.Timeout => setInterval(() => this.#guarded(work), ms).unref();
    this.#timers = [every(SAMPLE_MS, () => this.sample()), every(PASS_MS, () => this.passSoon())];
    // The table has compared its memory when it was opened; what is listed is compared with it now.
    if (this.#passes === 0) this.#behind(this.#compare());
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#onError(error);
    }
  }

  /** Looks at some entries; a difference has everything compared. */
  sample(): void {
    this.#samples++;
    if (!this.#looksRight()) {
      this.#mend();
      this.passSoon();
    } else if (!this.#busy() && (this.#owed || this.#differs())) this.passSoon();
  }

  /** Whether some entries, of a short list all, are in the kernel's memory as they were written. */
  #looksRight(): boolean {
    const { table } = this.#enforcer;
    const { missing, foreign, index } = table.sample(SAMPLE);
    if (missing + foreign + index > 0) return false;
    if (table.size4 + table.size6 > FEW) return true;
    const slots = this.#slots();
    const { four, six } = table.intact(slots);
    return four + six === slots.length;
  }

  /** Places of the prefixes that are listed. */
  #slots(): Uint32Array {
    const slots: number[] = [];
    for (const { prefix } of listed(this.#index)) {
      const slot = this.#enforcer.table.find(prefix);
      if (slot >= 0) slots.push(slot);
    }
    return Uint32Array.from(slots);
  }

  /** Prefixes that the kernel's memory holds as they were written, as far as a sample shows; counted if it shows a difference. */
  enforced(): FamilyCount {
    const { table } = this.#enforcer;
    return this.#looksRight() ? { four: table.size4, six: table.size6 } : table.intact();
  }

  /** The kernel's memory is not what was written into it. */
  #mend(): void {
    const { missing, foreign, index } = this.#enforcer.table.repair();
    this.#repairs += missing + foreign + index;
  }

  /** Entries at random, as listed and as the table has them. */
  #differs(): boolean {
    const { table } = this.#enforcer;
    const share = ORIGINS_SAMPLE / this.#index.segments.size;
    for (const segment of this.#index.segments.values()) {
      // Of a thousand origins some have their turn.
      if (Math.random() > share) continue;
      for (const part of [segment.four, segment.six]) {
        const count = part.keys.len.length;
        for (let n = 0; n < Math.min(ORIGIN_SAMPLE, Math.ceil(share), count); n++) {
          const at = Math.floor(Math.random() * count);
          if (!part.isAlive(at)) continue;
          const prefix = prefixAt(part.keys, at);
          const wanted = this.#enforcer.value(prefix);
          const found = table.get(prefix);
          if (wanted && (found?.expires !== wanted.expires || found.set !== wanted.set)) return true;
        }
      }
    }
    return false;
  }

  /** Compares everything now, at once. */
  now(): { put: number; removed: number } {
    this.#mend();
    return this.first();
  }

  /** As `now`, for a table that has just compared its memory with what was written into it. */
  first(): { put: number; removed: number } {
    return this.#done(atOnce(this.#enforcer.pass(() => false, 'lasting')));
  }

  #done(repairs: { put: number; removed: number }): { put: number; removed: number } {
    this.#repairs += repairs.put + repairs.removed;
    this.#passes++;
    this.#lastPass = Date.now();
    return repairs;
  }

  /** Compares everything in the background. */
  passSoon(): void {
    if (!this.#closed && !this.#passing) this.#behind(this.#pass());
  }

  #behind(work: Promise<void>): void {
    this.#passing = true;
    void work.catch(this.#onError).finally(() => (this.#passing = false));
  }

  async #pass(): Promise<void> {
    this.#mend();
    await this.#compare();
  }

  /** What is listed against what was written; given up, and owed, when a change in bulk comes in between. */
  async #compare(): Promise<void> {
    const pass = this.#enforcer.pass(() => this.#closed, 'lasting');
    const repairs = await inSlices(
      whileAllowed(pass, () => !this.#closed && !this.#busy()),
      REST_MS,
    );
    this.#owed = repairs === undefined;
    if (repairs) this.#done(repairs);
  }

  figures(): ReconcilerFigures {
    return {
      samples: this.#samples,
      passes: this.#passes,
      repairs: this.#repairs,
      ...(this.#lastPass > 0 ? { lastPass: new Date(this.#lastPass).toISOString() } : {}),
    };
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
  }
}
