// SPDX-License-Identifier: Apache-2.0
import { IdsError } from '../../../common/errors.js';
import { topBy, type TopBy, type TopRow } from '../../api/layer7-api.js';
import { command } from '../command.js';
import { parseLimit } from '../limit.js';
import { count, table, type Column } from '../table.js';
import { duration } from './stats-tcp.js';

const columns: readonly Column<TopRow>[] = [
  { title: 'requests', align: 'right', value: (row) => count(row.requests) },
  ...['2xx', '3xx', '4xx', '5xx'].map((name): Column<TopRow> => ({
    title: name,
    align: 'right',
    value: ({ status }) => count(status[name] ?? 0),
  })),
  { title: 'p50', align: 'right', value: (row) => duration(row.latencyP50Us) },
  { title: 'p99', align: 'right', value: (row) => duration(row.latencyP99Us) },
  { title: 'value', value: ({ value }) => value },
];

export const topHttp = command({
  name: 'top http',
  describe: 'the most frequent values of HTTP, counted in the kernel, with statuses and latencies',
  options: {
    by: {
      type: 'string',
      value: 'WHAT',
      default: 'path',
      describe: 'user_agent, host, path, status, method or header:NAME (one that the log keeps)',
      complete: [...topBy.filter((by) => by !== 'header'), 'header:'],
    },
    n: { type: 'string', value: 'N', default: '20', describe: 'so many rows' },
    reset: { type: 'boolean', describe: 'show nothing, and begin to count anew' },
  },
  example: ['ids top http --by user_agent -n 10', 'who asks most'],
  run: async ({ by, n, reset }, context) => {
    if (reset) {
      const done = await context.client.resetTopHttp();
      if (context.json) context.data(done);
      else context.line('ids: what was counted of HTTP is forgotten');
      return 0;
    }
    const [what = '', header] = by.split(/:(.*)/s);
    if (!topBy.some((one) => one === what) || (what === 'header') !== (header !== undefined && header !== '')) {
      throw new IdsError('USAGE', `--by: "${by}" is none of ${topBy.join(', ').replace(/header$/, 'header:NAME')}`);
    }
    const rows = await context.client.topHttp({
      by: what as TopBy,
      ...(header === undefined ? {} : { header }),
      limit: parseLimit(n),
    });
    if (context.json) context.data(rows);
    else context.lines(table(columns, rows, context.width));
    return 0;
  },
});
