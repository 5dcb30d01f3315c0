// SPDX-License-Identifier: Apache-2.0
// Address rules on the blocklist: each is an origin there, `rule:<gid>:<sid>`, whose content follows the rule set.

import type { Detection } from '../../alerts/index.js';
import { addressOrigin, isAddressOrigin, type AddressList, type Compilation, type Problem } from '../../rules/index.js';
import type { Blocklist } from '../lists/index.js';
import type { BulkOptions } from '../lists/prefix-batch.js';

/** What is needed of the blocklist. */
export type AddressTarget = Pick<Blocklist, 'bulk' | 'stats' | 'clear'>;

type Rules = Pick<Compilation, 'rules' | 'addressLists'>;

export interface AddressCounts {
  /** Packets of listed sources since the rule set was loaded. */
  readonly matched: number;
  /** Alerts raised. */
  readonly events: number;
}

function optionsOf({ action, rule }: AddressList, { rules }: Rules): BulkOptions {
  const reason = rules[rule]?.msg ?? '';
  // An alert locks nobody out, and is raised of exempted sources too; a drop has to pass the guard.
  return { action, reason, force: action === 'alert' };
}

export class AddressRules {
  readonly #target: AddressTarget;
  /** Packets by origin when the set in force was loaded. */
  #base = new Map<string, number>();
  readonly #events = new Map<string, number>();

  constructor(target: AddressTarget) {
    this.#target = target;
  }

  /**
   * Lists what the rules name, before the set is in force: nothing that stays listed pauses. On failure everything is as
   * it was with `before`.
   * @returns warnings about addresses that the guard refuses
   * @throws IdsError LIST_FULL, STORE_FAILED
   */
  async put(next: Rules, before: Rules | undefined): Promise<Problem[]> {
    const problems: Problem[] = [];
    const done: string[] = [];
    try {
      const actions = new Map(this.#target.stats().origins.map(({ origin, action }) => [origin, action]));
      for (const list of next.addressLists) {
        const refusal = await this.#putOne(list, next, actions.get(list.origin), done);
        if (refusal) problems.push(refusal);
      }
    } catch (error) {
      await this.#takeBack(done, before);
      throw error;
    }
    return problems;
  }

  async #putOne(
    list: AddressList,
    rules: Rules,
    action: string | undefined,
    done: string[],
  ): Promise<Problem | undefined> {
    const { bulk } = this.#target;
    const { origin, prefixes } = list;
    const options = optionsOf(list, rules);
    let { refusedCount, refused } = { refusedCount: 0, refused: [] as readonly { prefix: string; cause: string }[] };
    const change =
      action === list.action ? await bulk.diff(prefixes, { ...options, origin, replace: true }) : undefined;
    if (change && change.added.count === 0 && change.removed.count === 0) {
      ({ refusedCount, refused } = change);
    } else {
      done.push(origin);
      ({ refusedCount, refused } = await bulk.replaceOrigin(origin, prefixes, options));
    }
    const rule = rules.rules[list.rule];
    const [first] = refused;
    if (!rule || !first) return undefined;
    return {
      file: rule.file,
      line: rule.line,
      column: 1,
      severity: 'warning',
      sid: rule.sid,
      cause: `${refusedCount} of its prefixes are not dropped: ${first.prefix}: ${first.cause}`,
    };
  }

  async #takeBack(origins: readonly string[], before: Rules | undefined): Promise<void> {
    const old = new Map(before?.addressLists.map((list) => [list.origin, list]));
    for (const origin of [...origins].reverse()) {
      const list = old.get(origin);
      if (list && before) await this.#target.bulk.replaceOrigin(origin, list.prefixes, optionsOf(list, before));
      else await this.#target.clear(origin);
    }
  }

  /** Takes off what no rule names any more, and counts anew: the set is in force. */
  async settle(next: Rules): Promise<void> {
    const wanted = new Set(next.addressLists.map(({ origin }) => origin));
    const { origins } = this.#target.stats();
    for (const { origin } of origins)
      if (isAddressOrigin(origin) && !wanted.has(origin)) await this.#target.clear(origin);
    this.#base = new Map(origins.flatMap(({ origin, packets }) => (wanted.has(origin) ? [[origin, packets]] : [])));
    this.#events.clear();
  }

  /** Counts an alert of an address rule. */
  note({ kind, rule }: Detection): void {
    if (kind !== 'alert' || !rule) return;
    const origin = addressOrigin(rule);
    this.#events.set(origin, (this.#events.get(origin) ?? 0) + 1);
  }

  /** Counts by origin. */
  counts(): Map<string, AddressCounts> {
    return new Map(
      this.#target.stats().origins.flatMap(({ origin, packets }) => {
        if (!isAddressOrigin(origin)) return [];
        const matched = Math.max(0, packets - (this.#base.get(origin) ?? 0));
        return [[origin, { matched, events: this.#events.get(origin) ?? 0 }]];
      }),
    );
  }
}
