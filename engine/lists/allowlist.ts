// SPDX-License-Identifier: Apache-2.0
// The operator's allowlist (never dropped) and the built-in exemptions (never address-blocked), in memory, store and kernel.

import { AllowKind } from '../../common/abi.gen.js';
import { formatPrefix, type Prefix } from '../../common/address.js';
import { IdsError } from '../../common/errors.js';
import type { AllowEntry, PrefixOutcome } from '../api/api.js';
import type { Exemption } from './exemptions.js';
import type { ListStore } from './list-store.js';
import { PrefixTree } from './prefix-tree.js';
import { decodeAllow, encodeAllow } from './records.js';
import type { Clock, PrefixTable } from './tables.js';

interface Operator {
  readonly reason: string;
  readonly created: number;
}

interface Slot {
  readonly prefix: Prefix;
  config: Operator | undefined;
  manual: Operator | undefined;
  exemption: string | undefined;
  written: number;
}

export interface AllowlistOptions {
  readonly table: PrefixTable;
  readonly store: ListStore;
  readonly clock: Clock;
  /** Prefixes of the configuration file. */
  readonly configured?: readonly Prefix[];
  /** Entries that the kernel's table holds. */
  readonly capacity?: number;
}

/** What keeps an address from being blocked. */
export interface Kept {
  readonly prefix: Prefix;
  readonly kind: 'allowlist' | 'exemption';
  readonly reason: string;
}

function operated(slot: Slot): boolean {
  return slot.config !== undefined || slot.manual !== undefined;
}

/** Owns the kernel's allowlist table. */
export class Allowlist {
  readonly #tree = new PrefixTree<Slot>();
  readonly #options: AllowlistOptions;

  private constructor(options: AllowlistOptions) {
    this.#options = options;
  }

  /** Loads the stored and configured entries and makes the kernel's table say the same. */
  static open(options: AllowlistOptions): Allowlist {
    const list = new Allowlist(options);
    const created = options.clock.wallMs();
    for (const prefix of options.configured ?? []) list.#slot(prefix).config = { reason: 'configuration', created };
    for (const { prefix, ...manual } of options.store.allowed()) list.#slot(prefix).manual = manual;
    list.reconcile();
    return list;
  }

