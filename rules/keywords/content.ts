// SPDX-License-Identifier: Apache-2.0
// content and what modifies it.

import { fail, failValue, unsupported, type Draft, type PendingContent } from '../draft.js';
import { positionOf } from '../lines.js';
import { parsePattern } from '../pattern.js';
import { knownVariable, placeOf, type Place } from '../variables.js';
import { takeInteger } from './integer.js';
import { supported, type Keyword } from './types.js';

const MAX_OFFSET = 0xffff;
const MAX_RELATIVE = 1 << 20;

/** Takes a content that looks into `buffer`. */
export function addContent(draft: Draft, value: string, negated: boolean, buffer: PendingContent['buffer']): void {
  const pattern = parsePattern(value);
  if (!(pattern instanceof Uint8Array)) {
    // The opening quote was taken off.
    const quoted = draft.line.text.indexOf('"', draft.valueAt) + 1;
    return fail(draft, Math.max(draft.valueAt, quoted) + pattern.at, pattern.cause, pattern.remedy);
  }
  const content: PendingContent = {
    kind: 'pending',
    keyword: draft.keyword,
    position: positionOf(draft.line, draft.keywordAt),
    at: draft.keywordAt,
    pattern,
    negated,
    buffer,
    group: draft.group,
    dotprefix: draft.dotprefix && buffer === draft.buffer,
    transforms: buffer === draft.buffer ? draft.transforms : undefined,
    nocase: false,
    startswith: false,
    endswith: false,
    fastPattern: false,
  };
  draft.parts.push(content);
  draft.lastContent = content;
}

/** The content that the keyword being parsed modifies. */
export function modified(draft: Draft): PendingContent | undefined {
  if (draft.lastContent) return draft.lastContent;
  return fail(draft, draft.keywordAt, 'there is no content before it', `write ${draft.keyword} behind a content`);
}

function flag(name: 'nocase' | 'startswith' | 'endswith', summary: string): Keyword {
  const take = (draft: Draft): void => {
    const content = modified(draft);
    if (!content) return;
    if (content[name]) return fail(draft, draft.keywordAt, `${name} stands twice`, 'remove one');
    content[name] = true;
    const bounds: readonly Bound[] = ['offset', 'depth', 'distance', 'within'];
    if (name === 'startswith' && bounds.some((one) => isSet(content, one))) startswithClash(draft);
  };
  return supported('content', name, summary, take, { value: 'none' });
}

function startswithClash(draft: Draft): void {
  fail(draft, draft.keywordAt, 'startswith cannot stand with offset, depth, distance or within', 'remove one of them');
}

type Bound = 'offset' | 'depth' | 'distance' | 'within';

const isSet = (content: PendingContent, name: Bound): boolean =>
  (content[name] ?? content.variables?.[name]) !== undefined;

/** What a bound cannot stand with. */
function boundClash(draft: Draft, content: PendingContent, name: Bound): boolean {
  const others: readonly Bound[] = name === 'offset' || name === 'depth' ? ['distance', 'within'] : ['offset', 'depth'];
  const other = others.find((one) => isSet(content, one));
  if (isSet(content, name)) fail(draft, draft.keywordAt, `${name} stands twice`, 'remove one');
  else if (content.startswith) startswithClash(draft);
  else if (other !== undefined) {
    fail(
      draft,
      draft.keywordAt,
      `${name} and ${other} do not go together`,
      'one counts from what was found before, the other does not',
    );
  } else return false;
  return true;
}

function boundOf(draft: Draft, name: Bound, value: string): number | undefined {
  const relative = name === 'distance' || name === 'within';
  const number = (relative ? /^[+-]?\d+$/ : /^\d+$/).test(value) ? Number(value) : NaN;
  const max = relative ? MAX_RELATIVE : MAX_OFFSET;
  if (Math.abs(number) <= max) return number;
  return failValue(draft, `"${value}" is not a number from ${relative ? -max : 0} to ${max}`, 'correct the number');
}

