// SPDX-License-Identifier: Apache-2.0
import type { DatasetAction, DatasetAnswer, DatasetInfo } from '../../../rules/index.js';
import { command, type Command, type ExitStatus } from '../command.js';
import type { Context } from '../context.js';
import { parseLimit } from '../limit.js';
import { plural, table, type Column } from '../table.js';

const columns: readonly Column<DatasetInfo>[] = [
  { title: 'name', value: ({ name }) => name },
  { title: 'type', value: ({ type }) => type },
  { title: 'values', align: 'right', value: ({ values }) => String(values) },
  { title: 'bytes', align: 'right', value: ({ bytes }) => String(bytes) },
  { title: 'memcap', align: 'right', value: ({ memcap }) => String(memcap) },
  { title: 'refused', align: 'right', value: ({ refused }) => String(refused) },
  { title: 'file', value: ({ load, state }) => state ?? load ?? '' },
];

export const datasetList = command({
  name: 'dataset list',
  describe: 'the data sets that rules in force ask',
  positionals: {},
  options: {},
  example: ['ids dataset list', 'how many values each has'],
  run: async (_values, context): Promise<ExitStatus> => {
    const sets = await context.client.datasets();
    if (context.json) context.data(sets);
    else {
      context.lines(table(columns, sets, context.width));
      context.line(plural(sets.length, 'data set'));
    }
    return 0;
  },
});

function told(action: DatasetAction, name: string, { done, values, score }: DatasetAnswer): string {
  const said: Readonly<Record<DatasetAction, readonly [string, string]>> = {
    add: ['added', 'was there already'],
    remove: ['removed', 'was not there'],
    lookup: ['is there', 'is not there'],
    clear: ['cleared', 'was empty'],
    dump: ['', ''],
  };
  const with_ = score === undefined ? '' : ` with score ${score}`;
  return `${name}: ${said[action][done ? 0 : 1]}${with_}, ${plural(values, 'value')}`;
}

async function ask(
  request: {
    readonly action: DatasetAction;
    readonly name: string;
    readonly value?: string;
    readonly base64?: boolean;
  },
  context: Context,
): Promise<ExitStatus> {
  const answer = await context.client.dataset(request);
  if (context.json) context.data(answer);
  else context.line(told(request.action, request.name, answer));
  return answer.done || request.action === 'clear' ? 0 : 1;
}

const name = { describe: 'the data set' } as const;

/** A command on one value. */
function onValue(action: 'add' | 'remove' | 'lookup', describe: string, example: readonly [string, string]): Command {
  return command({
    name: `dataset ${action}`,
    describe,
    positionals: { name, value: { describe: 'text, hash or address; of a set with scores VALUE,SCORE' } },
    options: { base64: { type: 'boolean', describe: 'the value of a set of text is in Base64, as in files' } },
    example,
    run: ({ name: set, value, base64 }, context) =>
      ask({ action, name: set, value, ...(base64 ? { base64 } : {}) }, context),
  });
}

export const datasetAdd = onValue('add', 'add a value; it counts at once', [
  'ids dataset add bad-hosts evil.example',
  'rules match it from now on',
]);
export const datasetRemove = onValue('remove', 'take a value out', [
  'ids dataset remove bad-hosts evil.example',
  'rules match it no more',
]);
export const datasetLookup = onValue('lookup', 'whether a value is in a set', [
  'ids dataset lookup bad-hosts evil.example',
  'exit status 1 if it is not',
]);

export const datasetClear = command({
  name: 'dataset clear',
  describe: 'take all values out',
  positionals: { name },
  options: {},
  example: ['ids dataset clear seen-agents', 'everything is new again'],
  run: ({ name: set }, context) => ask({ action: 'clear', name: set }, context),
});

export const datasetDump = command({
  name: 'dataset dump',
  describe: 'the values of a set, one a line, as its file has them',
  positionals: { name },
  options: { limit: { type: 'string', value: 'N', default: '10000', describe: 'so many at most' } },
  example: ['ids dataset dump seen-agents', 'text in Base64'],
  run: async ({ name: set, limit }, context): Promise<ExitStatus> => {
    const answer = await context.client.dataset({ action: 'dump', name: set, limit: parseLimit(limit) });
    if (context.json) context.data(answer);
    else context.lines(answer.list ?? []);
    return 0;
  },
});
