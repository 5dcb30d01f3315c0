// SPDX-License-Identifier: Apache-2.0
// Numbers of origins: the kernel counts packets by them and blocked events carry them.

import { Limit } from '../../common/abi.gen.js';

/** Shared by every origin that finds no number of its own. */
const OTHER = Limit.ORIGINS - 1;

/** Names and numbers of blocklist origins. A number stays with its name until another name needs it. */
export class Origins {
  readonly #ids = new Map<string, number>();
  readonly #names = new Map<number, string>();
  readonly #uses = new Map<string, number>();
  readonly #persist: (id: number, name: string) => void;
  #next = 1;

  constructor(known: readonly (readonly [number, string])[], persist: (id: number, name: string) => void) {
    this.#persist = persist;
    for (const [id, name] of known) {
      this.#ids.set(name, id);
      this.#names.set(id, name);
    }
  }

  /** The name behind a number, as a blocked event carries it. */
  name(id: number): string {
    return this.#names.get(id) ?? (id === OTHER ? 'other' : 'unknown');
  }

  /** Counts a claim of this origin in (+1) or out (-1). */
  use(name: string, by: 1 | -1): void {
    const uses = (this.#uses.get(name) ?? 0) + by;
    if (uses > 0) this.#uses.set(name, uses);
    else this.#uses.delete(name);
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
    this.#persist(id, name);
    return id;
  }

  #free(): number {
    while (this.#next < OTHER && this.#names.has(this.#next)) this.#next++;
    if (this.#next < OTHER) return this.#next;
    for (const [id, name] of this.#names) if (!this.#uses.has(name)) return id;
    return OTHER;
  }
}