function bound(name: Bound, summary: string): Keyword {
  return supported('content', name, summary, (draft, value) => {
    const content = modified(draft);
    if (!content || boundClash(draft, content, name)) return;
    if (/^[A-Za-z]/.test(value)) {
      if (knownVariable(draft, value)) content.variables = { ...content.variables, [name]: value };
      return;
    }
    const number = boundOf(draft, name, value);
    if (number === undefined) return;
    if ((name === 'depth' || name === 'within') && number < content.pattern.length) {
      return failValue(
        draft,
        `${name} ${number} is smaller than the content of ${content.pattern.length} bytes`,
        'enlarge it',
      );
    }
    content[name] = number;
  });
}

function parseFastPattern(draft: Draft, value: string): void {
  const content = modified(draft);
  if (!content) return;
  const other = draft.parts.some((part) => part.kind === 'pending' && part.fastPattern);
  if (other) return fail(draft, draft.keywordAt, 'only one content of a rule can have fast_pattern', 'remove one');
  content.fastPattern = true;
  const chop = /^(\d+)\s*,\s*(\d+)$/.exec(value);
  if (value === '' || value === 'only') return;
  if (!chop) return failValue(draft, `"${value}" is not a form of fast_pattern`, 'write fast_pattern alone');
  if (Number(chop[1]) + Number(chop[2]) > content.pattern.length) {
    failValue(draft, 'the part lies beyond the end of the content', 'correct offset and length');
  }
}

/** Takes a comparison of the length of what stands at `place`. */
function addSize(draft: Draft, value: string, place: Place): void {
  const test = takeInteger(draft, value, Number.MAX_SAFE_INTEGER);
  if (!test) return;
  const { mask, lo, hi, negate } = test;
  if (mask !== undefined) return unsupported(draft, 'bit masks on lengths are not supported');
  const { keywordAt } = draft;
  draft.parts.push({ kind: 'size', keywordAt, position: positionOf(draft.line, keywordAt), ...place, lo, hi, negate });
}

/** `bsize`: length of the buffer in force. */
function parseBsize(draft: Draft, value: string): void {
  if (draft.buffer === 'payload') {
    return fail(draft, draft.keywordAt, 'there is no buffer before it', 'write it behind a buffer such as http.uri');
  }
  if (value.startsWith('&')) return unsupported(draft, 'bit masks on lengths are not supported');
  addSize(draft, value, placeOf(draft, false));
}

/** `urilen`: length of the URI, normalised unless told otherwise. */
function parseUrilen(draft: Draft, value: string): void {
  const [, number = '', which = 'norm'] = /^(.*?)(?:\s*,\s*(norm|raw))?$/.exec(value) ?? [];
  const buffer = which === 'raw' ? 'http.uri.raw' : 'http.uri';
  addSize(draft, number, { buffer, group: draft.group, dotprefix: false, transforms: undefined });
}

export const contentKeywords: readonly Keyword[] = [
  supported(
    'content',
    'content',
    'Bytes in the buffer in force, or in the payload: `"text"`, `!"text"`, hexadecimal between `|`',
    (draft, value, negated) => addContent(draft, value, negated, draft.buffer),
    { quotes: 'mandatory', negatable: true },
  ),
  supported(
    'content',
    'uricontent',
    '`content` in `http.uri` (older notation)',
    (draft, value, negated) => addContent(draft, value, negated, 'http.uri'),
    { quotes: 'mandatory', negatable: true },
  ),
  flag('nocase', 'ASCII letters match in both cases'),
  flag('startswith', 'The content begins the buffer'),
  flag('endswith', 'The content ends the buffer'),
  bound('offset', 'First byte at which the content may begin: `N`, `VARIABLE`'),
  bound('depth', 'Bytes from `offset` within which the content lies: `N`, `VARIABLE`'),
  bound('distance', 'Bytes from the end of what was found before to the content, at least: `N`, `-N`, `VARIABLE`'),
  bound('within', 'Bytes from there within which the content lies: `N`, `VARIABLE`'),
  supported('content', 'fast_pattern', 'Which content to look for first; matches are the same', parseFastPattern, {
    value: 'optional',
  }),
  supported('content', 'bsize', 'Length of the buffer in force: comparisons as in `ttl`', parseBsize),
  supported(
    'content',
    'urilen',
    'Length of `http.uri`, with `,raw` of `http.uri.raw`: comparisons as in `ttl`',
    parseUrilen,
  ),
];
