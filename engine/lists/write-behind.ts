// SPDX-License-Identifier: Apache-2.0
// Changes that are in force and that nobody waits for: on their way to the disk, many in one transaction.

import { persistClaim } from './claims/changes.js';
import type { ClaimIndex } from './claims/claim-index.js';
import type { OwnEntry } from './claims/own-claims.js';
import type { ListStore, Offence } from './list-store.js';

/** They reach the disk within this time. */
const FLUSH_MS = 100;

/** Collects claims and offences and writes them soon. */
export class WriteBehind {
  readonly #store: ListStore;
  readonly #index: ClaimIndex;
  #claims = new Map<OwnEntry, Set<string>>();
  #offences: Offence[] = [];
  #timer: NodeJS.Timeout | undefined;
  #failure: unknown;

  constructor(store: ListStore, index: ClaimIndex) {
    this.#store = store;
    this.#index = index;
  }

  /** What kept the last write from happening; everything stays here for the next one. */
  get failure(): unknown {
    return this.#failure;
  }

  noteClaim(entry: OwnEntry, origin: string): void {
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
        // An entry that was removed or went into the bulk of its origin meanwhile has nothing left to keep.
        if (this.#index.own.get(entry.key) !== entry) continue;
        for (const claim of entry.claims) {
          if (origins.has(claim.origin)) persistClaim(this.#store, this.#index, entry.prefix, claim);
        }
      }
      for (const offence of this.#offences) this.#store.putOffence(offence);
    });
    this.#claims = new Map();
    this.#offences = [];
    this.#failure = undefined;
  }
}
