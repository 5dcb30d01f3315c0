// SPDX-License-Identifier: Apache-2.0
import { IdsError } from '../../../common/errors.js';
import type { RuleExplanation } from '../../../rules/index.js';
import { command } from '../command.js';
import type { Context } from '../context.js';
import { languageFileOptions, languagePaths } from '../language-options.js';
import { parseSid } from '../sid.js';
import { readRuleSources } from '../sources.js';
import { plain } from '../table.js';
import { checkLanguage } from './rules-check.js';

function show(one: RuleExplanation, context: Context): void {
  const { fastPattern: fast } = one;
  const fields: readonly (readonly [string, string | undefined])[] = [
    ['rule', `${one.gid}:${one.sid} ${one.action} ${one.msg}`],
    ['placement', one.placement],
    ['why', one.why],
    ...one.tables.map((table): [string, string] => ['in', table]),
    ['first', fast && `"${fast.content}" in ${fast.buffer}`],
    ['slow', one.slow],
    ['threshold', one.threshold],
    ...(one.suppress ?? []).map((text): [string, string] => ['suppress', text]),
  ];
  for (const [name, value] of fields) if (value !== undefined) context.line(`${name.padEnd(10)} ${plain(value)}`);
}

type Options = Parameters<typeof languagePaths>[0] & { readonly config: string | undefined };

/** Without a daemon: the rules of files, as they would be placed together. */
async function fromFiles(sid: number, paths: readonly string[], options: Options): Promise<readonly RuleExplanation[]> {
  const { compileRules, explainRule } = await import('../../../rules/index.js');
  const sources = readRuleSources(paths);
  const language = await checkLanguage(options.config, languagePaths(options), sources);
  const found = compileRules(sources, language).rules.filter((rule) => rule.sid === sid);
  if (found.length === 0) throw new IdsError('NOT_FOUND', `no rule with sid ${sid} is in these files`);
  return found.map((rule) => explainRule(rule, language));
}

export const rulesExplain = command({
  name: 'rules explain',
  describe:
    'where a rule is judged and why, the tables that hold it and what it is found by; exit status 1 if there is no such rule',
  positionals: { sid: { describe: 'signature id' } },
  options: {
    rules: {
      type: 'list',
      value: 'PATH',
      describe: 'explain it as these files have it, without a daemon',
      complete: 'file',
    },
    config: {
      type: 'string',
      value: 'FILE',
      describe: 'with --rules: take variables and files from this configuration',
      complete: 'file',
    },
    ...languageFileOptions,
  },
  example: ['ids rules explain 2002087 --rules local.rules', 'why it is placed as it is'],
  run: async ({ sid, rules, ...options }, context) => {
    const number = parseSid(sid);
    const found = rules.length > 0 ? await fromFiles(number, rules, options) : await context.client.explainRule(number);
    if (context.json) context.data(found);
    else found.forEach((one) => show(one, context));
    return 0;
  },
});
