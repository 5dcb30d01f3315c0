// SPDX-License-Identifier: Apache-2.0
// What a capture is expected to raise: one line an expectation.
//
//   # attack.expect
//   rules ../local.rules      files or directories, beside those that the command names
//   inline                    also midstream, redact: as the options of `ids replay`
//   1000001 2                 so many alerts of a rule; >=N, <=N, and GID:SID
//   drops >=1                 packets that were dropped
//   only                      no rule that is not named alerts

import { IdsError } from '../../common/errors.js';
import type { RuleSource } from '../../rules/index.js';

export interface Expectation {
  /** As written: `1:1000001`, or `drops`. */
  readonly what: string;
  readonly operator: '=' | '>=' | '<=';
  readonly count: number;
  readonly line: number;
}

export interface Expectations {
  readonly rules: readonly string[];
  readonly expected: readonly Expectation[];
  readonly only: boolean;
  readonly inline: boolean;
  readonly midstream: boolean;
  readonly redact: boolean;
}

const COUNTED = /^(drops|(?:\d{1,10}:)?\d{1,10})\s+(>=|<=)?\s*(\d{1,9})$/;
const REMEDY = 'write SID COUNT, drops COUNT, rules PATH, only, inline, midstream or redact';

/** @throws IdsError EXPECTATION_INVALID with file, line and column */
export function parseExpectations({ file, text }: RuleSource): Expectations {
  const flags = { only: false, inline: false, midstream: false, redact: false };
  const rules: string[] = [];
  const expected: Expectation[] = [];
  text.split(/\r?\n/).forEach((raw, i) => {
    const line = raw.replace(/(^|\s)#.*$/, '').trim();
    if (line === '') return;
    const [word = '', ...rest] = line.split(/\s+/);
    const counted = COUNTED.exec(line);
    if (counted) {
      const [, name = '', operator = '=', count = '0'] = counted;
      const what = name === 'drops' || name.includes(':') ? name : `1:${name}`;
      expected.push({ what, operator: operator as Expectation['operator'], count: Number(count), line: i + 1 });
    } else if (word === 'rules' && rest.length > 0) rules.push(rest.join(' '));
    else if (Object.hasOwn(flags, word) && rest.length === 0) flags[word as keyof typeof flags] = true;
    else {
      const place = `${file}:${i + 1}:${raw.indexOf(line) + 1}`;
      throw new IdsError('EXPECTATION_INVALID', `${place}: "${line}" is no expectation; ${REMEDY}`);
    }
  });
  if (expected.length === 0 && !flags.only) {
    throw new IdsError('EXPECTATION_INVALID', `${file}:1:1: nothing is expected; ${REMEDY}`);
  }
  return { rules, expected, ...flags };
}

const holds = ({ operator, count }: Expectation, seen: number): boolean =>
  operator === '>=' ? seen >= count : operator === '<=' ? seen <= count : seen === count;

/** What was raised otherwise, a sentence each. @param alerts by `GID:SID` */
export function compare(
  { expected, only }: Expectations,
  file: string,
  alerts: ReadonlyMap<string, number>,
  drops: number,
): string[] {
  const wrong = expected.flatMap((one) => {
    const seen = one.what === 'drops' ? drops : (alerts.get(one.what) ?? 0);
    if (holds(one, seen)) return [];
    const wanted = `${one.operator === '=' ? '' : one.operator}${one.count}`;
    return [`${file}:${one.line}: ${one.what}: expected ${wanted}, saw ${seen}`];
  });
  if (!only) return wrong;
  const named = new Set(expected.map(({ what }) => what));
  const others = [...alerts].filter(([rule]) => !named.has(rule));
  return [...wrong, ...others.map(([rule, seen]) => `${file}: ${rule}: expected nothing, saw ${seen}`)];
}
