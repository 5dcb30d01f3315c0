// SPDX-License-Identifier: Apache-2.0
// Whole lists come in one after the other: each may take hundreds of megabytes while it is here.

import { IdsError } from '../../common/errors.js';

export class Turns {
  readonly #waitMs: number;
  readonly #waiting: (() => void)[] = [];
  #taken = false;

  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  /** Resolves when it is the caller's turn, with what ends it. @throws IdsError DAEMON_BUSY if that takes too long */
  async take(): Promise<() => void> {
    if (this.#taken) await this.#wait();
    this.#taken = true;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const next = this.#waiting.shift();
      if (next) next();
      else this.#taken = false;
    };
  }

  #wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      const start = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(start), 1);
        const text = `the daemon was at work on other lists for ${this.#waitMs / 1000} s: try again when it is done`;
        reject(new IdsError('DAEMON_BUSY', text));
      }, this.#waitMs);
      this.#waiting.push(start);
    });
  }
}
