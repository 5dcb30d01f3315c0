// SPDX-License-Identifier: Apache-2.0
// byte_test, byte_jump, byte_extract and byte_math: numbers out of buffers.

import type { Amount, ByteOperation, ByteOperator, ByteSpec, ByteUse } from '../ast.js';
import { failValue, unsupported, type Draft } from '../draft.js';
import { positionOf } from '../lines.js';
import { knownVariable, newVariable, placeOf } from '../variables.js';
import { supported, type Keyword } from './types.js';

/** Bytes of a number, of a text of it. */
const MAX_BYTES = 8;
const MAX_TEXT = 23;
const MAX_OFFSET = 0xffff;

const integer = (text: string): number =>
  /^[+-]?(?:0[xX][0-9a-fA-F]+|\d+)$/.test(text) ? Number(text.replace('+', '')) : NaN;
const large = (text: string): bigint | undefined =>
  /^(?:0[xX][0-9a-fA-F]+|\d+)$/.test(text) ? BigInt(text) : undefined;

/** Options that may stand in any order behind the first values. */
interface Options {
  relative: boolean;
  little: boolean;
  text: boolean;
  base: 0 | 8 | 10 | 16;
  mask: bigint | undefined;
  multiplier: number;
  postOffset: number;
  align: number;
  from: 'here' | 'beginning' | 'end';
}

/** Reads one option; false if there is none of that name here. */
function readOption(draft: Draft, options: Options, name: string, value: string, allowed: readonly string[]): boolean {
  if (!allowed.includes(name)) return false;
  const number = integer(value);
  switch (name) {
    case 'relative':
      options.relative = true;
      return true;
    case 'big':
    case 'little':
      options.little = name === 'little';
      return true;
    case 'endian':
      options.little = value === 'little';
      if (value === 'dce') unsupported(draft, 'DCE/RPC is not parsed');
      return value === 'big' || value === 'little' || value === 'dce';
    case 'string':
      options.text = true;
      if (value === '') return true;
      return readOption(draft, options, value, '', ['hex', 'dec', 'oct']);
    case 'hex':
    case 'dec':
    case 'oct':
      options.base = name === 'hex' ? 16 : name === 'dec' ? 10 : 8;
      return true;
    case 'dce':
      unsupported(draft, 'DCE/RPC is not parsed');
      return true;
    case 'bitmask':
      options.mask = large(value) ?? large(`0x${value}`);
      return options.mask !== undefined;
    case 'multiplier':
      options.multiplier = number;
      return number >= 1 && number <= 65535;
    case 'post_offset':
      options.postOffset = number;
      return Math.abs(number) <= 65535;
    case 'align':
      options.align = value === '' ? 4 : number;
      return options.align === 4 || options.align === 2;
    default:
      options.from = name === 'from_end' ? 'end' : 'beginning';
      return true;
  }
}

function readOptions(draft: Draft, words: readonly string[], allowed: readonly string[]): Options | undefined {
  const options: Options = {
    relative: false,
    little: false,
    text: false,
    base: 0,
    mask: undefined,
    multiplier: 1,
    postOffset: 0,
    align: 0,
    from: 'here',
  };
  for (const word of words) {
    const [name = '', value = ''] = word.split(/\s+/);
    if (readOption(draft, options, name.toLowerCase(), value, allowed)) continue;
    return failValue(draft, `"${word}" is not an option of ${draft.keyword}`, `options are ${allowed.join(' ')}`);
  }
  return options;
}

function amount(draft: Draft, text: string, what: string, min: number, max: number): Amount | undefined {
  if (/^[A-Za-z]/.test(text)) return knownVariable(draft, text) ? text : undefined;
  const number = integer(text);
  if (number >= min && number <= max) return number;
  return failValue(draft, `"${text}" is no ${what} from ${min} to ${max}`, 'correct the number');
}

/** A number to compare or compute with. */
function operand(draft: Draft, text: string): bigint | string | undefined {
  if (/^[A-Za-z]/.test(text)) return knownVariable(draft, text) ? text : undefined;
  const value = large(text);
  if (value !== undefined && value < 1n << 64n) return value;
  return failValue(draft, `"${text}" is not a number`, 'write it in decimal, or in hexadecimal behind 0x');
}

function push(draft: Draft, count: string, offset: string, options: Options, use: ByteUse): void {
  const bytes = amount(draft, count, 'number of bytes', 0, options.text ? MAX_TEXT : MAX_BYTES);
  const from = bytes === undefined ? undefined : amount(draft, offset, 'offset', -MAX_OFFSET, MAX_OFFSET);
  if (bytes === undefined || from === undefined) return;
  const nothing = !options.text && bytes === 0;
  if (nothing && use.does !== 'jump') return failValue(draft, 'no bytes are read', 'write a number from 1 to 8');
  const spec: ByteSpec = {
    count: bytes,
    offset: from,
    relative: options.relative,
    little: options.little,
    ...(options.text ? { base: options.base } : {}),
    ...(options.mask === undefined ? {} : { mask: options.mask }),
    use,
  };
  const position = positionOf(draft.line, draft.keywordAt);
  draft.parts.push({ kind: 'bytes', position, ...placeOf(draft, options.relative), spec, keywordAt: draft.keywordAt });
}

