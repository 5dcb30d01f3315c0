// SPDX-License-Identifier: Apache-2.0
// Keywords on the IP header.

import type { Condition } from '../ast.js';
import { Field, Ipopt } from '../../common/abi.gen.js';
import { addConditions, fail, failValue, type Draft } from '../draft.js';
import { ipProtocolNameList, ipProtocolNumber, versionCondition } from '../protocols.js';
import { didYouMean } from '../suggest.js';
import { exactKeyword, integerCondition, integerKeyword, takeNumber } from './integer.js';
import { supported, type Keyword } from './types.js';

const FRAGMENT_BITS: Readonly<Record<string, number>> = { M: 1, D: 2, R: 4 };
const ALL_FRAGMENT_BITS = 7;
const MAX_OFFSET = 0x1fff;

function condition(field: Condition['field'], mask: number, lo: number, hi: number, negate = false): Condition {
  return { field, negate, mask, lo, hi };
}

function parseFragbits(draft: Draft, value: string): void {
  const match = /^([+*!]?)\s*([MDR]+)$/i.exec(value);
  if (!match) return failValue(draft, `"${value}" are not fragment bits`, 'write letters of M, D, R behind +, * or !');
  const bits = [...(match[2] ?? '').toUpperCase()].reduce((sum, letter) => sum | (FRAGMENT_BITS[letter] ?? 0), 0);
  const field = Field.FRAGBITS;
  const conditions = [versionCondition(4)];
  if (match[1] === '*') conditions.push(condition(field, bits, 1, ALL_FRAGMENT_BITS));
  else if (match[1] === '!') conditions.push(condition(field, bits, bits, bits, true));
  else if (match[1] === '') conditions.push(condition(field, ALL_FRAGMENT_BITS, bits, bits));
  else if (bits === ALL_FRAGMENT_BITS) {
    return failValue(draft, '+ asks for a bit beyond all three and can never match', 'write MDR without +');
  } else {
    // Suricata's + asks for these bits and at least one other.
    conditions.push(
      condition(field, bits, bits, bits),
      condition(field, ALL_FRAGMENT_BITS & ~bits, 1, ALL_FRAGMENT_BITS),
    );
  }
  addConditions(draft, conditions);
}

function parseFragoffset(draft: Draft, value: string): void {
  const match = /^([<>!]?)\s*(\d+)$/.exec(value);
  if (!match)
    return failValue(draft, `"${value}" is not a fragment offset`, 'write N, <N, >N or !N in units of 8 bytes');
  const offset = takeNumber(draft, match[2] ?? '', 0, MAX_OFFSET);
  if (offset === undefined) return;
  const [lo, hi] = match[1] === '<' ? [0, offset - 1] : match[1] === '>' ? [offset + 1, MAX_OFFSET] : [offset, offset];
  if (lo > hi) return failValue(draft, `"${value}" can never match`, `offsets go from 0 to ${MAX_OFFSET}`);
  addConditions(draft, [integerCondition(Field.FRAGOFFSET, { lo, hi, negate: match[1] === '!' })]);
}

const optionBits: Readonly<Record<string, number>> = {
  rr: Ipopt.RR,
  eol: Ipopt.EOL,
  nop: Ipopt.NOP,
  ts: Ipopt.TS,
  sec: Ipopt.SEC,
  esec: Ipopt.ESEC,
  lsrr: Ipopt.LSRR,
  ssrr: Ipopt.SSRR,
  satid: Ipopt.SATID,
  cipso: Ipopt.CIPSO,
  rtralt: Ipopt.RTRALT,
  qs: Ipopt.QS,
};

function parseIpopts(draft: Draft, value: string): void {
  const name = value.toLowerCase();
  if (name === 'any') return addConditions(draft, [condition(Field.IPOPTS, 0xffff_ffff, 1, 0xffff_ffff)]);
  const bit = Object.hasOwn(optionBits, name) ? optionBits[name] : undefined;
  if (bit === undefined) {
    const names = [...Object.keys(optionBits), 'any'];
    return failValue(
      draft,
      `"${value}" is not an IP option`,
      didYouMean(name, names, `write one of ${names.join(' ')}`),
    );
  }
  addConditions(draft, [condition(Field.IPOPTS, bit, bit, bit)]);
}

