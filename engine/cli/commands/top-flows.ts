// SPDX-License-Identifier: Apache-2.0
import { IdsError } from '../../../common/errors.js';
import {
  topFlowsBy,
  type FlowRow,
  type TalkerRow,
  type TopFlowsBy,
  type TopFlowsRequest,
} from '../../api/flows-api.js';
import { command } from '../command.js';
import { parseLimit } from '../limit.js';
import { count, table, type Column } from '../table.js';
import { duration } from './stats-tcp.js';

const options = {
  n: { type: 'string', value: 'N', default: '20', describe: 'so many rows' },
  by: { type: 'string', value: 'WHAT', default: 'bytes', describe: 'bytes or packets', complete: topFlowsBy },
} as const;

function requestOf(n: string, by: string): TopFlowsRequest {
  if (!topFlowsBy.some((one) => one === by)) {
    throw new IdsError('USAGE', `--by: "${by}" is none of ${topFlowsBy.join(', ')}`);
  }
  return { limit: parseLimit(n), by: by as TopFlowsBy };
}

const end = (address: string, port: number): string =>
  port === 0 ? address : address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

const flowColumns: readonly Column<FlowRow>[] = [
  { title: 'bytes', align: 'right', value: (row) => count(row.bytes) },
  { title: 'packets', align: 'right', value: (row) => count(row.packets) },
  { title: 'proto', value: ({ proto, app }) => (app === undefined ? proto : `${proto}/${app}`) },
  { title: 'client', value: (row) => end(row.client, row.clientPort) },
  { title: 'server', value: (row) => end(row.server, row.serverPort) },
  { title: 'state', value: (row) => row.state },
  { title: 'rtt', align: 'right', value: (row) => duration(row.rttUs) },
];

export const topFlows = command({
  name: 'top flows',
  describe: 'the flows that are there and have carried most',
  options,
  example: ['ids top flows -n 5 --by packets', 'the five busiest flows'],
  run: async ({ n, by }, context) => {
    const rows = await context.client.topFlows(requestOf(n, by));
    if (context.json) context.data(rows);
    else context.lines(table(flowColumns, rows, context.width));
    return 0;
  },
});

const talkerColumns = (title: string): readonly Column<TalkerRow>[] => [
  { title: 'bytes', align: 'right', value: (row) => count(row.bytes) },
  { title: 'packets', align: 'right', value: (row) => count(row.packets) },
  { title: 'flows', align: 'right', value: (row) => count(row.flows) },
  { title, value: (row) => row.name },
];

export const topTalkers = command({
  name: 'top talkers',
  describe: 'who has carried most in the flows that are there: sources, destinations and ports',
  options,
  example: ['ids top talkers -n 10', 'ten clients, ten servers and ten ports'],
  run: async ({ n, by }, context) => {
    const talkers = await context.client.topTalkers(requestOf(n, by));
    if (context.json) {
      context.data(talkers);
      return 0;
    }
    const { sources, destinations, ports } = talkers;
    context.lines(table(talkerColumns('source'), sources, context.width));
    context.line();
    context.lines(table(talkerColumns('destination'), destinations, context.width));
    context.line();
    context.lines(table(talkerColumns('port'), ports, context.width));
    return 0;
  },
});
