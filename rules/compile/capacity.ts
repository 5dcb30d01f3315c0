// SPDX-License-Identifier: Apache-2.0
// When the kernel's tables are too small: finds the rules that no longer fit, in the order of the files, and names each.

import { Limit } from '../../common/abi.gen.js';
import type { Rule } from '../ast.js';
import { needsMirror } from './entries.js';
import { buildRuleset } from './table.js';
import type { CompiledRuleset } from './types.js';
import { CapacityError } from './vectors.js';

export interface Candidate {
  readonly rule: Rule;
  readonly index: number;
}

export interface Fitted {
  readonly ruleset: CompiledRuleset;
  /** Rules that do not fit, with the reason. */
  readonly refused: ReadonlyMap<Rule, string>;
}

/** Single rules that are refused before all further ones are: each costs a search. */
const SEARCHES = 2;

function attempt(rules: readonly Candidate[], http: boolean): CompiledRuleset | CapacityError {
  try {
    return buildRuleset(rules, http);
  } catch (error) {
    if (error instanceof CapacityError) return error;
    throw error;
  }
}

/** Length of the longest head of `rules` that fits. */
function longestFit(rules: readonly Candidate[], http: boolean): number {
  let [fits, fails] = [0, rules.length];
  while (fails - fits > 1) {
    const middle = (fits + fails) >>> 1;
    if (attempt(rules.slice(0, middle), http) instanceof CapacityError) fails = middle;
    else fits = middle;
  }
  return fits;
}

/** Drops rules beyond IDS_MAX_RULES entries; a bidirectional rule needs both of its entries. */
function withinCount(rules: readonly Candidate[], refused: Map<Rule, string>): Candidate[] {
  let room: number = Limit.MAX_RULES;
  return rules.filter(({ rule }) => {
    const wants = needsMirror(rule) ? 2 : 1;
    if (wants > room) refused.set(rule, `no room: the kernel table holds ${Limit.MAX_RULES} header rules`);
    else room -= wants;
    return !refused.has(rule);
  });
}

/** Builds the kernel table from as many of `rules` as fit; what does not is refused whole, nothing is widened. */
export function fitRuleset(rules: readonly Candidate[], http: boolean): Fitted {
  const refused = new Map<Rule, string>();
  let left = withinCount(rules, refused);
  for (let search = 0; ; search++) {
    const result = attempt(left, http);
    if (!(result instanceof CapacityError)) return { ruleset: result, refused };
    const fits = longestFit(left, http);
    const gone = search < SEARCHES ? left.slice(fits, fits + 1) : left.slice(fits);
    for (const { rule } of gone) refused.set(rule, `no room: ${result.message}`);
    left = left.filter(({ rule }) => !refused.has(rule));
  }
}
