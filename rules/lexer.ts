// SPDX-License-Identifier: Apache-2.0
// Splits a logical line into the words of its header and its options, with the offset of each.

export interface Token {
  readonly text: string;
  /** Offset in the logical line. */
  readonly at: number;
}

/** One `name:value;`, the value trimmed and still escaped; undefined if there is no colon. */
export interface Option {
  readonly name: string;
  readonly at: number;
  readonly value: string | undefined;
  readonly valueAt: number;
}

export interface LexError {
  readonly at: number;
  readonly cause: string;
  readonly remedy: string;
}

export interface Lexed {
  /** Action, protocol, source, source ports, direction, destination, destination ports: as many as were there. */
  readonly header: readonly Token[];
  readonly options: readonly Option[];
  readonly error?: LexError;
}

const HEADER_WORDS = 7;
const SPACE = 0x20;
const BACKSLASH = 0x5c;

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) <= SPACE) at++;
  return at;
}

function backOverSpace(text: string, from: number, to: number): number {
  let at = to;
  while (at > from && text.charCodeAt(at - 1) <= SPACE) at--;
  return at;
}

/** End of a header word: white space or `(` outside of brackets. */
function wordEnd(text: string, from: number): number {
  let depth = 0;
  let at = from;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x5b) depth++;
    else if (code === 0x5d) depth--;
    else if (depth <= 0 && (code <= SPACE || code === 0x28)) break;
  }
  return at;
}

function splitOptions(text: string, from: number, end: number, options: Option[]): LexError | undefined {
  let at = skipSpace(text, from);
  while (at < end) {
    let stop = text.indexOf(';', at);
    while (stop > at && text.charCodeAt(stop - 1) === BACKSLASH) stop = text.indexOf(';', stop + 1);
    if (stop < 0 || stop >= end) {
      return {
        at,
        cause: `option "${excerpt(text.slice(at, end))}" has no closing ";"`,
        remedy: 'end every option with ;',
      };
    }
    if (stop > at) options.push(splitOption(text, at, stop));
    at = skipSpace(text, stop + 1);
  }
  return undefined;
}

function splitOption(text: string, at: number, stop: number): Option {
  const colon = text.indexOf(':', at);
  const nameStop = colon < 0 || colon > stop ? stop : colon;
  const name = text.slice(at, backOverSpace(text, at, nameStop)).toLowerCase();
  if (nameStop === stop) return { name, at, value: undefined, valueAt: stop };
  const valueAt = Math.min(skipSpace(text, colon + 1), stop);
  return { name, at, value: text.slice(valueAt, backOverSpace(text, valueAt, stop)), valueAt };
}

/** At most 40 characters of a text, for messages. */
export function excerpt(text: string): string {
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}

/** Splits a rule; what is missing from the header is left to the parser, which knows what should stand there. */
export function lexRule(text: string): Lexed {
  const header: Token[] = [];
  const options: Option[] = [];
  let at = skipSpace(text, 0);
  while (at < text.length && header.length < HEADER_WORDS && text.charCodeAt(at) !== 0x28) {
    const end = wordEnd(text, at);
    header.push({ text: text.slice(at, end), at });
    at = skipSpace(text, end);
  }
  if (header.length < HEADER_WORDS) return { header, options };
  const remedy = 'write the options between ( and ) after the destination ports';
  if (text.charCodeAt(at) !== 0x28) {
    const found = at < text.length ? `"${excerpt(text.slice(at))}" stands` : 'the rule ends';
    return { header, options, error: { at, cause: `${found} where the options should begin`, remedy } };
  }
  const end = backOverSpace(text, at, text.length) - 1;
  if (end <= at || text.charCodeAt(end) !== 0x29) {
    const closed = text.lastIndexOf(';)');
    const where = closed < 0 ? text.length : closed + 2;
    const cause =
      closed < 0
        ? 'the closing ")" is missing'
        : `"${excerpt(text.slice(where).trim())}" stands behind the closing ")"`;
    return { header, options, error: { at: skipSpace(text, where), cause, remedy: 'end the rule with ;)' } };
  }
  const error = splitOptions(text, at + 1, end, options);
  return error ? { header, options, error } : { header, options };
}
