// SPDX-License-Identifier: Apache-2.0
// The contents of all rules that are judged on messages, each once, with the literals of the engine.

import { patternKey, type MessageRule, type Pattern, type Term } from '../patterns/pattern.js';
import type { Entry } from './entries.js';

export interface Collected {
  readonly patterns: readonly Pattern[];
  readonly rules: readonly MessageRule[];
  /** Index of each pattern by its patternKey. */
  readonly numbers: ReadonlyMap<string, number>;
}

/** Patterns and rules of the entries; the place of an entry in the list is its position. */
export function collectPatterns(entries: readonly Entry[], literals: readonly Pattern[]): Collected {
  const patterns: Pattern[] = [];
  const numbers = new Map<string, number>();
  const number = (pattern: Pattern): number => {
    const key = patternKey(pattern);
    const known = numbers.get(key);
    if (known !== undefined) {
      const other = patterns[known];
      if (other !== undefined && pattern.engine) patterns[known] = { ...other, engine: true };
      return known;
    }
    numbers.set(key, patterns.length);
    return patterns.push(pattern) - 1;
  };
  const rules = entries.flatMap(({ message }, position): MessageRule[] => {
    if (message === undefined) return [];
    const { region, contents, size, toServer, toClient } = message;
    const terms = contents.map(({ pattern, negated }): Term => ({ pattern: number(pattern), negated }));
    return [{ position, region, terms, toServer, toClient, ...(size === undefined ? {} : { size }) }];
  });
  literals.forEach(number);
  return { patterns, rules, numbers };
}
