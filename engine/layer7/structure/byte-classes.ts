// SPDX-License-Identifier: Apache-2.0
// What the structure automaton tells bytes apart by: one class for each byte that the syntax or a name may turn on.

import { StructureKind as Kind } from '../../../common/abi.gen.js';
import { foldNameByte, isTokenByte } from './names.js';

const SINGLE = '\r\n \t:/.?&;#%=[]\\';
const MARKS = "-!$'*+^`|~";
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const DIGITS = '0123456789';
const ALL = SINGLE + LETTERS + DIGITS + MARKS;

/** Bytes that may stand in no name and that nothing turns on. Class 0 is a table that is not (fully) written. */
const OTHER = ALL.length + 1;

/** Classes in use, with class 0. */
export const CLASSES = OTHER + 1;

/** Class of each byte; letters of both cases share one, and so do `-` and `_`. */
export const byteClasses: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  const at = ALL.indexOf(String.fromCharCode(foldNameByte(byte)));
  return at < 0 ? OTHER : at + 1;
});

const of = (sign: string): number => byteClasses[sign.charCodeAt(0)] ?? 0;

/** Classes by the sign that they are of. */
export const Class = {
  CR: of('\r'),
  LF: of('\n'),
  SPACE: of(' '),
  TAB: of('\t'),
  COLON: of(':'),
  SLASH: of('/'),
  DOT: of('.'),
  QUESTION: of('?'),
  AMPERSAND: of('&'),
  SEMICOLON: of(';'),
  HASH: of('#'),
  PERCENT: of('%'),
  EQUALS: of('='),
  OPEN: of('['),
  CLOSE: of(']'),
  BACKSLASH: of('\\'),
} as const;

/** Class of one character. */
export const classOf = of;

const tokens: readonly boolean[] = Array.from({ length: CLASSES }, (_, cls) =>
  byteClasses.some((other, byte) => other === cls && isTokenByte(byte)),
);

/** True if a byte of the class may stand in the name of a header. */
export const isToken = (cls: number): boolean => tokens[cls] ?? false;
export const isBlank = (cls: number): boolean => cls === Class.SPACE || cls === Class.TAB;
export const endsLine = (cls: number): boolean => cls === Class.CR || cls === Class.LF;

/** True if the class is one of these characters'. */
export function among(cls: number, signs: string): boolean {
  for (const sign of signs) if (of(sign) === cls) return true;
  return false;
}

/** True for what can begin the name of a parameter behind it. */
export const separates = (cls: number): boolean =>
  cls === Class.QUESTION || cls === Class.AMPERSAND || cls === Class.SEMICOLON || cls === Class.HASH;

const KINDS: readonly (readonly [number, string])[] = [
  [Kind.KIND_LINE_END, '\r\n'],
  [Kind.KIND_SEPARATOR, '?&;#'],
  [Kind.KIND_PERCENT, '%'],
  [Kind.KIND_COLON, ':[]'],
  [Kind.KIND_BLANK, ' \t'],
  [Kind.KIND_PATH, '/.\\='],
];

/** enum ids_structure_kind of each class. */
export const kindOf: readonly number[] = Array.from({ length: CLASSES }, (_, cls) =>
  cls === OTHER ? Kind.KIND_OTHER : (KINDS.find(([, signs]) => among(cls, signs))?.[0] ?? 0),
);
