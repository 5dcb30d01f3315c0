// SPDX-License-Identifier: Apache-2.0
import { compileRules, formatProblem, type RuleInfo } from '../../../rules/index.js';
import { languageOptions } from '../../config/index.js';
import { command } from '../command.js';
import { printSummary } from '../rules-summary.js';
import { readRuleSources } from '../sources.js';
import { table, type Column } from '../table.js';

const columns: readonly Column<RuleInfo>[] = [
  { title: 'sid', align: 'right', value: (rule) => rule.sid },
  { title: 'action', value: (rule) => rule.action },
  { title: 'placement', value: (rule) => rule.placement },
  { title: 'message', value: (rule) => rule.msg },
  { title: 'reason', value: (rule) => rule.reason },
];

export const rulesCheck = command<{ paths: string[] }>({
  command: 'check <paths..>',
  describe: 'check rule files without a daemon; exit status 0 all usable, 1 some unsupported, 2 errors',
  example: ['ids rules check /etc/ids/rules', 'check every *.rules file of a directory'],
  build: (yargs) =>
    yargs.positional('paths', {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'rule files or directories',
    }),
  run: ({ paths }, context) => {
    const { rules, problems, summary } = compileRules(readRuleSources(paths), languageOptions());
    if (context.json) context.data({ summary, rules, problems });
    else {
      for (const problem of problems) context.warn(formatProblem(problem));
      for (const line of table(columns, rules, context.width)) context.line(line);
      context.line();
      printSummary(summary, context);
    }
    if (summary.errors > 0) return Promise.resolve(2);
    return Promise.resolve(summary.unsupported > 0 ? 1 : 0);
  },
});