const words = (value: string): string[] => value.split(',').map((word) => word.trim());
const READING = ['relative', 'big', 'little', 'string', 'hex', 'dec', 'oct', 'dce'] as const;

function parseTest(draft: Draft, value: string): void {
  const [count = '', written = '', against = '', offset = '', ...rest] = words(value);
  const form = /^(!?)\s*(<=|>=|[<>=&^])?$/.exec(written);
  if (!form || written === '') {
    return failValue(
      draft,
      `"${written}" is not an operator`,
      'write one of < > = <= >= & ^, with ! before it to negate',
    );
  }
  const options = readOptions(draft, rest, [...READING, 'bitmask']);
  const number = options && operand(draft, against);
  if (!options || number === undefined) return;
  const operator = (form[2] ?? '=') as ByteOperator;
  push(draft, count, offset, options, { does: 'test', operator, negated: form[1] === '!', value: number });
}

function parseJump(draft: Draft, value: string): void {
  const [count = '', offset = '', ...rest] = words(value);
  const allowed = [...READING, 'multiplier', 'align', 'from_beginning', 'from_end', 'post_offset', 'bitmask'];
  const options = readOptions(draft, rest, allowed);
  if (!options) return;
  const { from, multiplier, postOffset } = options;
  push(draft, count, offset, options, { does: 'jump', from, multiplier, align: options.align > 0, postOffset });
}

function parseExtract(draft: Draft, value: string): void {
  const [count = '', offset = '', result = '', ...rest] = words(value);
  const options = readOptions(draft, rest, [...READING, 'multiplier', 'align', 'bitmask']);
  if (!options || !newVariable(draft, result)) return;
  if (options.text && options.base === 0) options.base = 10;
  const { multiplier } = options;
  push(draft, count, offset, options, { does: 'extract', result, multiplier, align: options.align as 0 | 2 | 4 });
}

/** byte_math names all of its values. */
function parseMath(draft: Draft, value: string): void {
  const named = new Map<string, string>();
  const rest: string[] = [];
  for (const word of words(value)) {
    const [name = '', ...content] = word.split(/\s+/);
    if (['bytes', 'offset', 'oper', 'rvalue', 'result'].includes(name)) named.set(name, content.join(' '));
    else rest.push(word);
  }
  const of = (name: string): string => named.get(name) ?? '';
  const missing = ['bytes', 'offset', 'oper', 'rvalue', 'result'].find((name) => of(name) === '');
  if (missing !== undefined) return failValue(draft, `${missing} is missing`, `write ${missing} VALUE`);
  const options = readOptions(draft, rest, ['relative', 'endian', 'string', 'dce', 'bitmask']);
  if (!options) return;
  if (options.text && options.base === 0) options.base = 10;
  if (!/^(?:[-+*/]|<<|>>)$/.test(of('oper'))) {
    return failValue(draft, `"${of('oper')}" is not an operation`, 'write one of + - * / << >>');
  }
  const number = operand(draft, of('rvalue'));
  if (number === undefined || !newVariable(draft, of('result'))) return;
  const use: ByteUse = { does: 'math', result: of('result'), oper: of('oper') as ByteOperation, value: number };
  push(draft, of('bytes'), of('offset'), options, use);
}

const FORMS = 'behind that `relative` `little` `string,hex` (`dec`, `oct`) `bitmask N`';

export const bytesKeywords: readonly Keyword[] = [
  supported(
    'content',
    'byte_test',
    `Compares a number of the buffer: \`BYTES,[!]OP,VALUE,OFFSET\`, ${FORMS}`,
    parseTest,
  ),
  supported(
    'content',
    'byte_jump',
    `Goes on as many bytes behind a number as it says: \`BYTES,OFFSET\`, ${FORMS} \`multiplier N\` \`align\` ` +
      '`from_beginning` `from_end` `post_offset N`',
    parseJump,
  ),
  supported(
    'content',
    'byte_extract',
    `Keeps a number as a variable: \`BYTES,OFFSET,NAME\`, ${FORMS} \`multiplier N\` \`align N\``,
    parseExtract,
  ),
  supported(
    'content',
    'byte_math',
    'Computes with a number and keeps the result: `bytes N, offset N, oper OP, rvalue N, result NAME`, behind that ' +
      '`relative` `endian little` `string hex` `bitmask N`',
    parseMath,
  ),
];
