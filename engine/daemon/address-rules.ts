// SPDX-License-Identifier: Apache-2.0
// Address rules on the blocklist: each is an origin there, `rule:<gid>:<sid>`, whose content follows the rule set.

import { isAddressOrigin, type AddressList, type Compilation, type Problem, type RuleInfo } from '../../rules/index.js';
import { BatchBuilder } from '../lists/batch-builder.js';
import type { OriginChange } from '../lists/bulk.js';
import type { Blocklist } from '../lists/index.js';
import type { BulkOptions, ReplaceResult } from '../lists/prefix-batch.js';

/** What is needed of the blocklist. */
export type AddressTarget = Pick<Blocklist, 'bulk' | 'stats' | 'replaceOrigins'>;

type Rules = Pick<Compilation, 'rules' | 'addressLists'>;

type Refusal = Pick<ReplaceResult, 'refusedCount' | 'refused'>;

const NO_REFUSAL: Refusal = { refusedCount: 0, refused: [] };

function changeOf({ origin, action, rule, prefixes }: AddressList, { rules }: Rules): OriginChange {
  // An alert locks nobody out, and is raised of exempted sources too; a drop has to pass the guard.
  const options: BulkOptions = { action, reason: rules[rule]?.msg ?? '', force: action === 'alert' };
  return { origin, batch: prefixes, options };
}

/** The origin lists nothing any more. */
function gone(origin: string): OriginChange {
  return { origin, batch: new BatchBuilder(0).build(), options: {} };
}

function problemOf(rule: RuleInfo | undefined, { refusedCount, refused }: Refusal): Problem | undefined {
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

export class AddressRules {
  readonly #target: AddressTarget;
  /** Packets by origin when the set in force was loaded. */
  #base = new Map<string, number>();

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
    const changed: AddressList[] = [];
    const problems: Problem[] = [];
    const note = (list: AddressList, refusal: Refusal): void => {
      const problem = problemOf(next.rules[list.rule], refusal);
      if (problem) problems.push(problem);
    };
    const actions = new Map(this.#target.stats().origins.map(({ origin, action }) => [origin, action]));
    for (const list of next.addressLists) {
      const kept = actions.get(list.origin) === list.action ? await this.#unchanged(list, next) : undefined;
      if (kept) note(list, kept);
      else changed.push(list);
    }
    try {
      const results = await this.#target.replaceOrigins(changed.map((list) => changeOf(list, next)));
      changed.forEach((list, i) => note(list, results[i] ?? NO_REFUSAL));
    } catch (error) {
      await this.#takeBack(changed, before);
      throw error;
    }
    return problems;
  }

  /** What the guard said of a list that the blocklist has already, word for word; undefined if it has another one. */
  async #unchanged(list: AddressList, rules: Rules): Promise<Refusal | undefined> {
    const { origin, batch, options } = changeOf(list, rules);
    const change = await this.#target.bulk.diff(batch, { ...options, origin, replace: true });
    return change.added.count + change.removed.count === 0 ? change : undefined;
  }

  async #takeBack(lists: readonly AddressList[], before: Rules | undefined): Promise<void> {
    const old = new Map(before?.addressLists.map((list) => [list.origin, list]));
    await this.#target.replaceOrigins(
      lists.map(({ origin }) => {
        const list = old.get(origin);
        return list && before ? changeOf(list, before) : gone(origin);
      }),
    );
  }

  /** Takes off what no rule names any more, and counts anew: the set is in force. */
  async settle(next: Rules): Promise<void> {
    const wanted = new Set(next.addressLists.map(({ origin }) => origin));
    const { origins } = this.#target.stats();
    const left = origins.filter(({ origin }) => isAddressOrigin(origin) && !wanted.has(origin));
    await this.#target.replaceOrigins(left.map(({ origin }) => gone(origin)));
    this.#base = new Map(origins.flatMap(({ origin, packets }) => (wanted.has(origin) ? [[origin, packets]] : [])));
  }

  /** Packets of listed sources by origin, since the rule set was loaded. */
  matched(): Map<string, number> {
    return new Map(
      this.#target.stats().origins.flatMap(({ origin, packets }) => {
        if (!isAddressOrigin(origin)) return [];
        return [[origin, Math.max(0, packets - (this.#base.get(origin) ?? 0))]];
      }),
    );
  }
}
