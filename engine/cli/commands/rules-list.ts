// SPDX-License-Identifier: Apache-2.0
import type { RuleRecord } from '../../api/api.js';
import { command } from '../command.js';
import { orderRule } from '../order.js';
import { printSummary } from '../rules-summary.js';
import { count, table, type Column } from '../table.js';

const columns: readonly Column<RuleRecord>[] = [
  { title: 'sid', align: 'right', value: (rule) => rule.sid },
  { title: 'action', value: (rule) => rule.action },
  { title: 'placement', value: (rule) => rule.placement },
  { title: 'matched', align: 'right', value: (rule) => count(rule.counts.matched) },
  { title: 'message', value: (rule) => rule.msg },
];

export const rulesList = command({
  name: 'rules list',
  describe: 'the rules in force with their placement and matches',
  example: ['ids rules list --json', 'for programs'],
  run: async (_values, context) => {
    const list = await context.client.listRules();
    if (context.json) context.data({ ...list, rules: list.rules.map(orderRule) });
    else {
      context.lines(table(columns, list.rules, context.width));
      context.line();
      printSummary(list.summary, context);
      context.line(`generation ${list.generation}, loaded ${list.loadedAt} by ${list.origin}`);
    }
    return 0;
  },
});
