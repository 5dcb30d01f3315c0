// SPDX-License-Identifier: Apache-2.0
// Repeat offenders stay longer: each block of a source that is remembered is longer than the one before.

import { formatAddress } from '../../common/address.js';
import type { ResponseRule } from '../config/index.js';
import type { Offence } from '../lists/index.js';

/** Keeps records where they survive a restart. */
export interface OffenceStore {
  offences(): Iterable<Offence>;
  noteOffence(offence: Offence): void;
}

/** Sources remembered at once; only proven ones or those that a rule trusts get here. */
const LIMIT = 65_536;

/** Counts blocks by source and says how long the next one lasts. */
export class Escalation {
  readonly #records = new Map<string, Offence>();
  readonly #store: OffenceStore;

  constructor(store: OffenceStore) {
    this.#store = store;
    for (const offence of store.offences()) this.#records.set(formatAddress(offence.address), offence);
  }

  /** Earlier blocks of a source that still count. */
  repeats(address: Uint8Array, now: number): number {
    const record = this.#records.get(formatAddress(address));
    return record && record.until > now ? record.count : 0;
  }

  /** Seconds of a block: `block` times `factor` for each repeat, `max` at most. */
  seconds(rule: ResponseRule, repeats: number): number {
    const { block, escalate } = rule;
    if (!escalate) return block;
    return Math.round(Math.min(Math.max(block, escalate.max), block * escalate.factor ** Math.min(repeats, 1000)));
  }

  /** Remembers a block of `seconds` for the rule's memory beyond its end. */
  note(rule: ResponseRule, address: Uint8Array, seconds: number, now: number): void {
    if (!rule.escalate) return;
    const key = formatAddress(address);
    const count = this.repeats(address, now) + 1;
    const offence = { address, count, until: now + (seconds + rule.escalate.memory) * 1000 };
    this.#records.delete(key);
    this.#records.set(key, offence);
    this.#store.noteOffence(offence);
    if (this.#records.size <= LIMIT) return;
    for (const oldest of this.#records.keys()) {
      this.#records.delete(oldest);
      return;
    }
  }
}
