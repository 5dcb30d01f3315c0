// SPDX-License-Identifier: Apache-2.0
import type { DeadLetter } from '../../../alerts/index.js';
import { IdsError } from '../../../common/errors.js';
import { command, type ExitStatus } from '../command.js';
import type { Context } from '../context.js';
import { parseLimit } from '../limit.js';
import { plural, table, type Column } from '../table.js';

const columns: readonly Column<DeadLetter>[] = [
  { title: 'id', align: 'right', value: ({ id }) => String(id) },
  { title: 'refused', value: ({ time }) => new Date(time).toISOString() },
  { title: 'sid', align: 'right', value: ({ detection }) => String(detection.rule?.sid ?? '') },
  { title: 'source', value: ({ detection }) => detection.src },
  { title: 'destination', value: ({ detection }) => detection.dst },
  { title: 'error', value: ({ error }) => error },
];

const actions = ['list', 'retry', 'drop'] as const;

/** @throws IdsError USAGE */
function numbersOf(words: readonly string[]): number[] {
  return words.map((word) => {
    if (/^[1-9]\d{0,14}$/.test(word)) return Number(word);
    throw new IdsError('USAGE', `"${word}" is no number of a dead letter: ids outputs dead list NAME shows them`);
  });
}

async function list(name: string, limit: string, context: Context): Promise<ExitStatus> {
  const letters = await context.client.deadLetters(name, parseLimit(limit));
  if (context.json) context.data(letters);
  else {
    context.lines(table(columns, letters, context.width));
    context.line(plural(letters.length, 'dead letter'));
  }
  return 0;
}

export const outputsDead = command({
  name: 'outputs dead',
  describe: 'what a receiver refused for good: list it, deliver it again, or drop it',
  positionals: {
    action: { describe: 'list, retry or drop', complete: actions },
    name: { describe: 'the output' },
    ids: { many: true, optional: true, describe: 'numbers of dead letters; default: all' },
  },
  options: { limit: { type: 'string', value: 'N', default: '100', describe: 'list: the oldest so many' } },
  example: ['ids outputs dead retry siem', 'after the receiver was put right'],
  run: async ({ action, name, ids, limit }, context): Promise<ExitStatus> => {
    if (action === 'list') return list(name, limit, context);
    if (action !== 'retry' && action !== 'drop') {
      throw new IdsError('USAGE', `"${action}" is none of ${actions.join(', ')}`);
    }
    const numbers = numbersOf(ids);
    const { count } = await context.client.settleDead({
      name,
      action,
      ...(numbers.length > 0 ? { ids: numbers } : {}),
    });
    if (context.json) context.data({ count });
    else context.line(`${name}: ${plural(count, 'dead letter')} ${action === 'retry' ? 'queued again' : 'dropped'}`);
    return count === 0 && numbers.length > 0 ? 1 : 0;
  },
});