function parseTos(draft: Draft, value: string, negated: boolean): void {
  const match = /^(!?)\s*(?:x([0-9a-f]{1,2})|(\d{1,3}))$/i.exec(value);
  const tos = match?.[2] !== undefined ? parseInt(match[2], 16) : Number(match?.[3] ?? NaN);
  if (!match || !(tos <= 255)) return failValue(draft, `"${value}" is not a TOS value`, 'write 0 to 255 or x00 to xff');
  const negate = negated !== (match[1] === '!');
  addConditions(draft, [versionCondition(4), integerCondition(Field.TOS, { lo: tos, hi: tos, negate })]);
}

/** Several `ip_proto` narrow each other: one number, or bounds and exclusions. */
function parseIpProto(draft: Draft, value: string): void {
  const match = /^([!<>]?)\s*(\S+)$/.exec(value);
  const operator = match?.[1] ?? '';
  const number = ipProtocolNumber(match?.[2] ?? '');
  if (number === undefined) {
    const remedy = didYouMean(
      match?.[2] ?? '',
      ipProtocolNameList,
      'write a number from 0 to 255 or a name such as gre',
    );
    return failValue(draft, `"${value}" is not an IP protocol`, remedy);
  }
  if (draft.protocol.ipProtocols !== undefined || draft.protocol.anyFrame) {
    return fail(draft, draft.keywordAt, 'ip_proto needs the protocol ip', 'write ip, ipv4 or ipv6 in the header');
  }
  const used = draft.ipProtoOperators;
  if (used.includes('=') || (operator === '' && used !== '') || (operator !== '!' && used.includes(operator || '='))) {
    return fail(
      draft,
      draft.keywordAt,
      'this ip_proto contradicts an earlier one',
      'use one number, or one < , one > and any !',
    );
  }
  draft.ipProtoOperators += operator === '' ? '=' : operator;
  draft.ipProtocols ??= new Set(Array.from({ length: 256 }, (_, i) => i));
  for (const candidate of draft.ipProtocols) {
    const holds =
      operator === '!'
        ? candidate !== number
        : operator === '<'
          ? candidate < number
          : operator === '>'
            ? candidate > number
            : candidate === number;
    if (!holds) draft.ipProtocols.delete(candidate);
  }
  if (draft.ipProtocols.size === 0) fail(draft, draft.valueAt, 'no IP protocol is left', 'correct the bounds');
  addConditions(draft, []);
}

function parseL3Proto(draft: Draft, value: string): void {
  const version = /^(?:ipv?|)([46])$/i.exec(value)?.[1];
  if (version === undefined) return failValue(draft, `"${value}" is not an IP version`, 'write ipv4 or ipv6');
  addConditions(draft, [versionCondition(version === '4' ? 4 : 6)]);
}

export const ipKeywords: readonly Keyword[] = [
  integerKeyword('ip', 'ttl', 'TTL or hop limit', Field.TTL, 255),
  exactKeyword('ip', 'id', 'Identification of an IPv4 packet', Field.IP_ID, 0xffff),
  supported('ip', 'tos', 'TOS byte of an IPv4 packet: `N`, `!N`, `xHH`', parseTos, {
    quotes: 'optional',
    negatable: true,
  }),
  supported(
    'ip',
    'fragbits',
    'Fragment bits of an IPv4 packet: `M`, `D`, `R`; `+` these and more, `*` any, `!` not all',
    parseFragbits,
  ),
  supported('ip', 'fragoffset', 'Fragment offset in units of 8 bytes: `N`, `<N`, `>N`, `!N`', parseFragoffset),
  supported(
    'ip',
    'ipopts',
    `IPv4 option: ${[...Object.keys(optionBits), 'any'].map((name) => `\`${name}\``).join(' ')}`,
    parseIpopts,
  ),
  supported('ip', 'ip_proto', 'IP protocol behind extension headers: `N`, `name`, `!N`, `<N`, `>N`', parseIpProto, {
    quotes: 'optional',
  }),
  supported('ip', 'l3_proto', 'IP version: `ipv4` or `ipv6`', parseL3Proto),
  supported(
    'ip',
    'sameip',
    'Source and destination address are the same',
    (draft) => addConditions(draft, [condition(Field.SAMEIP, 0xffff_ffff, 1, 1)]),
    { value: 'none' },
  ),
];
