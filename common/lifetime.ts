// SPDX-License-Identifier: Apache-2.0
// Owners of resources are closed once, in the reverse order of opening.

export type Closer = () => void | Promise<void>;

/** Collects what was opened; `close()` undoes it in reverse order, once, and reports the first failure after trying all. */
export class Lifetime {
  #closers: Closer[] = [];
  #closing: Promise<void> | undefined;

  /** Registers how to undo something that was just opened. */
  defer(closer: Closer): void {
    this.#closers.push(closer);
  }

  /** Registers an owner and hands it back. */
  own<T extends { close(): void | Promise<void> }>(owner: T): T {
    this.defer(() => owner.close());
    return owner;
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (let closer = this.#closers.pop(); closer; closer = this.#closers.pop()) {
      try {
        await closer();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
