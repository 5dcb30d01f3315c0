// SPDX-License-Identifier: Apache-2.0
// One wait for the disk for all single changes that came in meanwhile.

import type { Staged } from './claims/changes.js';
import type { ListStore } from './list-store.js';

interface Waiting {
  readonly stage: () => Staged<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class GroupCommit {
  readonly #store: ListStore;
  #waiting: Waiting[] = [];

  constructor(store: ListStore) {
    this.#store = store;
  }

  /** Makes a change now: on the disk when this returns, undone when it throws. */
  now<T>(stage: () => Staged<T>): T {
    const staged = stage();
    try {
      this.#store.transaction(staged.persist);
    } catch (error) {
      staged.undo();
      throw error;
    }
    return staged.result;
  }

  /** Makes a change with all others of this turn of the event loop. */
  soon<T>(stage: () => Staged<T>): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.#waiting.push({ stage, resolve, reject }) === 1) setImmediate(() => this.#commit());
    }) as Promise<T>;
  }

  #commit(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    const done: { staged: Staged<unknown>; one: Waiting }[] = [];
    for (const one of waiting) {
      try {
        done.push({ staged: one.stage(), one });
      } catch (error) {
        one.reject(error);
      }
    }
    if (done.length === 0) return;
    try {
      this.#store.transaction(() => done.forEach(({ staged }) => staged.persist()));
    } catch (error) {
      for (const { staged, one } of done.reverse()) {
        staged.undo();
        one.reject(error);
      }
      return;
    }
    for (const { staged, one } of done) one.resolve(staged.result);
  }
}
