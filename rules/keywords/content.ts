// SPDX-License-Identifier: Apache-2.0
// content and what modifies it.

import { fail, failValue, unsupported, type Draft, type PendingContent } from '../draft.js';
import { positionOf } from '../lines.js';
import { parsePattern } from '../pattern.js';
import { parseInteger } from './integer.js';
import { supported, type Keyword } from './types.js';

const MAX_OFFSET = 0xffff;

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
    if (name === 'startswith' && (content.offset !== undefined || content.depth !== undefined)) startswithClash(draft);
  };
  return supported('content', name, summary, take, { value: 'none' });
}

function startswithClash(draft: Draft): void {
  fail(draft, draft.keywordAt, 'startswith cannot stand with offset or depth', 'remove one of them');
}

function bound(name: 'offset' | 'depth', summary: string): Keyword {
  return supported('content', name, summary, (draft, value) => {
    const content = modified(draft);
    if (!content) return;
    if (/^[A-Za-z]/.test(value)) return unsupported(draft, 'values taken from packets are not supported');
    const number = /^\d+$/.test(value) ? Number(value) : NaN;
    if (!(number <= MAX_OFFSET))
      return failValue(draft, `"${value}" is not a number from 0 to ${MAX_OFFSET}`, 'correct the number');
    if (content[name] !== undefined) return fail(draft, draft.keywordAt, `${name} stands twice`, 'remove one');
    if (content.startswith) return startswithClash(draft);
    if (name === 'depth' && number < content.pattern.length) {
      return failValue(
        draft,
        `depth ${number} is smaller than the content of ${content.pattern.length} bytes`,
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

/** `bsize`: length of the buffer in force. */
function parseBsize(draft: Draft, value: string): void {
  const { buffer } = draft;
  if (buffer === 'payload') {
    return fail(draft, draft.keywordAt, 'there is no buffer before it', 'write it behind a buffer such as http.uri');
  }
  if (value.startsWith('&')) return unsupported(draft, 'bit masks on lengths are not supported');
  const test = parseInteger(value, Number.MAX_SAFE_INTEGER);
  if ('cause' in test) return failValue(draft, test.cause, test.remedy);
  const position = positionOf(draft.line, draft.keywordAt);
  draft.parts.push({
    kind: 'size',
    at: draft.keywordAt,
    position,
    buffer,
    group: draft.group,
    dotprefix: draft.dotprefix,
    lo: test.lo,
    hi: test.hi,
    negate: test.negate,
  });
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
  bound('offset', 'First byte at which the content may begin: `N`'),
  bound('depth', 'Bytes from `offset` within which the content lies: `N`'),
  supported('content', 'fast_pattern', 'Which content to look for first; matches are the same', parseFastPattern, {
    value: 'optional',
  }),
  supported('content', 'bsize', 'Length of the buffer in force: comparisons as in `ttl`', parseBsize),
];
