// SPDX-License-Identifier: Apache-2.0
// stream_size: what a side of a TCP connection has sent so far, by its sequence numbers.

import type { StreamSizeMatch } from '../ast.js';
import { failValue, type Draft } from '../draft.js';
import { positionOf } from '../lines.js';
import { takeNumber } from './integer.js';
import { supported, type Keyword } from './types.js';

const sides: readonly StreamSizeMatch['side'][] = ['server', 'client', 'both', 'either'];
const operators: readonly StreamSizeMatch['operator'][] = ['<', '<=', '>', '>=', '=', '!='];
const MAX = 0xffff_ffff;

function parseStreamSize(draft: Draft, value: string): void {
  const [who = '', sign = '', number = '', ...more] = value.split(',').map((part) => part.trim());
  const side = sides.find((candidate) => candidate === who);
  const operator = operators.find((candidate) => candidate === sign);
  if (!side || !operator || more.length > 0) {
    const remedy = `write ${sides.join(', ')}, then ${operators.join(' ')}, then a number, with commas between`;
    return failValue(draft, `"${value}" is not a size of a stream`, remedy);
  }
  const bytes = takeNumber(draft, number, 0, MAX);
  if (bytes === undefined) return;
  draft.parts.push({ kind: 'stream_size', position: positionOf(draft.line, draft.keywordAt), side, operator, bytes });
}

export const streamSizeKeywords: readonly Keyword[] = [
  supported(
    'packet',
    'stream_size',
    'Bytes of a TCP connection so far, by sequence numbers, the SYN counts for one: `server`, `client`, `both` or ' +
      '`either`, then `,<,N` and likewise `<=`, `>`, `>=`, `=`, `!=`; of connections whose handshake was seen',
    parseStreamSize,
  ),
];
