// SPDX-License-Identifier: Apache-2.0
import { IdsError } from '../../../common/errors.js';
import type { Problem } from '../../../rules/index.js';
import type { RulesLoadRequest, RulesLoadResult, RulesSummary } from '../../api/api.js';
import { readText } from '../../files.js';
import { command } from '../command.js';
import type { Context } from '../context.js';
import { languageFileOptions } from '../language-options.js';
import { orderProblem } from '../order.js';
import { openProgress } from '../progress.js';
import { printProblems, printSummary } from '../rules-summary.js';
import { readRuleSources } from '../sources.js';

const POLL_MS = 200;

/** The answer, with a bar on the terminal until it is there. */
async function withProgress(request: RulesLoadRequest, context: Context): Promise<RulesLoadResult> {
  const progress = openProgress(context.io.terminal);
  const poll = setInterval(() => {
    context.client
      .rulesLoading()
      .then(({ stage, share }) => stage && progress.show(stage === 'parsing' ? 'parsing rules' : 'installing', share))
      // The load itself says what is wrong.
      .catch(() => undefined);
  }, POLL_MS);
  try {
    return await context.client.loadRules(request);
  } finally {
    clearInterval(poll);
    progress.end();
  }
}

/** A refused load says the same about the rules as one that was done. */
async function load(request: RulesLoadRequest, context: Context): Promise<RulesLoadResult> {
  try {
    return await (context.io.terminal ? withProgress(request, context) : context.client.loadRules(request));
  } catch (error) {
    if (error instanceof IdsError && error.code === 'RULES_INVALID' && !context.json) {
      const { problems, summary } = error.details as { problems?: Problem[]; summary?: RulesSummary };
      if (problems) await printProblems(problems, context);
      if (summary) printSummary(summary, context);
    }
    throw error;
  }
}

export const rulesLoad = command({
  name: 'rules load',
  describe:
    'replace the whole rule set of the running daemon, atomically; without paths: the configured files again; exit status 1 if some rules were left out',
  positionals: {
    paths: {
      many: true,
      optional: true,
      describe: 'rule files, directories of *.rules files, or - for standard input',
      complete: 'file',
    },
  },
  options: {
    'threshold-file': languageFileOptions['threshold-file'],
    strict: { type: 'boolean', describe: 'load nothing if any rule has an error or is unsupported' },
  },
  example: ['ids rules load local.rules /etc/ids/rules', 'load a file and a directory'],
  run: async ({ paths, strict, 'threshold-file': file }, context) => {
    const sources = paths.length > 0 ? { sources: readRuleSources(paths) } : {};
    const thresholds = file === undefined ? {} : { thresholds: { file, text: readText(file) } };
    const result = await load({ ...sources, ...thresholds, strict }, context);
    const { summary, problems, generation } = result;
    if (context.json) context.data({ generation, summary, problems: problems.map(orderProblem) });
    else {
      await printProblems(problems, context);
      printSummary(summary, context);
      context.line(`generation ${generation} is in force`);
    }
    return summary.errors > 0 || summary.unsupported > 0 ? 1 : 0;
  },
});
