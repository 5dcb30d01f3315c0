// SPDX-License-Identifier: Apache-2.0
// Changes that are in force and that nobody waits for: on their way to the disk, many in one transaction. What is written
// is how things stand then, so that it does not matter what else has reached the disk meanwhile.

import { formatPrefix, type Prefix } from '../../common/address.js';
import { persistClaim } from './claims/changes.js';
import type { ClaimIndex } from './claims/claim-index.js';
import { keyOf } from './claims/keys.js';
import type { ListStore, Offence } from './list-store.js';

/** They reach the disk within this time, or are tried again after that one. */
const FLUSH_MS = 100;
const RETRY_MS = 1_000;

/** Prefixes and offences that are remembered; of more prefixes every claim is written. */
const MOST = 50_000;

interface Touched {
  readonly prefix: Prefix;
  readonly origins: Set<string>;
}

/** Collects claims and offences and writes them soon. */
export class WriteBehind {
  readonly #store: ListStore;
  readonly #index: ClaimIndex;
  readonly #most: number;
  readonly #touched = new Map<string, Touched>();
  readonly #cleared = new Set<string>();
  readonly #offences = new Map<string, Offence>();
  /** More was changed than is remembered. */
  #all = false;
  #timer: NodeJS.Timeout | undefined;
  #failure: unknown;

  constructor(store: ListStore, index: ClaimIndex, most = MOST) {
    this.#store = store;
    this.#index = index;
    this.#most = most;
  }

  /** What kept the last write from happening; everything stays here for the next one. */
  get failure(): unknown {
    return this.#failure;
  }

  /** What an origin says about a prefix has changed: listed, or not any more. */
  note(prefix: Prefix, origin: string): void {
    const name = formatPrefix(prefix);
    const touched = this.#touched.get(name);
    if (touched) touched.origins.add(origin);
    else if (this.#touched.size < this.#most) this.#touched.set(name, { prefix, origins: new Set([origin]) });
    else this.#all = true;
    this.#arm(FLUSH_MS);
  }

  /** All that an origin listed was taken off. */
  noteCleared(origin: string): void {
    this.#cleared.add(origin);
    this.#arm(FLUSH_MS);
  }

  noteOffence(offence: Offence): void {
    const name = Buffer.from(offence.address).toString('latin1');
    this.#offences.delete(name);
    this.#offences.set(name, offence);
    // The oldest is the first to be forgotten in memory too.
    for (const [oldest] of this.#offences) {
      if (this.#offences.size <= this.#most) break;
      this.#offences.delete(oldest);
    }
    this.#arm(FLUSH_MS);
  }

  #arm(ms: number): void {
    this.#timer ??= setTimeout(() => {
      try {
        this.flush();
      } catch {
        // Kept as `failure`, and tried again.
      }
    }, ms).unref();
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Writes everything now. @throws IdsError STORE_FAILED; it is tried again then */
  flush(): void {
    this.#disarm();
    if (this.#touched.size + this.#cleared.size + this.#offences.size === 0) return;
    const files: (string | undefined)[] = [];
    try {
      this.#store.transaction(() => {
        for (const origin of this.#cleared) files.push(this.#writeCleared(origin));
        if (this.#all) this.#writeAll();
        for (const { prefix, origins } of this.#touched.values()) {
          for (const origin of origins) this.#write(prefix, origin);
        }
        for (const offence of this.#offences.values()) this.#store.putOffence(offence);
      });
    } catch (error) {
      this.#failure = error;
      this.#arm(RETRY_MS);
      throw error;
    }
    for (const file of files) this.#store.contents.remove(file);
    this.#touched.clear();
    this.#cleared.clear();
    this.#offences.clear();
    this.#all = false;
    this.#failure = undefined;
  }

  /** Gives up: what is not written is gone with the process. */
  close(): void {
    this.#disarm();
  }

  /** What an origin says about a prefix now. */
  #write(prefix: Prefix, origin: string): void {
    const key = keyOf(prefix);
    const claim = this.#index.own.get(key)?.claims.find((one) => one.origin === origin);
    if (claim) return persistClaim(this.#store, this.#index, prefix, claim);
    this.#store.deleteClaim(prefix, origin);
    const bulk = this.#index.segments.get(origin)?.find(key);
    if (bulk && !bulk.part.isAlive(bulk.at)) this.#store.putGone(origin, prefix);
  }

  /** Gives the file that held what was taken off. */
  #writeCleared(origin: string): string | undefined {
    // What was put in its place since has reached the disk.
    if (this.#index.segments.has(origin)) return undefined;
    const file = this.#store.bulkFile(origin);
    this.#store.clearClaims(origin);
    this.#store.deleteBulk(origin);
    for (const { prefix, claims } of this.#index.own.entries()) {
      for (const claim of claims) if (claim.origin === origin) this.#store.putClaim(prefix, claim);
    }
    return file;
  }

  /** Every single claim, and what of the bulk does not hold any more. */
  #writeAll(): void {
    const { own, segments } = this.#index;
    const stored = [...this.#store.claims()];
    for (const { prefix, claim } of stored) {
      const known = own.get(keyOf(prefix))?.claims.some((one) => one.origin === claim.origin);
      if (!known) this.#store.deleteClaim(prefix, claim.origin);
    }
    for (const { prefix, claims } of own.entries()) {
      for (const claim of claims) persistClaim(this.#store, this.#index, prefix, claim);
    }
    for (const segment of segments.values()) {
      for (const prefix of segment.gone(Date.now())) this.#store.putGone(segment.origin, prefix);
    }
  }
}
