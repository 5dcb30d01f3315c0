// SPDX-License-Identifier: Apache-2.0
// When the kernel's tables are too small: finds the rules that no longer fit, in the order of the files, and names each.

import { L7Limit, L7Setting, Limit, Region } from '../../common/abi.gen.js';
import type { Rule } from '../ast.js';
import { gramsFit } from '../patterns/grams.js';
import type { Pattern } from '../patterns/pattern.js';
import { entryCount, type TableRule } from './entries.js';
import { allOf, headsOf, siftedOf, type Heads } from './heads.js';
import { inspectionsOf } from './inspect.js';
import { maskedPatterns } from './masked.js';
import { CHOPPED, WHOLE } from './standing.js';
import { buildRuleset, type BuiltRuleset, type TableExtras } from './table.js';
import { CapacityError } from './vectors.js';

export interface Fitted extends BuiltRuleset {
  /** Rules that do not fit, with the reason. */
  readonly refused: ReadonlyMap<Rule, string>;
}

export interface FittedHeads {
  /** enum ids_l7_setting: messages that the engine needs in any case, and whether segments may be held back. */
  readonly heads: number;
}

/** Single rules that are refused before all further ones are: each costs a search. */
const SEARCHES = 2;

function attempt(rules: readonly TableRule[], extras: TableExtras): BuiltRuleset | CapacityError {
  try {
    return buildRuleset(rules, extras);
  } catch (error) {
    if (error instanceof CapacityError) return error;
    throw error;
  }
}

/** Length of the longest head of `rules` that fits. */
function longestFit(rules: readonly TableRule[], extras: TableExtras): number {
  let [fits, fails] = [0, rules.length];
  while (fails - fits > 1) {
    const middle = (fits + fails) >>> 1;
    if (attempt(rules.slice(0, middle), extras) instanceof CapacityError) fails = middle;
    else fits = middle;
  }
  return fits;
}

/** Drops rules beyond IDS_MAX_RULES entries; a rule needs all of its entries. */
function withinCount(rules: readonly TableRule[], inspections: number, refused: Map<Rule, string>): TableRule[] {
  let room = Limit.MAX_RULES - inspections;
  return rules.filter((one) => {
    const { rule } = one;
    const wants = entryCount(one);
    if (wants > room) refused.set(rule, `no room: the kernel table holds ${Limit.MAX_RULES} header rules`);
    else room -= wants;
    return !refused.has(rule);
  });
}

/**
 * What is looked for on behalf of the engine: literals where there is room beside the contents of rules, else what the
 * prefilter needs, else all is handed over.
 */
function headsBeside(rules: readonly TableRule[], engine: readonly Rule[]): Heads {
  const bytes = (patterns: readonly Pattern[]): number => patterns.reduce((sum, one) => sum + one.bytes.length, 0);
  const masked = maskedPatterns(engine);
  const own = [...rules.flatMap(({ message }) => message?.contents.map(({ pattern }) => pattern) ?? []), ...masked];
  const fits = (literals: readonly Pattern[], share: number): boolean =>
    bytes(own) + bytes(literals) + Region.REGIONS <= L7Limit.PATTERN_STATES / share &&
    own.length + literals.length <= L7Limit.PATTERNS &&
    bytes(own) + literals.length * 8 <= L7Limit.PATTERN_OUTPUTS;
  for (const most of [WHOLE, CHOPPED]) {
    const heads = headsOf(engine, most);
    if (fits(heads.literals, most === WHOLE ? 4 : 1)) return { ...heads, literals: [...masked, ...heads.literals] };
    // Cut, more of them are the same, but not so many.
    if (heads.literals.length > 1.5 * L7Limit.PATTERNS) break;
  }
  const sifted = siftedOf(engine);
  if (fits(sifted.literals, 1) && sifted.grams && gramsFit(sifted.grams)) {
    return { ...sifted, literals: [...masked, ...sifted.literals] };
  }
  return { literals: masked, all: headsOf(engine, CHOPPED).all | allOf(engine) };
}

/**
 * The kernel table for inline rules, and what it does for those of the engine.
 * @param http true if the engine wants HTTP requests
 */
export function fitInline(inline: readonly TableRule[], engine: readonly Rule[], http: boolean): Fitted & FittedHeads {
  const messages = inline.flatMap(({ rule, message }) => (message === undefined ? [] : [rule]));
  const { literals, all, grams, every } = headsBeside(inline, engine);
  const fitted = fitRuleset(inline, { http, literals, grams, inspections: inspectionsOf(engine, messages, every) });
  return { ...fitted, heads: all | (messages.length > 0 ? L7Setting.L7_HOLD : 0) };
}

/** Builds the kernel table from as many of `rules` as fit; what does not is refused whole, nothing is widened. */
export function fitRuleset(rules: readonly TableRule[], extras: TableExtras): Fitted {
  const refused = new Map<Rule, string>();
  let left = withinCount(rules, extras.inspections.length, refused);
  for (let search = 0; ; search++) {
    const result = attempt(left, extras);
    if (!(result instanceof CapacityError)) return { ...result, refused };
    const fits = longestFit(left, extras);
    const gone = search < SEARCHES ? left.slice(fits, fits + 1) : left.slice(fits);
    for (const { rule } of gone) refused.set(rule, `no room: ${result.message}`);
    left = left.filter(({ rule }) => !refused.has(rule));
  }
}
