// SPDX-License-Identifier: Apache-2.0
import type { RuleRecord } from '../../api/api.js';
import { command } from '../command.js';
import type { Context } from '../context.js';
import { orderRule } from '../order.js';
import { parseSid } from '../sid.js';
import { count, plain } from '../table.js';

function show(rule: RuleRecord, context: Context): void {
  const { counts } = rule;
  const fields: readonly (readonly [string, string | undefined])[] = [
    ['sid', `${rule.gid}:${rule.sid}:${rule.rev}`],
    ['message', rule.msg],
    ['action', rule.action],
    ['placement', rule.placement],
    ['reason', rule.reason],
    ['class', rule.classtype === undefined ? undefined : `${rule.classtype} (${rule.category})`],
    ['priority', String(rule.priority)],
    ['file', `${rule.file}:${rule.line}`],
    [
      'counts',
      `${count(counts.matched)} matched, ${count(counts.events)} events, ${count(counts.suppressed)} suppressed, ` +
        `${count(counts.lost)} lost, ${count(counts.silenced)} silenced by a threshold`,
    ],
  ];
  for (const [name, value] of fields) if (value !== undefined) context.line(`${name.padEnd(10)} ${plain(value)}`);
  context.line(plain(rule.text));
}

export const rulesShow = command({
  name: 'rules show',
  describe: 'one rule: its text, where it is judged and what it has matched; exit status 1 if it is not loaded',
  positionals: { sid: { describe: 'signature id' } },
  example: ['ids rules show 9000001', 'the shipped rule for SYN with FIN'],
  run: async ({ sid }, context) => {
    const rules = await context.client.showRule(parseSid(sid));
    if (context.json) context.data(rules.map(orderRule));
    else for (const rule of rules) show(rule, context);
    return 0;
  },
});
