// SPDX-License-Identifier: Apache-2.0
// What an origin lists becomes something else: planned, on the disk, then in the kernel; additions first, so that what
// stays never pauses, and all of it taken back where there is no room after all.

import { setTimeout as pause } from 'node:timers/promises';
import { IdsError } from '../../common/errors.js';
import { activate, planChange, prepare, type Plan } from './claims/bulk-change.js';
import type { ClaimIndex } from './claims/claim-index.js';
import { encodeContent } from './claims/content-file.js';
import { countOf, type Content, type MergeOptions } from './claims/content.js';
import type { Enforcer } from './claims/enforcer.js';
import { atOnce, inSlices } from './claims/slices.js';
import type { ListStore } from './list-store.js';
import type { Capacity, ReplaceResult } from './prefix-batch.js';
import { listFull } from './table/full.js';

export interface ContentChangesOptions {
  readonly index: ClaimIndex;
  readonly enforcer: Enforcer;
  readonly store: ListStore;
}

/** Freed places of the kernel's table rest for two seconds: a change that needs them waits. */
const REST_MS = 2500;

/** What an origin puts. */
export interface Put {
  readonly origin: string;
  readonly put: Content;
}

/** What an origin puts, and what that comes to. */
interface Step {
  readonly plan: Plan;
  readonly put: Content;
}

export type ChangeResult = Pick<ReplaceResult, 'added' | 'removed' | 'kept'>;

function resultOf({ merged: { added, kept, removed } }: Plan): ChangeResult {
  return { added, kept, removed: removed.four.len.length + removed.six.len.length };
}

/** One change at a time: who calls sees to that. */
export class ContentChanges {
  readonly #options: ContentChangesOptions;

  constructor(options: ContentChangesOptions) {
    this.#options = options;
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

  /** Changes that many small origins make together, with one wait for the disk: all of them or none. */
  async together(changes: readonly Put[]): Promise<ChangeResult[]> {
    const staged: Step[] = [];
    const takeBack = async (): Promise<void> => {
      for (const { plan } of staged.reverse()) await this.change(plan.origin, plan.old, { replace: true });
    };
    try {
      this.#stage(changes, staged);
      await this.#enforce(staged);
    } catch (error) {
      // If the disk has none of them, memory goes back too.
      await takeBack();
      throw error;
    }
    return staged.map(({ plan }) => resultOf(plan));
  }

  /** Up to the disk, in one transaction and without a pause. */
  #stage(changes: readonly Put[], staged: Step[]): void {
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

  /** @param later takes note of an origin whose content goes although the disk refuses */
  async change(
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
    return resultOf(plan);
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
