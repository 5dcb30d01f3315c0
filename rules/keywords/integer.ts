// SPDX-License-Identifier: Apache-2.0
// Suricata's notation for whole numbers: =5 !5 <5 <=5 >5 >=5 5-9 5<>9 !5-9 &mask=value, hexadecimal and units.

import type { Condition } from '../ast.js';
import type { Field } from '../../common/abi.gen.js';
import { addConditions, failValue, type Draft } from '../draft.js';
import { supported, type Keyword, type KeywordKind } from './types.js';

/** What a value matches: `(x & mask) in lo..hi`, or not if `negate`. */
export interface IntegerTest {
  readonly mask?: number;
  readonly lo: number;
  readonly hi: number;
  readonly negate: boolean;
}

/** What is wrong with a value. */
export interface BadInteger {
  readonly cause: string;
  readonly remedy: string;
}

const NUMBER = '(0x[0-9a-fA-F]+|[0-9]+(?:[kKmMgG][iI]?[bB])?)';
const forms = {
  bitmask: new RegExp(`^&\\s*${NUMBER}\\s*(!?)=\\s*${NUMBER}$`),
  range: new RegExp(`^(!?)\\s*${NUMBER}\\s*(?:-|<>)\\s*${NUMBER}$`),
  comparison: new RegExp(`^(>=|<=|!=|>|<|!|=)?\\s*${NUMBER}$`),
};
const units: Readonly<Record<string, number>> = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

function numberOf(text: string): number {
  const unit = /^(\d+)([kmg])i?b$/i.exec(text);
  return unit ? Number(unit[1]) * (units[(unit[2] ?? '').toLowerCase()] ?? NaN) : Number(text);
}

function outOfRange(value: number, max: number): BadInteger | undefined {
  if (Number.isSafeInteger(value) && value <= max) return undefined;
  return { cause: `${value} is out of range`, remedy: `write a number from 0 to ${max}` };
}

function never(text: string, max: number): BadInteger {
  return { cause: `"${text}" can never or always match`, remedy: `values go from 0 to ${max}` };
}

function comparison(operator: string, value: number, max: number, text: string): IntegerTest | BadInteger {
  switch (operator) {
    case '<':
      return value === 0 ? never(text, max) : { lo: 0, hi: value - 1, negate: false };
    case '<=':
      return value === max ? never(text, max) : { lo: 0, hi: value, negate: false };
    case '>':
      return value === max ? never(text, max) : { lo: value + 1, hi: max, negate: false };
    case '>=':
      return value === 0 ? never(text, max) : { lo: value, hi: max, negate: false };
    default:
      return { lo: value, hi: value, negate: operator.startsWith('!') };
  }
}

/** Reads a test of a number that goes from 0 to `max`. Ranges are exclusive at both ends, as in Suricata. */
export function parseInteger(text: string, max: number): IntegerTest | BadInteger {
  const single = forms.comparison.exec(text);
  if (single) {
    const value = numberOf(single[2] ?? '');
    return outOfRange(value, max) ?? comparison(single[1] ?? '', value, max, text);
  }
  const range = forms.range.exec(text);
  if (range) {
    const [low, high] = [numberOf(range[2] ?? ''), numberOf(range[3] ?? '')];
    const bad = outOfRange(low, max) ?? outOfRange(high, max);
    if (bad) return bad;
    if (high - low < 2) {
      return {
        cause: `range "${text}" is empty`,
        remedy: 'its ends do not belong to it: they must be at least 2 apart',
      };
    }
    return { lo: low + 1, hi: high - 1, negate: range[1] === '!' };
  }
  const bits = forms.bitmask.exec(text);
  if (bits) {
    const [mask, value] = [numberOf(bits[1] ?? ''), numberOf(bits[3] ?? '')];
    const bad = outOfRange(mask, max) ?? outOfRange(value, max);
    if (bad) return bad;
    if (max > 0xffff_ffff || (value & ~mask) !== 0) {
      return { cause: `"${text}" can never match`, remedy: 'the value may only have bits of the mask' };
    }
    return { mask, lo: value, hi: value, negate: bits[2] === '!' };
  }
  return { cause: `"${text}" is not a number`, remedy: 'write for example 5, !5, >5, <=5, 5<>9 or &0xf0=0x40' };
}

/** The condition that a field passes a test. */
export function integerCondition(field: Field, test: IntegerTest): Condition {
  return { field, negate: test.negate, mask: test.mask ?? 0xffff_ffff, lo: test.lo, hi: test.hi };
}

/** Reads the value of the keyword being parsed; reports and returns undefined if it is wrong. */
export function takeInteger(draft: Draft, value: string, max: number): IntegerTest | undefined {
  const test = parseInteger(value, max);
  return 'cause' in test ? failValue(draft, test.cause, test.remedy) : test;
}

/** Reads a bare decimal number from `min` to `max`; quotes around it are allowed. */
export function takeNumber(draft: Draft, value: string, min: number, max: number): number | undefined {
  const number = /^\d+$/.test(value) ? Number(value) : NaN;
  if (number >= min && number <= max) return number;
  return failValue(draft, `"${value}" is not a number from ${min} to ${max}`, 'write it in decimal digits');
}

/** A keyword that tests one field in the general notation. */
export function integerKeyword(kind: KeywordKind, name: string, what: string, field: Field, max: number): Keyword {
  const summary = `${what}: \`N\`, \`!N\`, \`<N\`, \`<=N\`, \`>N\`, \`>=N\`, \`A<>B\`, \`A-B\` (ends excluded), \`&MASK=N\``;
  return supported(kind, name, summary, (draft, value) => {
    const test = takeInteger(draft, value, max);
    if (test) addConditions(draft, [integerCondition(field, test)]);
  });
}

/** A keyword that asks one field for one exact number. */
export function exactKeyword(
  kind: KeywordKind,
  name: string,
  what: string,
  field: Field,
  max: number,
  aliases: readonly string[] = [],
): Keyword {
  const summary = `${what}: \`N\``;
  const take: NonNullable<Keyword['parse']> = (draft, value) => {
    const number = takeNumber(draft, value, 0, max);
    if (number === undefined) return;
    addConditions(draft, [integerCondition(field, { lo: number, hi: number, negate: false })]);
  };
  return supported(kind, name, summary, take, { aliases, quotes: 'optional' });
}
