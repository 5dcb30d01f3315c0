// SPDX-License-Identifier: Apache-2.0
// What many entries of an origin have in common, once: when they were listed, until when, why, and what happens to them.

import { actionOf, flagsOf, type Claim } from './claim.js';

export interface GroupColumns {
  readonly created: Float64Array;
  readonly expires: Float64Array;
  readonly reason: Uint32Array;
  readonly flags: Uint8Array;
  readonly reasons: readonly string[];
}

export type GroupValue = Omit<Claim, 'origin'>;

/** A table of groups that grows; equal values share a number. */
export class Groups {
  #count = 0;
  #created = new Float64Array(4);
  #expires = new Float64Array(4);
  #reason = new Uint32Array(4);
  #flags = new Uint8Array(4);
  readonly #reasons: string[] = [];
  readonly #reasonIds = new Map<string, number>();
  /** Numbers by everything but the expiry, then by the expiry: most lists have one or two of the first. */
  readonly #known = new Map<string, Map<number, number>>();

  static of(columns: GroupColumns): Groups {
    const groups = new Groups();
    groups.#count = columns.created.length;
    groups.#created = Float64Array.from(columns.created);
    groups.#expires = Float64Array.from(columns.expires);
    groups.#reason = Uint32Array.from(columns.reason);
    groups.#flags = Uint8Array.from(columns.flags);
    groups.#reasons.push(...columns.reasons);
    return groups;
  }

  get count(): number {
    return this.#count;
  }

  created(group: number): number {
    return this.#created[group] ?? 0;
  }

  expires(group: number): number {
    return this.#expires[group] ?? 0;
  }

  flags(group: number): number {
    return this.#flags[group] ?? 0;
  }

  reason(group: number): string {
    return this.#reasons[this.#reason[group] ?? 0] ?? '';
  }

  value(group: number): GroupValue {
    const flags = this.flags(group);
    return {
      reason: this.reason(group),
      created: this.created(group),
      expires: this.expires(group),
      forced: (flags & 1) !== 0,
      action: actionOf(flags),
    };
  }

  #reasonId(reason: string): number {
    let id = this.#reasonIds.get(reason);
    if (id === undefined) {
      id = this.#reasons.push(reason) - 1;
      this.#reasonIds.set(reason, id);
    }
    return id;
  }

  /** The number of a value, a new one if need be. Only for a table that was built by this method alone. */
  add(value: GroupValue): number {
    const kind = `${value.created} ${flagsOf(value)} ${value.reason}`;
    const byExpiry = this.#known.get(kind) ?? new Map<number, number>();
    this.#known.set(kind, byExpiry);
    const known = byExpiry.get(value.expires);
    if (known !== undefined) return known;
    if (this.#count === this.#created.length) this.#grow();
    const group = this.#count++;
    this.#created[group] = value.created;
    this.#expires[group] = value.expires;
    this.#reason[group] = this.#reasonId(value.reason);
    this.#flags[group] = flagsOf(value);
    byExpiry.set(value.expires, group);
    return group;
  }

  #grow(): void {
    const size = this.#count * 2;
    const created = new Float64Array(size);
    created.set(this.#created);
    this.#created = created;
    const expires = new Float64Array(size);
    expires.set(this.#expires);
    this.#expires = expires;
    const reason = new Uint32Array(size);
    reason.set(this.#reason);
    this.#reason = reason;
    const flags = new Uint8Array(size);
    flags.set(this.#flags);
    this.#flags = flags;
  }

  columns(): GroupColumns {
    return {
      created: this.#created.slice(0, this.#count),
      expires: this.#expires.slice(0, this.#count),
      reason: this.#reason.slice(0, this.#count),
      flags: this.#flags.slice(0, this.#count),
      reasons: this.#reasons,
    };
  }

  /** Forgets what only building needs. */
  seal(): this {
    this.#known.clear();
    this.#reasonIds.clear();
    return this;
  }
}