  #slot(prefix: Prefix): Slot {
    let slot = this.#tree.get(prefix);
    if (!slot) {
      slot = { prefix, config: undefined, manual: undefined, exemption: undefined, written: 0 };
      this.#tree.set(prefix, slot);
    }
    return slot;
  }

  /** The kernel looks at the longest match alone: an exempt host within an allowlisted network is the operator's. */
  #kind(slot: Slot): number {
    const wide = this.#tree.covering(slot.prefix).some(operated);
    return wide ? AllowKind.ALLOW_OPERATOR : AllowKind.ALLOW_EXEMPT;
  }

  #sync(prefix: Prefix): void {
    const own = this.#tree.get(prefix);
    for (const slot of this.#tree.covered(prefix)) {
      if (slot === own && !operated(slot) && slot.exemption === undefined) continue;
      const kind = this.#kind(slot);
      if (slot.written === kind) continue;
      this.#options.table.put(slot.prefix, encodeAllow(kind));
      slot.written = kind;
    }
    if (!own || operated(own) || own.exemption !== undefined) return;
    this.#tree.delete(prefix);
    this.#options.table.delete(prefix);
  }

  /** Allowlists prefixes for good. @throws IdsError LIST_FULL, STORE_FAILED; nothing is changed then */
  add(prefixes: readonly Prefix[], reason = ''): PrefixOutcome[] {
    const { store, clock, capacity = Infinity } = this.#options;
    const fresh = prefixes.filter((prefix) => this.#tree.get(prefix) === undefined).length;
    if (this.#tree.size + fresh > capacity) {
      const text = `the allowlist holds ${this.#tree.size} of ${capacity} entries and has no room for ${fresh} more`;
      throw new IdsError('LIST_FULL', text, { details: { entries: this.#tree.size, capacity, requested: fresh } });
    }
    const manual = { reason, created: clock.wallMs() };
    store.transaction(() => prefixes.forEach((prefix) => store.putAllowed({ prefix, ...manual })));
    return prefixes.map((prefix) => {
      const slot = this.#slot(prefix);
      const outcome = slot.manual ? (slot.manual.reason === reason ? 'unchanged' : 'updated') : 'added';
      slot.manual = manual;
      this.#sync(prefix);
      return { prefix: formatPrefix(prefix), outcome };
    });
  }

  /** Takes prefixes off; one that the configuration file names is refused. */
  remove(prefixes: readonly Prefix[]): PrefixOutcome[] {
    const { store } = this.#options;
    store.transaction(() => prefixes.forEach((prefix) => store.deleteAllowed(prefix)));
    return prefixes.map((prefix) => {
      const text = formatPrefix(prefix);
      const slot = this.#tree.get(prefix);
      const had = slot?.manual !== undefined;
      if (slot) slot.manual = undefined;
      this.#sync(prefix);
      if (slot?.config) {
        const cause = `${text} is allowlisted by the configuration file: take it out there and restart`;
        return { prefix: text, outcome: 'refused', cause };
      }
      return { prefix: text, outcome: had ? 'removed' : 'unchanged' };
    });
  }

  /** Replaces the built-in exemptions. True if something changed. */
  setExemptions(exemptions: readonly Exemption[]): boolean {
    const wanted = new Map(exemptions.map((exemption) => [formatPrefix(exemption.prefix), exemption]));
    let changed = false;
    for (const { prefix, label } of wanted.values()) {
      const slot = this.#slot(prefix);
      if (slot.exemption === label) continue;
      slot.exemption = label;
      this.#sync(prefix);
      changed = true;
    }
    for (const slot of this.#tree.values()) {
      if (slot.exemption === undefined || wanted.has(formatPrefix(slot.prefix))) continue;
      slot.exemption = undefined;
      this.#sync(slot.prefix);
      changed = true;
    }
    return changed;
  }

  #kept(slot: Slot): Kept {
    const operator = slot.config ?? slot.manual;
    if (operator) return { prefix: slot.prefix, kind: 'allowlist', reason: operator.reason };
    return { prefix: slot.prefix, kind: 'exemption', reason: slot.exemption ?? '' };
  }

  /** What keeps an address from being blocked; the operator's word before a built-in exemption. */
  check(address: Uint8Array): Kept | undefined {
    const slots = this.#tree.covering({ bytes: address, length: 128 });
    const slot = slots.findLast(operated) ?? slots.at(-1);
    return slot && this.#kept(slot);
  }

  /** One entry that overlaps a prefix: around it, or else within it. */
  overlap(prefix: Prefix): Kept | undefined {
    const around = this.#tree.covering(prefix);
    const slot = around.findLast(operated) ?? around.at(-1) ?? this.#tree.covered(prefix, 1)[0];
    return slot && this.#kept(slot);
  }

  /** Every allowlisted and every exempt prefix. */
  prefixes(): Prefix[] {
    return this.#tree.values().map(({ prefix }) => prefix);
  }

  list(): AllowEntry[] {
    return this.#tree.values().flatMap((slot): AllowEntry[] => {
      const prefix = formatPrefix(slot.prefix);
      const entry = (origin: string, operator: Operator): AllowEntry => ({
        prefix,
        kind: 'allowlist',
        origin,
        reason: operator.reason,
        created: new Date(operator.created).toISOString(),
      });
      return [
        ...(slot.config ? [entry('config', slot.config)] : []),
        ...(slot.manual ? [entry('manual', slot.manual)] : []),
        ...(slot.exemption === undefined
          ? []
          : [
              { prefix, kind: 'exemption' as const, origin: slot.exemption, reason: 'built in: never address-blocked' },
            ]),
      ];
    });
  }

  counts(): { entries: number; exemptions: number } {
    const slots = this.#tree.values();
    const exemptions = slots.filter((slot) => slot.exemption !== undefined).length;
    return { entries: slots.filter(operated).length, exemptions };
  }

  /** Makes the kernel's table equal: puts first, then removes what nobody names. */
  reconcile(): void {
    const { table } = this.#options;
    const foreign: Prefix[] = [];
    for (const slot of this.#tree.values()) slot.written = 0;
    for (const [prefix, value] of table.entries()) {
      const slot = this.#tree.get(prefix);
      if (slot) slot.written = decodeAllow(value);
      else foreign.push(prefix);
    }
    for (const slot of this.#tree.values()) this.#sync(slot.prefix);
    for (const prefix of foreign) table.delete(prefix);
  }
}
