// SPDX-License-Identifier: Apache-2.0
import type { LanguageOptions, Problem, RuleInfo, RuleSource } from '../../../rules/index.js';
import type { LanguagePaths } from '../../config/language-files.js';
import { command } from '../command.js';
import { readConfigured } from '../configured.js';
import { languageFileOptions, languagePaths } from '../language-options.js';
import { orderProblem, orderRule } from '../order.js';
import { printProblems, printSummary } from '../rules-summary.js';
import { readRuleSources } from '../sources.js';
import { count, table, type Column } from '../table.js';

const columns: readonly Column<RuleInfo>[] = [
  { title: 'sid', align: 'right', value: (rule) => rule.sid },
  { title: 'action', value: (rule) => rule.action },
  { title: 'placement', value: (rule) => rule.placement },
  { title: 'message', value: (rule) => rule.msg },
  { title: 'reason', value: (rule) => rule.reason },
];

/** Why rules are not supported, the most frequent reason first. */
interface Reason {
  readonly keyword: string;
  readonly reason: string;
  readonly rules: number;
}

/** Rules that are tried on every message of their kind. */
interface Slow {
  readonly reason: string;
  readonly rules: number;
  readonly sids: readonly number[];
}

const reasonColumns: readonly Column<Reason>[] = [
  { title: 'keyword', value: (row) => row.keyword },
  { title: 'unsupported', align: 'right', value: (row) => count(row.rules) },
  { title: 'reason', value: (row) => row.reason },
];

const slowColumns: readonly Column<Slow>[] = [
  { title: 'slow', align: 'right', value: (row) => count(row.rules) },
  { title: 'reason', value: (row) => row.reason },
  { title: 'sids', value: (row) => row.sids.slice(0, 10).join(' ') + (row.rules > 10 ? ' …' : '') },
];

function reasonsOf(problems: readonly Problem[]): Reason[] {
  const found = new Map<string, Reason>();
  for (const { severity, keyword = '', cause } of problems) {
    if (severity !== 'unsupported') continue;
    const key = `${keyword}\0${cause}`;
    found.set(key, { keyword, reason: cause, rules: (found.get(key)?.rules ?? 0) + 1 });
  }
  return [...found.values()].sort((a, b) => b.rules - a.rules);
}

function slowOf(rules: readonly RuleInfo[]): Slow[] {
  const found = new Map<string, number[]>();
  for (const { slow, sid } of rules) if (slow !== undefined) found.set(slow, [...(found.get(slow) ?? []), sid]);
  const rows = [...found].map(([reason, sids]): Slow => ({ reason, rules: sids.length, sids }));
  return rows.sort((a, b) => b.rules - a.rules);
}

/**
 * The language of a configuration, where its home_net depends on no host; else the stock one.
 * @param paths files beside the rules: they take the place of the configured ones
 */
export async function checkLanguage(
  file: string | undefined,
  paths: LanguagePaths,
  sources: readonly RuleSource[],
): Promise<LanguageOptions> {
  const { languageOptions } = await import('../../config/index.js');
  const { config, files, data, homeNet } = await readConfigured(file, paths, sources);
  if (config === undefined) return languageOptions({ files });
  const { vars, redact } = config;
  return { ...languageOptions({ vars, redact, homeNet, files }), ...data };
}

export const rulesCheck = command({
  name: 'rules check',
  describe:
    'check rule files without a daemon and show where each rule is judged; exit status 0 all usable, 1 some unsupported, 2 errors',
  positionals: {
    paths: {
      many: true,
      describe: 'rule files, directories of *.rules files, or - for standard input',
      complete: 'file',
    },
  },
  options: {
    config: {
      type: 'string',
      value: 'FILE',
      describe: 'take variables, redaction, reputation, countries and the files below from this configuration',
      complete: 'file',
    },
    ...languageFileOptions,
  },
  example: ['ids rules check local.rules /etc/ids/rules', 'a file and a directory'],
  run: async ({ paths, config, ...options }, context) => {
    const { compileRules } = await import('../../../rules/index.js');
    const sources = readRuleSources(paths);
    const language = await checkLanguage(config, languagePaths(options), sources);
    const { rules, problems, summary } = compileRules(sources, language);
    const [reasons, slow] = [reasonsOf(problems), slowOf(rules)];
    if (context.json) {
      context.data({ summary, reasons, slow, rules: rules.map(orderRule), problems: problems.map(orderProblem) });
    } else {
      await printProblems(problems, context);
      if (rules.length > 0) {
        context.lines(table(columns, rules, context.width));
        context.line();
      }
      if (reasons.length > 0) context.lines([...table(reasonColumns, reasons, context.width), '']);
      if (slow.length > 0) context.lines([...table(slowColumns, slow, context.width), '']);
      printSummary(summary, context);
    }
    if (summary.errors > 0) return 2;
    return summary.unsupported > 0 ? 1 : 0;
  },
});
