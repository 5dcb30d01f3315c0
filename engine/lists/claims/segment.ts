// SPDX-License-Identifier: Apache-2.0
// The bulk of one origin: columns that never change, and which of their entries do not hold any more.

import type { Prefix } from '../../../common/address.js';
import { actionOf, type Claim } from './claim.js';
import { countOf, without, type Column, type Content } from './content.js';
import { findKey, keyOf, makeKeys, copyKey, prefixAt, trimKeys, type KeyPair, type Keys } from './keys.js';
import type { Groups } from './groups.js';

/** One family of a segment. */
export class Part implements Column {
  readonly keys: Keys;
  readonly group: Uint32Array | undefined;
  /** Entries by length. */
  readonly lengths: Uint32Array;
  #dead: Uint8Array | undefined;
  #alive: number;

  constructor({ keys, group }: Column) {
    this.keys = keys;
    this.group = group;
    this.lengths = new Uint32Array(129);
    // By index: an iterator over a million bytes takes five times as long.
    for (let i = 0; i < keys.len.length; i++) {
      const length = keys.len[i] ?? 0;
      this.lengths[length] = (this.lengths[length] ?? 0) + 1;
    }
    this.#alive = keys.len.length;
  }

  get alive(): number {
    return this.#alive;
  }

  isAlive(i: number): boolean {
    return this.#dead === undefined || ((this.#dead[i >> 3] ?? 0) & (1 << (i & 7))) === 0;
  }

  /** `isAlive` as it is now, whatever ends later. */
  aliveNow(): (i: number) => boolean {
    const dead = this.#dead?.slice();
    return dead ? (i) => ((dead[i >> 3] ?? 0) & (1 << (i & 7))) === 0 : () => true;
  }

  /** True if it was alive. */
  kill(i: number): boolean {
    if (!this.isAlive(i)) return false;
    this.#dead ??= new Uint8Array((this.keys.len.length + 7) >> 3);
    this.#dead[i >> 3] = (this.#dead[i >> 3] ?? 0) | (1 << (i & 7));
    this.#alive--;
    return true;
  }

  /** Only after `kill` of the same entry: an undone change. */
  revive(i: number): void {
    if (this.isAlive(i) || !this.#dead) return;
    this.#dead[i >> 3] = (this.#dead[i >> 3] ?? 0) & ~(1 << (i & 7));
    this.#alive++;
  }

  groupOf(i: number): number {
    return this.group?.[i] ?? 0;
  }

  /** What is alive, as a column. */
  living(): Column {
    if (this.#alive === this.keys.len.length) return this;
    const gone = new Uint8Array(this.keys.len.length);
    for (let i = 0; i < gone.length; i++) if (!this.isAlive(i)) gone[i] = 1;
    return without(this, gone);
  }
}

/** Entries of a segment, and where they stand in it. */
export interface Due {
  readonly keys: KeyPair;
  readonly at: { readonly four: Uint32Array; readonly six: Uint32Array };
}

export class Segment {
  readonly origin: string;
  readonly groups: Groups;
  readonly four: Part;
  readonly six: Part;
  /** Groups in the order in which they end. */
  readonly #order: Uint32Array;
  #ended = 0;

  constructor(origin: string, content: Content) {
    this.origin = origin;
    this.groups = content.groups;
    this.four = new Part(content.four);
    this.six = new Part(content.six);
    this.#order = Uint32Array.from({ length: this.groups.count }, (_, i) => i).sort(
      (a, b) => this.groups.expires(a) - this.groups.expires(b),
    );
  }

  get alive(): number {
    return this.four.alive + this.six.alive;
  }

  /** Living entries that let through and report. */
  countAlerts(): number {
    const { groups } = this;
    const alerts = new Uint8Array(groups.count);
    for (let group = 0; group < alerts.length; group++)
      alerts[group] = actionOf(groups.flags(group)) === 'alert' ? 1 : 0;
    if (!alerts.includes(1)) return 0;
    if (!alerts.includes(0)) return this.alive;
    let count = 0;
    for (const part of [this.four, this.six]) {
      for (let i = 0; i < part.keys.len.length; i++) {
        if (alerts[part.groupOf(i)] === 1 && part.isAlive(i)) count++;
      }
    }
    return count;
  }

  part(words: 1 | 4): Part {
    return words === 1 ? this.four : this.six;
  }

  /** When the next entries end; Infinity = never. */
  get nextExpiry(): number {
    const group = this.#order[this.#ended];
    return group === undefined ? Infinity : this.groups.expires(group);
  }

  /** What has expired and is alive still; it is for the caller to kill, and not given again. */
  due(now: number): Due {
    const due = new Uint8Array(this.groups.count);
    for (; this.#ended < this.#order.length && this.nextExpiry <= now; this.#ended++) {
      due[this.#order[this.#ended] ?? 0] = 1;
    }
    const collect = (part: Part): { readonly keys: Keys; readonly at: Uint32Array } => {
      const keys = makeKeys(part.keys.words, part.keys.len.length);
      const at = new Uint32Array(part.keys.len.length);
      let count = 0;
      for (let i = 0; i < part.keys.len.length; i++) {
        if (!due[part.groupOf(i)] || !part.isAlive(i)) continue;
        at[count] = i;
        copyKey(keys, count++, part.keys, i);
      }
      return { keys: trimKeys(keys, count), at: at.slice(0, count) };
    };
    const [four, six] = [collect(this.four), collect(this.six)];
    return { keys: { four: four.keys, six: six.keys }, at: { four: four.at, six: six.at } };
  }

  /** Ends what has expired, uncounted. */
  expire(now: number): void {
    const { at } = this.due(now);
    for (const i of at.four) this.four.kill(i);
    for (const i of at.six) this.six.kill(i);
  }

  /** Where a prefix stands, dead or alive. */
  find(key: Keys): { readonly part: Part; readonly at: number } | undefined {
    const part = this.part(key.words);
    if ((part.lengths[key.len[0] ?? 0] ?? 0) === 0) return undefined;
    const at = findKey(part.keys, key);
    return at < 0 ? undefined : { part, at };
  }

  claimAt(part: Part, at: number): Claim {
    return { origin: this.origin, ...this.groups.value(part.groupOf(at)) };
  }

  /** What this origin says about a prefix here. */
  claim(key: Keys): Claim | undefined {
    const found = this.find(key);
    return found && found.part.isAlive(found.at) ? this.claimAt(found.part, found.at) : undefined;
  }

  /** Ends one entry; true if it was alive. */
  kill(prefix: Prefix): boolean {
    const found = this.find(keyOf(prefix));
    return found !== undefined && found.part.kill(found.at);
  }

  revive(prefix: Prefix): void {
    const found = this.find(keyOf(prefix));
    found?.part.revive(found.at);
  }

  /** Entries that were ended before their time, at `now`. */
  *gone(now: number): Generator<Prefix> {
    for (const part of [this.four, this.six]) {
      if (part.alive === part.keys.len.length) continue;
      for (let i = 0; i < part.keys.len.length; i++) {
        if (!part.isAlive(i) && this.groups.expires(part.groupOf(i)) > now) yield prefixAt(part.keys, i);
      }
    }
  }

  living(): Content {
    return { four: this.four.living(), six: this.six.living(), groups: this.groups };
  }

  get count(): number {
    return countOf(this);
  }
}
