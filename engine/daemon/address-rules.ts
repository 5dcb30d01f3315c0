// SPDX-License-Identifier: Apache-2.0
// Address rules on the blocklist: each is an origin there, `rule:<gid>:<sid>`, whose content follows the rule set.

import type { List } from '../../common/packed-list.js';
import { isAddressOrigin, type AddressList, type Compilation, type Problem, type RuleInfo } from '../../rules/index.js';
import { BatchBuilder } from '../lists/batch-builder.js';
import type { OriginChange } from '../lists/bulk.js';
import type { BulkOptions } from '../lists/prefix-batch.js';
import { fitOrigins, isFull, type AddressTarget, type Fitted } from './fit-origins.js';

type Rules = Pick<Compilation, 'addressLists'> & { readonly rules: List<RuleInfo> };

type Refusal = Pick<Fitted, 'refusedCount' | 'refused'> & { readonly unfit?: number };

const NO_REFUSAL: Refusal = { refusedCount: 0, refused: [] };

/** Addresses that found no room when the set in force was loaded. */
export interface Unfit {
  readonly rules: number;
  readonly prefixes: number;
}

function changeOf({ origin, action, rule, prefixes }: AddressList, { rules }: Rules): OriginChange {
  // An alert locks nobody out, and is raised of exempted sources too; a drop has to pass the guard.
  const options: BulkOptions = { action, reason: rules.at(rule)?.msg ?? '', force: action === 'alert' };
  return { origin, batch: prefixes, options };
}

/** The origin lists nothing any more. */
function gone(origin: string): OriginChange {
  return { origin, batch: new BatchBuilder(0).build(), options: {} };
}

function problemsOf(rule: RuleInfo | undefined, { refusedCount, refused, unfit = 0 }: Refusal): Problem[] {
  if (!rule) return [];
  const { file, line, sid } = rule;
  const problem = (cause: string): Problem => ({ file, line, column: 1, severity: 'warning', sid, cause });
  const [first] = refused;
  const guarded = first && `${refusedCount} of its prefixes are not dropped: ${first.prefix}: ${first.cause}`;
  const full = unfit > 0 ? `no room for ${unfit} of its prefixes: the blocklist is full` : undefined;
  return [guarded, full].flatMap((cause) => (cause === undefined ? [] : [problem(cause)]));
}

/** A sentence for the operator, if something found no room. */
export function unfitNote({ rules, prefixes }: Unfit): string | undefined {
  if (prefixes === 0) return undefined;
  const what = `${prefixes} ${prefixes === 1 ? 'prefix' : 'prefixes'} of ${rules} ${rules === 1 ? 'rule' : 'rules'}`;
  return `the blocklist is full, it had no room for ${what}: take entries off, then load the rules again`;
}

export class AddressRules {
  readonly #target: AddressTarget;
  /** Packets by origin when the set in force was loaded. */
  #base = new Map<string, number>();
  #unfit: Unfit = { rules: 0, prefixes: 0 };

  constructor(target: AddressTarget) {
    this.#target = target;
  }

  /** What the last set that was put had no room for. */
  get unfit(): Unfit {
    return this.#unfit;
  }

  /**
   * Lists what the rules name, before the set is in force: nothing that stays listed pauses. On failure everything is as
   * it was with `before`.
   * @param whatFits list as much as there is room for, where the choice is that or no protection at all
   * @returns warnings about addresses that the guard refuses, or that find no room
   * @throws IdsError LIST_FULL (not with `whatFits`), STORE_FAILED
   */
  async put(next: Rules, before: Rules | undefined, whatFits = false): Promise<Problem[]> {
    const changed: AddressList[] = [];
    const problems: Problem[] = [];
    const note = (list: AddressList, refusal: Refusal): void => {
      problems.push(...problemsOf(next.rules.at(list.rule), refusal));
    };
    const actions = new Map(this.#target.stats().origins.map(({ origin, action }) => [origin, action]));
    for (const list of next.addressLists) {
      const kept = actions.get(list.origin) === list.action ? await this.#unchanged(list, next) : undefined;
      if (kept) note(list, kept);
      else changed.push(list);
    }
    const changes = changed.map((list) => changeOf(list, next));
    try {
      const results = await this.#replace(changes, next, whatFits);
      changed.forEach((list, i) => note(list, results[i] ?? NO_REFUSAL));
      const unfit = results.flatMap((result: Refusal) => result.unfit ?? []).filter((count) => count > 0);
      this.#unfit = { rules: unfit.length, prefixes: unfit.reduce((sum, count) => sum + count, 0) };
    } catch (error) {
      const named = new Set(next.addressLists.map(({ origin }) => origin));
      const dropped = before?.addressLists.filter(({ origin }) => !named.has(origin)) ?? [];
      await this.#takeBack([...changed, ...dropped], before);
      throw error;
    }
    return problems;
  }

  async #replace(changes: readonly OriginChange[], next: Rules, whatFits: boolean): Promise<readonly Refusal[]> {
    try {
      return await this.#target.replaceOrigins(changes);
    } catch (error) {
      if (!isFull(error)) throw error;
      // Not both sets at once, then: what no rule names any more makes room.
      await this.#dropOthers(next);
      return whatFits ? await fitOrigins(this.#target, changes) : await this.#target.replaceOrigins(changes);
    }
  }

  /** What the guard said of a list that the blocklist has already, word for word; undefined if it has another one. */
  async #unchanged(list: AddressList, rules: Rules): Promise<Refusal | undefined> {
    const { origin, batch, options } = changeOf(list, rules);
    const change = await this.#target.bulk.diff(batch, { ...options, origin, replace: true });
    return change.added.count + change.removed.count === 0 ? change : undefined;
  }

  async #takeBack(lists: readonly AddressList[], before: Rules | undefined): Promise<void> {
    const old = new Map(before?.addressLists.map((list) => [list.origin, list]));
    const changes = lists.map(({ origin }) => {
      const list = old.get(origin);
      return list && before ? changeOf(list, before) : gone(origin);
    });
    const back = changes.filter(({ batch }) => batch.count > 0);
    const away = changes.filter(({ batch }) => batch.count === 0);
    try {
      await this.#target.replaceOrigins([...back, ...away]);
    } catch (error) {
      if (!isFull(error)) throw error;
      // What did not fit before does not fit now.
      await this.#target.replaceOrigins(away);
      await fitOrigins(this.#target, back);
    }
  }

  async #dropOthers(next: Rules): Promise<void> {
    const wanted = new Set(next.addressLists.map(({ origin }) => origin));
    const left = this.#target.stats().origins.filter(({ origin }) => isAddressOrigin(origin) && !wanted.has(origin));
    await this.#target.replaceOrigins(left.map(({ origin }) => gone(origin)));
  }

  /** Takes off what no rule names any more, and counts anew: the set is in force. */
  async settle(next: Rules): Promise<void> {
    const wanted = new Set(next.addressLists.map(({ origin }) => origin));
    const { origins } = this.#target.stats();
    await this.#dropOthers(next);
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
