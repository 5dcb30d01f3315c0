// SPDX-License-Identifier: Apache-2.0
// isdataat: how much there is in a buffer.

import { failValue, type Draft, type PendingContent } from '../draft.js';
import { positionOf } from '../lines.js';
import { knownVariable, placeOf } from '../variables.js';
import { supported, type Keyword } from './types.js';

const MAX_AT = 0xffff;
const FORM = /^(!?)\s*([^\s,]+)\s*((?:,\s*(?:relative|rawbytes)\s*)*)$/;

/** The content that the keyword is about, if no other test of its buffer stands between them. */
function contentBefore(draft: Draft): PendingContent | undefined {
  const { buffer, group } = placeOf(draft, true);
  const last = draft.parts.findLast((part) => 'buffer' in part && part.buffer === buffer && part.group === group);
  return last?.kind === 'pending' && !last.negated ? last : undefined;
}

function parseDataAt(draft: Draft, value: string): void {
  const form = FORM.exec(value);
  if (!form) return failValue(draft, `"${value}" is not a form of isdataat`, 'write isdataat:N or isdataat:N,relative');
  const [, not = '', place = '', options = ''] = form;
  const [negated, relative] = [not !== '', options.includes('relative')];
  const variable = /^[A-Za-z]/.test(place);
  if (variable && !knownVariable(draft, place)) return;
  const number = /^\d+$/.test(place) ? Number(place) : NaN;
  if (!variable && !(number <= MAX_AT)) {
    return failValue(draft, `"${place}" is not a number from 0 to ${MAX_AT}`, 'correct the number');
  }
  const content = negated && relative && number === 1 ? contentBefore(draft) : undefined;
  if (content) {
    content.endswith = true;
    return;
  }
  draft.parts.push({
    kind: 'isdataat',
    at: variable ? place : number,
    position: positionOf(draft.line, draft.keywordAt),
    ...placeOf(draft, relative),
    relative,
    negated,
    keywordAt: draft.keywordAt,
  });
}

export const dataAtKeywords: readonly Keyword[] = [
  supported(
    'content',
    'isdataat',
    'The buffer has a byte at this place: `N`, `!N`; `,relative` counts from what was found before; `VARIABLE` for `N`',
    parseDataAt,
  ),
];
