// SPDX-License-Identifier: Apache-2.0
import type { OutputStatus } from '../../../alerts/index.js';
import { formatDuration, parseDuration } from '../../../common/duration.js';
import { command, type ExitStatus } from '../command.js';
import type { Context } from '../context.js';
import { count, plain, plural, table, type Column } from '../table.js';

/** The daemon waits for the receiver before it answers. */
const PATIENCE_MS = 30_000;

const age = (time: number | undefined): string =>
  time === undefined ? '' : formatDuration(Math.max(1, (Date.now() - time) / 1000));

const columns: readonly Column<OutputStatus>[] = [
  { title: 'name', value: ({ name }) => name },
  { title: 'state', value: ({ state, circuit }) => (circuit === 'closed' ? state : `${state} (circuit ${circuit})`) },
  { title: 'raised', align: 'right', value: ({ raised }) => count(raised) },
  { title: 'delivered', align: 'right', value: ({ delivered }) => count(delivered) },
  { title: 'pending', align: 'right', value: ({ pending }) => count(pending) },
  { title: 'oldest', align: 'right', value: ({ oldest }) => age(oldest) },
  { title: 'suppressed', align: 'right', value: ({ suppressed }) => count(suppressed) },
  { title: 'expired', align: 'right', value: ({ expired }) => count(expired) },
  { title: 'dropped', align: 'right', value: ({ dropped }) => count(dropped) },
  { title: 'dead', align: 'right', value: ({ dead }) => count(dead) },
  { title: 'last error', value: ({ lastError }) => lastError?.message ?? '' },
];

function print(output: OutputStatus, context: Context): void {
  const rows: [string, string | number | undefined][] = [
    ['target', output.target],
    ['type', output.type],
    ['state', output.state],
    ['circuit', output.circuit],
    ['raised', count(output.raised)],
    ['delivered', count(output.delivered)],
    ['pending', `${count(output.pending)}, ${plural(output.pendingBytes, 'byte')}`],
    ['oldest', output.oldest === undefined ? undefined : `${age(output.oldest)} old`],
    ['suppressed', count(output.suppressed)],
    ['expired', count(output.expired)],
    ['dropped', `${count(output.dropped)}, of which ${plural(output.dead, 'dead letter')} are kept`],
    ['retries', count(output.retries)],
    ['kept on disk', output.durable ? 'yes' : 'no: what waits is lost with the process'],
    ['last delivery', output.lastDelivery === undefined ? 'never' : `${age(output.lastDelivery)} ago`],
    ['last error', output.lastError && `${output.lastError.message} (${age(output.lastError.time)} ago)`],
  ];
  context.line(output.name);
  for (const [name, value] of rows) if (value !== undefined) context.line(plain(`  ${name.padEnd(13)} ${value}`));
}

export const outputsStatus = command({
  name: 'outputs status',
  describe: 'what became of the records of each output, or of one',
  positionals: { name: { optional: true, describe: 'its name in the configuration; default: all' } },
  example: ['ids outputs status siem', 'whether it keeps up, and what it said last'],
  run: async ({ name }, context) => {
    const outputs = await context.client.outputs(name);
    if (context.json) context.data(outputs);
    else if (name !== undefined) outputs.forEach((output) => print(output, context));
    else context.lines(table(columns, outputs, context.width));
    return 0;
  },
});

export const outputsTest = command({
  name: 'outputs test',
  describe: 'send a marked alert; exit status 1 if it did not arrive within 15 s',
  positionals: { name: { describe: 'its name in the configuration' } },
  example: ['ids outputs test siem', 'whether the receiver takes alerts'],
  patienceMs: PATIENCE_MS,
  run: async ({ name }, context): Promise<ExitStatus> => {
    const result = await context.client.testOutput(name);
    if (context.json) context.data(result);
    else {
      const cause = result.cause === undefined ? '' : `: ${result.cause}`;
      context.line(plain(`${name}: ${result.outcome} after ${count(result.ms)} ms${cause}`));
    }
    return result.outcome === 'delivered' ? 0 : 1;
  },
});

export const outputsReplay = command({
  name: 'outputs replay',
  describe: 'deliver once more what was raised, as far as it is still kept',
  positionals: { name: { describe: 'its name in the configuration' } },
  options: { since: { type: 'string', value: 'TIME', default: '1h', describe: 'how far back' } },
  example: ['ids outputs replay siem --since 1h', 'after the receiver has lost what it had'],
  run: async ({ name, since }, context) => {
    const { queued, unreadable } = await context.client.replayOutput({ name, since: parseDuration(since) });
    if (context.json) context.data({ queued, unreadable });
    else context.line(`${name}: ${plural(queued, 'record')} queued`);
    if (unreadable > 0) context.warn(`ids: ${plural(unreadable, 'record')} in the store cannot be read: left out`);
    return 0;
  },
});
