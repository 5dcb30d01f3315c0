// SPDX-License-Identifier: Apache-2.0
import { IdsError } from '../../../common/errors.js';
import { ruleStatsBy, type RuleStatsBy, type RuleStatsRow } from '../../api/rule-stats-api.js';
import { command } from '../command.js';
import { parseLimit } from '../limit.js';
import { count, table, type Column } from '../table.js';
import { duration } from './stats-tcp.js';

/** Below a millisecond with as many digits as tell rules apart. */
function time(us: number | undefined): string {
  return us !== undefined && us < 100 ? `${us.toFixed(2)} µs` : duration(us && Math.round(us));
}

const columns: readonly Column<RuleStatsRow>[] = [
  { title: 'sid', align: 'right', value: ({ sid }) => sid },
  { title: 'checks', align: 'right', value: ({ checks }) => (checks === undefined ? '-' : count(checks)) },
  { title: 'matches', align: 'right', value: ({ matches }) => count(matches) },
  { title: 'alerts', align: 'right', value: ({ alerts }) => count(alerts) },
  {
    title: 'share',
    align: 'right',
    value: ({ share }) => (share !== undefined && `${(100 * share).toFixed(2)} %`) || '',
  },
  { title: 'time', align: 'right', value: ({ timeUs }) => time(timeUs) },
  { title: 'average', align: 'right', value: ({ averageUs }) => time(averageUs) },
  { title: 'longest', align: 'right', value: ({ longestUs }) => time(longestUs) },
  { title: 'placement', value: ({ placement }) => placement },
  { title: 'message', value: ({ msg }) => msg },
];

export const rulesStats = command({
  name: 'rules stats',
  describe: 'how often rules were checked and matched, and on which of them the time went',
  options: {
    by: {
      type: 'string',
      value: 'WHAT',
      default: 'time',
      describe: 'sort by it: time, average, longest, checks, matches or alerts',
      complete: [...ruleStatsBy],
    },
    top: { type: 'string', value: 'N', default: '20', describe: 'so many rules' },
    reset: { type: 'boolean', describe: 'show nothing, and begin to count anew' },
  },
  example: ['ids rules stats --by checks --top 10', 'what is asked most often'],
  run: async ({ by, top, reset }, context) => {
    if (reset) {
      const done = await context.client.resetRuleStats();
      if (context.json) context.data(done);
      else context.line('ids: what was counted of rules is shown from now on');
      return 0;
    }
    if (!ruleStatsBy.some((one) => one === by)) {
      throw new IdsError('USAGE', `--by: "${by}" is none of ${ruleStatsBy.join(', ')}`);
    }
    const stats = await context.client.ruleStats({ by: by as RuleStatsBy, limit: parseLimit(top) });
    if (context.json) {
      context.data(stats);
      return 0;
    }
    const { total, since, generation } = stats;
    context.lines(table(columns, stats.top, context.width));
    context.line();
    context.line(
      `${count(total.checks)} checks, ${time(total.timeUs)}; ${count(total.matches)} matches, ` +
        `${count(total.alerts)} alerts since ${since}, generation ${generation}`,
    );
    return 0;
  },
});
