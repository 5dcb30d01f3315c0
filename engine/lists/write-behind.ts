// SPDX-License-Identifier: Apache-2.0
// Changes that are in force and that nobody waits for: on their way to the disk, many in one transaction.

import type { EnforcedList, Entry } from './enforced-list.js';
import type { ListStore, Offence } from './list-store.js';

/** They reach the disk within this time. */
const FLUSH_MS = 100;

/** Collects claims and offences and writes them soon. */
export class WriteBehind {
  readonly #store: ListStore;
  readonly #list: EnforcedList;
  #claims = new Map<Entry, Set<string>>();
  #offences: Offence[] = [];
  #timer: NodeJS.Timeout | undefined;
  #failure: unknown;

  constructor(store: ListStore, list: EnforcedList) {
    this.#store = store;
    this.#list = list;
  }

  /** What kept the last write from happening; everything stays here for the next one. */
  get failure(): unknown {
    return this.#failure;
  }

  noteClaim(entry: Entry, origin: string): void {
    const origins = this.#claims.get(entry);
    if (origins) origins.add(origin);
    else this.#claims.set(entry, new Set([origin]));
    this.#soon();
  }

  noteOffence(offence: Offence): void {
    this.#offences.push(offence);
    this.#soon();
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      try {
        this.flush();
      } catch (error) {
        this.#failure = error;
      }
    }, FLUSH_MS).unref();
  }

  /** Writes everything now. @throws IdsError STORE_FAILED */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#claims.size === 0 && this.#offences.length === 0) return;
    this.#store.transaction(() => {
      for (const [entry, origins] of this.#claims) {
        // An entry that was removed meanwhile has nothing left to keep.
        if (this.#list.get(entry.prefix) !== entry) continue;
        this.#store.putSlot(entry.prefix, { slot: entry.slot, ...entry.base });
        for (const origin of origins) {
          const claim = entry.claims.get(origin);
          if (claim) this.#store.putClaim(entry.prefix, claim);
        }
      }
      for (const offence of this.#offences) this.#store.putOffence(offence);
    });
    this.#claims = new Map();
    this.#offences = [];
    this.#failure = undefined;
  }
}
