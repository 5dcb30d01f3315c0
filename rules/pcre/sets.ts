// SPDX-License-Identifier: Apache-2.0
// Sets of symbols: the 256 bytes, and what stands for the end of a buffer. ASCII alone has letters, as in the C locale.

/** Symbols beyond the bytes, as the byte that comes next. */
export const Symbol = {
  /** The buffer ends here. */
  END: 256,
  /** A line feed that is the last byte of the buffer: `$` stands before it too. */
  LAST_LF: 257,
  /** The buffer goes on behind what was captured: nothing is known of the byte. */
  UNKNOWN: 258,
} as const;
export const SYMBOLS = 259;

/** Before the first byte, as the symbol that came before. */
export const START = 256;

export const LF = 10;
const CR = 13;

/** A set of symbols, as one word for 32 of them. */
export type SymbolSet = Uint32Array;

export function emptySet(): SymbolSet {
  return new Uint32Array(Math.ceil(SYMBOLS / 32));
}

export function has(set: SymbolSet, symbol: number): boolean {
  return (((set[symbol >>> 5] as number) >>> (symbol & 31)) & 1) === 1;
}

export function add(set: SymbolSet, symbol: number): void {
  set[symbol >>> 5] = (set[symbol >>> 5] as number) | (1 << (symbol & 31));
}

export function addRange(set: SymbolSet, from: number, to: number): void {
  for (let symbol = from; symbol <= to; symbol++) add(set, symbol);
}

export function addAll(set: SymbolSet, other: SymbolSet): void {
  for (let i = 0; i < set.length; i++) set[i] = (set[i] as number) | (other[i] as number);
}

/** The bytes that are not in the set. */
export function inverted(set: SymbolSet): SymbolSet {
  const out = emptySet();
  for (let i = 0; i < 8; i++) out[i] = ~(set[i] as number) >>> 0;
  return out;
}

export function setOf(...symbols: number[]): SymbolSet {
  const set = emptySet();
  for (const symbol of symbols) add(set, symbol);
  return set;
}

export function rangesOf(...ranges: (readonly [number, number])[]): SymbolSet {
  const set = emptySet();
  for (const [from, to] of ranges) addRange(set, from, to);
  return set;
}

const isUpper = (byte: number): boolean => byte >= 0x41 && byte <= 0x5a;
const isLower = (byte: number): boolean => byte >= 0x61 && byte <= 0x7a;

/** Adds the other case of each letter. */
export function addCases(set: SymbolSet): void {
  for (let byte = 0x41; byte <= 0x5a; byte++) {
    if (has(set, byte)) add(set, byte + 32);
    else if (has(set, byte + 32)) add(set, byte);
  }
}

export const anyByte = rangesOf([0, 255]);
export const noLf = inverted(setOf(LF));
const digits = rangesOf([0x30, 0x39]);
const upper = rangesOf([0x41, 0x5a]);
const lowerCase = rangesOf([0x61, 0x7a]);
const letters = rangesOf([0x41, 0x5a], [0x61, 0x7a]);
export const wordBytes = rangesOf([0x30, 0x39], [0x41, 0x5a], [0x61, 0x7a], [0x5f, 0x5f]);
const spaces = setOf(9, LF, 11, 12, CR, 32);
const blanks = setOf(9, 32, 0xa0);
const verticals = setOf(LF, 11, 12, CR, 0x85);

/** What `\d` and its like stand for. */
export const escapeClasses: ReadonlyMap<string, SymbolSet> = new Map([
  ['d', digits],
  ['D', inverted(digits)],
  ['w', wordBytes],
  ['W', inverted(wordBytes)],
  ['s', spaces],
  ['S', inverted(spaces)],
  ['h', blanks],
  ['H', inverted(blanks)],
  ['v', verticals],
  ['V', inverted(verticals)],
  ['N', noLf],
]);

/** What `[:alpha:]` and its like stand for. */
export const posixClasses: ReadonlyMap<string, SymbolSet> = new Map([
  ['alnum', rangesOf([0x30, 0x39], [0x41, 0x5a], [0x61, 0x7a])],
  ['alpha', letters],
  ['ascii', rangesOf([0, 127])],
  ['blank', setOf(9, 32)],
  ['cntrl', rangesOf([0, 31], [127, 127])],
  ['digit', digits],
  ['graph', rangesOf([0x21, 0x7e])],
  ['lower', lowerCase],
  ['print', rangesOf([0x20, 0x7e])],
  ['punct', rangesOf([0x21, 0x2f], [0x3a, 0x40], [0x5b, 0x60], [0x7b, 0x7e])],
  ['space', spaces],
  ['upper', upper],
  ['word', wordBytes],
  ['xdigit', rangesOf([0x30, 0x39], [0x41, 0x46], [0x61, 0x66])],
]);

/** One byte; without case, a letter stands for both. */
export function byteSet(byte: number, nocase: boolean): SymbolSet {
  const set = setOf(byte);
  if (nocase && (isUpper(byte) || isLower(byte))) add(set, byte ^ 32);
  return set;
}
