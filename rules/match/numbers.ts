// SPDX-License-Identifier: Apache-2.0
// Numbers out of buffers: byte_test, byte_jump, byte_extract, byte_math. 64 bits, as in Suricata.

import type { Amount, ByteOperation, ByteOperator, ByteSpec, NumberRange } from '../ast.js';

/** What byte_extract and byte_math found, by name. */
export type Values = Map<string, bigint>;

const WORD = 64;
const MAX_BYTES = 8;
const MAX_TEXT = 23;

/** The number that is all of a buffer, of up to four bytes. */
export const numberOf = (bytes: Uint8Array): number => bytes.reduce((sum, byte) => sum * 256 + byte, 0);

/** True if one of the ranges holds the number. */
export function inRanges(ranges: readonly NumberRange[], value: number): boolean {
  return ranges.some(({ mask = 0xffff_ffff, lo, hi, negate }) => {
    const part = (value & mask) >>> 0;
    return (part >= lo && part <= hi) !== negate;
  });
}

const u64 = (value: bigint): bigint => BigInt.asUintN(WORD, value);

interface Read {
  readonly value: bigint;
  /** Bytes that were read. */
  readonly length: number;
}

function binary(bytes: Uint8Array, at: number, count: number, little: boolean): Read {
  let value = 0n;
  for (let i = 0; i < count; i++) value = (value << 8n) | BigInt(bytes[little ? at + count - 1 - i : at + i] as number);
  return { value, length: count };
}

/** A number as text, as strtoull reads it: blanks and a sign before it, and 0x where the base allows. */
function text(bytes: Uint8Array, at: number, count: number, base: number): Read | undefined {
  const length = Math.min(count === 0 ? MAX_TEXT : count, bytes.length - at);
  const word = Buffer.from(bytes.subarray(at, at + length)).toString('latin1');
  const form = /^[ \t-\r]*([+-]?)(0[xX](?=[0-9a-fA-F]))?/.exec(word);
  let [digits, radix] = [form?.[0].length ?? 0, base];
  if (form?.[2] !== undefined) {
    if (base === 0 || base === 16) radix = 16;
    else digits -= 2;
  } else if (base === 0) radix = word[digits] === '0' ? 8 : 10;
  const signs = radix === 16 ? /^[0-9a-fA-F]+/ : radix === 8 ? /^[0-7]+/ : /^[0-9]+/;
  const found = signs.exec(word.slice(digits))?.[0];
  if (found === undefined) return undefined;
  const value = BigInt(`${radix === 16 ? '0x' : radix === 8 ? '0o' : ''}${found}`);
  if (value >= 1n << 64n) return undefined;
  return { value: form?.[1] === '-' ? u64(-value) : value, length: digits + found.length };
}

/** Amounts beyond 31 bits are as negative as they are where Suricata casts them. */
export function amountOf(amount: Amount, values: Values): number {
  return typeof amount === 'number' ? amount : Number(BigInt.asIntN(32, values.get(amount) ?? 0n));
}

const valueOf = (value: bigint | string, values: Values): bigint =>
  typeof value === 'bigint' ? value : (values.get(value) ?? 0n);

/** The bits of a mask, shifted down to where they begin. */
function masked(value: bigint, mask: bigint | undefined): bigint {
  if (mask === undefined) return value;
  const left = value & mask;
  let shift = 0n;
  while (mask !== 0n && ((mask >> shift) & 1n) === 0n) shift++;
  return left >> shift;
}

function compares(operator: ByteOperator, a: bigint, b: bigint): boolean {
  switch (operator) {
    case '=':
      return a === b;
    case '<':
      return a < b;
    case '>':
      return a > b;
    case '<=':
      return a <= b;
    case '>=':
      return a >= b;
    case '&':
      return (a & b) !== 0n;
    case '^':
      return (a ^ b) !== 0n;
  }
}

function compute(operation: ByteOperation, a: bigint, b: bigint): bigint | undefined {
  switch (operation) {
    case '+':
      return u64(a + b);
    case '-':
      return u64(a - b);
    case '*':
      return u64(a * b);
    case '/':
      return b === 0n ? undefined : a / b;
    case '<<':
      return b < 64n ? u64(a << b) : 0n;
    case '>>':
      return b < 64n ? a >> b : 0n;
  }
}

function aligned(value: bigint, to: bigint): bigint {
  const over = to === 0n ? 0n : value % to;
  return over === 0n ? value : u64(value + to - over);
}

/** Where a jump leads; undefined if that is outside the buffer, or not known yet. */
function jump(spec: ByteSpec, read: Read, at: number, size: number, open: boolean): number | undefined {
  const { use } = spec;
  if (use.does !== 'jump' || (use.from === 'end' && open)) return undefined;
  let value = u64(masked(read.value, spec.mask) * BigInt(use.multiplier));
  if (use.align) value = aligned(value, 4n);
  const far = BigInt.asIntN(WORD, value + BigInt(use.postOffset));
  const base = use.from === 'beginning' ? 0 : use.from === 'end' ? size : at + read.length;
  const to = BigInt(base) + far;
  if (to < 0n) return 0;
  return to > BigInt(size) ? undefined : Number(to);
}

/**
 * Does what the keyword does. The place where the next relative test begins, or undefined if it does not match.
 * @param here where the last one ended
 * @param open the buffer goes on behind what is there
 */
export function takeNumber(
  spec: ByteSpec,
  bytes: Uint8Array,
  here: number,
  open: boolean,
  values: Values,
): number | undefined {
  const { use, base, little } = spec;
  const size = bytes.length;
  const count = amountOf(spec.count, values);
  const at = amountOf(spec.offset, values) + (spec.relative ? here : 0);
  if (size === 0 || count < 0 || count > (base === undefined ? MAX_BYTES : MAX_TEXT)) return undefined;
  if (at < 0 || at + count > size || (spec.relative && at >= size)) return undefined;
  const read = base === undefined ? binary(bytes, at, count, little) : text(bytes, at, count, base);
  // A text that goes up to the end of what is there may go on.
  if (read === undefined || (open && base !== undefined && count === 0 && at + read.length === size)) return undefined;
  switch (use.does) {
    case 'test': {
      const value = masked(read.value, spec.mask);
      return compares(use.operator, value, valueOf(use.value, values)) === use.negated ? undefined : here;
    }
    case 'jump':
      return jump(spec, read, at, size, open);
    case 'extract':
      values.set(use.result, aligned(u64(masked(read.value, spec.mask) * BigInt(use.multiplier)), BigInt(use.align)));
      return at + read.length;
    case 'math': {
      const value = compute(use.oper, read.value, valueOf(use.value, values));
      if (value === undefined) return undefined;
      values.set(use.result, masked(value, spec.mask));
      return at + read.length;
    }
  }
}
