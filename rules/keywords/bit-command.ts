// SPDX-License-Identifier: Apache-2.0
// What flowbits, xbits and hostbits can be told to do.

import type { FlowbitsCommand } from '../ast.js';
import { failValue, type Draft } from '../draft.js';
import { didYouMean } from '../suggest.js';

const commands: readonly (FlowbitsCommand | 'noalert')[] = ['set', 'unset', 'toggle', 'isset', 'isnotset', 'noalert'];

/** The command that `word`, the first of `value`, is; undefined where nothing is left to do: `noalert`, or none of them. */
export function takeBitCommand(draft: Draft, word: string, value: string): FlowbitsCommand | undefined {
  const { keyword } = draft;
  const command = commands.find((candidate) => candidate === word.toLowerCase());
  if (!command) {
    const remedy = didYouMean(word.toLowerCase(), commands, `write one of ${commands.join(', ')}`);
    return failValue(draft, `"${word}" is not a command of ${keyword}`, remedy);
  }
  if (command !== 'noalert') return command;
  if (value.includes(',')) return failValue(draft, `${keyword}:noalert names no bit`, `write ${keyword}:noalert;`);
  draft.noalert = true;
  return undefined;
}
