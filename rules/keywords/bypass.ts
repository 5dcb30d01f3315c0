// SPDX-License-Identifier: Apache-2.0
// bypass: the rest of the flow is not looked into.

import { positionOf } from '../lines.js';
import { supported, type Keyword } from './types.js';

export const bypassKeywords: readonly Keyword[] = [
  supported(
    'packet',
    'bypass',
    'Once the rule matched, no rule is asked about messages and payload of its flow any more',
    (draft) => void draft.parts.push({ kind: 'bypass', position: positionOf(draft.line, draft.keywordAt) }),
    { value: 'none', once: true },
  ),
];
