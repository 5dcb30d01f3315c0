// SPDX-License-Identifier: Apache-2.0
// One wait for the disk for all single changes that came in meanwhile.

import type { Staged } from './claims/changes.js';
import type { ListStore } from './list-store.js';

/** A change that is made when it is called. */
type Stage<T> = () => Staged<T>;

interface Waiting {
  readonly stage: Stage<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class GroupCommit {
  readonly #store: ListStore;
  #waiting: Waiting[] = [];

  constructor(store: ListStore) {
    this.#store = store;
  }

  /** Makes a change now: on the disk when this returns, undone when it throws. One that may be written later stays. */
  now<T>(stage: Stage<T>): T {
    const staged = stage();
    try {
      this.#store.transaction(staged.persist);
    } catch (error) {
      if (!staged.later) {
        staged.undo();
        throw error;
      }
      staged.later();
    }
    return staged.result;
  }

  /** Makes a change with all others of this turn of the event loop. */
  soon<T>(stage: Stage<T>): Promise<T> {
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
      // All of them go back, in reverse; then what may be written later is done again, upon what is left.
      for (const { staged } of [...done].reverse()) staged.undo();
      for (const { staged, one } of done) {
        if (staged.later) this.#again(one);
        else one.reject(error);
      }
      return;
    }
    for (const { staged, one } of done) one.resolve(staged.result);
  }

  #again({ stage, resolve, reject }: Waiting): void {
    try {
      const staged = stage();
      staged.later?.();
      resolve(staged.result);
    } catch (error) {
      reject(error);
    }
  }
}
