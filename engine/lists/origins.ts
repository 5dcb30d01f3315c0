// SPDX-License-Identifier: Apache-2.0
// Numbers of origins: the kernel counts packets by them and blocked events carry them.

import { Limit } from '../../common/abi.gen.js';

/** Shared by every origin that finds no number of its own. */
const OTHER = Limit.ORIGINS - 1;

export interface OriginsOptions {
  readonly known: readonly (readonly [number, string])[];
  /** Remembers a number and tells the kernel of it. */
  readonly announce: (id: number, name: string) => void;
  /** Whether an origin lists anything. */
  readonly inUse: (name: string) => boolean;
}

/** Names and numbers of blocklist origins. A number stays with its name until another name needs it. */
export class Origins {
  readonly #ids = new Map<string, number>();
  readonly #names = new Map<number, string>();
  readonly #options: OriginsOptions;
  #next = 1;

  constructor(options: OriginsOptions) {
    this.#options = options;
    for (const [id, name] of options.known) {
      this.#ids.set(name, id);
      this.#names.set(id, name);
    }
  }

  /** Numbers handed out so far. */
  *ids(): Generator<number> {
    yield* this.#names.keys();
    yield OTHER;
  }

  /** The name behind a number, as a blocked event carries it. */
  name(id: number): string {
    return this.#names.get(id) ?? (id === OTHER ? 'other' : 'unknown');
  }

  /** The number of an origin, handing one out to a new name. */
  id(name: string): number {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    const id = this.#free();
    if (id === OTHER) return OTHER;
    const old = this.#names.get(id);
    if (old !== undefined) this.#ids.delete(old);
    this.#ids.set(name, id);
    this.#names.set(id, name);
    this.#options.announce(id, name);
    return id;
  }

  #free(): number {
    while (this.#next < OTHER && this.#names.has(this.#next)) this.#next++;
    if (this.#next < OTHER) return this.#next;
    for (const [id, name] of this.#names) if (!this.#options.inUse(name)) return id;
    return OTHER;
  }
}
