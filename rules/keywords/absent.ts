// SPDX-License-Identifier: Apache-2.0
// absent: a message without the buffer.

import { bufferInfo } from '../buffers.js';
import { fail, failValue, unsupported, type Draft } from '../draft.js';
import { positionOf } from '../lines.js';
import { supported, type Keyword } from './types.js';

function parseAbsent(draft: Draft, value: string): void {
  const { buffer, group, dotprefix, transforms, keywordAt } = draft;
  if (buffer === 'payload') {
    return fail(draft, keywordAt, 'there is no buffer before it', 'write it behind a buffer such as http.referer');
  }
  if (value !== '' && value !== 'or_else') {
    return failValue(draft, `"${value}" is not a form of absent`, 'write absent or absent:or_else');
  }
  if (draft.parts.some((part) => 'group' in part && part.group === group && part.buffer === buffer)) {
    return fail(draft, keywordAt, 'tests of its buffer stand before it', 'write it right behind the buffer');
  }
  // A message with such a buffer is only made once there is something of it.
  if (buffer !== 'other' && bufferInfo[buffer].payload) {
    return unsupported(draft, `the absence of ${buffer} is not seen`);
  }
  const position = positionOf(draft.line, keywordAt);
  const orElse = value !== '';
  draft.parts.push({ kind: 'absent', position, buffer, group, dotprefix, transforms, orElse, keywordAt });
}

export const absentKeywords: readonly Keyword[] = [
  supported(
    'content',
    'absent',
    'First behind a sticky buffer: the message is without it; `or_else`: or it passes what follows',
    parseAbsent,
    { value: 'optional' },
  ),
];
