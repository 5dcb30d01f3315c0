// SPDX-License-Identifier: Apache-2.0
// flowbits: what rules remember about a flow.

import type { FlowbitsCommand } from '../ast.js';
import { fail, failValue, type Draft } from '../draft.js';
import { positionOf } from '../lines.js';
import { takeBitCommand } from './bit-command.js';
import { supported, type Keyword } from './types.js';

const MAX_NAMES = 100;

/** `isset` and `isnotset` of one bit: nothing meets both. */
function contradicts(draft: Draft, command: FlowbitsCommand, names: readonly string[]): boolean {
  const opposite = command === 'isset' ? 'isnotset' : command === 'isnotset' ? 'isset' : undefined;
  return (
    names.length === 1 &&
    draft.parts.some(
      (part) =>
        part.kind === 'flowbits' && part.command === opposite && part.names.length === 1 && part.names[0] === names[0],
    )
  );
}

function parseFlowbits(draft: Draft, value: string): void {
  const comma = value.indexOf(',');
  const word = (comma < 0 ? value : value.slice(0, comma)).trim().toLowerCase();
  const command = takeBitCommand(draft, word, value);
  if (!command) return;
  const names = (comma < 0 ? '' : value.slice(comma + 1)).split('|').map((name) => name.trim());
  if (comma < 0 || names.some((name) => name === '')) {
    return failValue(draft, `flowbits:${command} needs a name`, `write flowbits:${command},NAME;`);
  }
  if (names.length > MAX_NAMES) return failValue(draft, `more than ${MAX_NAMES} names`, 'write fewer alternatives');
  const blank = names.find((name) => /\s/.test(name));
  if (blank !== undefined) {
    return failValue(draft, `the name "${blank}" holds a blank`, 'write a name without one');
  }
  if (names.length > 1 && command !== 'isset' && command !== 'isnotset') {
    return failValue(draft, `flowbits:${command} takes one name`, 'write one flowbits keyword for each');
  }
  if (contradicts(draft, command, names)) {
    return fail(draft, draft.keywordAt, 'the bit cannot be set and not set at once', 'remove isset or isnotset');
  }
  draft.parts.push({ kind: 'flowbits', position: positionOf(draft.line, draft.keywordAt), command, names });
}

export const flowbitsKeywords: readonly Keyword[] = [
  supported(
    'packet',
    'flowbits',
    'Bits of a flow: `set,NAME`, `unset,NAME`, `toggle,NAME` once the rule matched; `isset,NAME`, `isnotset,NAME`, with ' +
      '`A|B` for either; `noalert` as the keyword of that name',
    parseFlowbits,
  ),
];
