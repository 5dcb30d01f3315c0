// SPDX-License-Identifier: Apache-2.0
// Parses single rules, and a reference evaluator for the conditions on header fields.

import { Field } from '../../../common/abi.gen.js';
import type { Condition, Problem, Rule, UnsupportedRule } from '../../../rules/ast.js';
import { parseRules, type LanguageOptions, type ParsedRules } from '../../../rules/index.js';

export const options: LanguageOptions = {
  addressVars: { HOME_NET: '[10.0.0.0/8,2001:db8::/32]', EXTERNAL_NET: '!$HOME_NET', ANYWHERE: 'any' },
  portVars: { HTTP_PORTS: '[80,8080]' },
  redact: ['Authorization', 'Cookie'],
};

export function parse(text: string, more: Partial<LanguageOptions> = {}): ParsedRules {
  return parseRules([{ file: 'test.rules', text }], { ...options, ...more });
}

/** A rule over TCP with these options, on one line. */
export function withOptions(text: string, header = 'alert tcp any any -> any any'): string {
  return `${header} (${text} sid:1;)`;
}

export interface Outcome {
  readonly rule?: Rule;
  readonly unsupported?: UnsupportedRule;
  readonly errors: readonly Problem[];
  readonly warnings: readonly Problem[];
}

export function one(text: string, more: Partial<LanguageOptions> = {}): Outcome {
  const { rules, unsupported, problems } = parse(text, more);
  return {
    ...(rules[0] ? { rule: rules[0] } : {}),
    ...(unsupported[0] ? { unsupported: unsupported[0] } : {}),
    errors: problems.filter((problem) => problem.severity === 'error'),
    warnings: problems.filter((problem) => problem.severity === 'warning'),
  };
}

/** Values of the header fields that a packet has; what is missing here the packet lacks. */
export type Fields = Partial<Record<keyof typeof Field, number>>;

/** As struct ids_cond says: met if the field is there and ((value & mask) in lo..hi) is not equal to negate. */
export function meets(condition: Condition, fields: Fields): boolean {
  const [name] = Object.entries(Field).find(([, value]) => value === condition.field) ?? [];
  const value = fields[name as keyof typeof Field];
  if (value === undefined) return false;
  const masked = (value & condition.mask) >>> 0;
  return (masked >= condition.lo && masked <= condition.hi) !== condition.negate;
}

/** True if all header conditions of the rule hold. */
export function matches(rule: Rule, fields: Fields): boolean {
  return rule.matches.every(
    (match) => match.kind !== 'header' || match.conditions.every((each) => meets(each, fields)),
  );
}
