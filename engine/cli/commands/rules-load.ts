// SPDX-License-Identifier: Apache-2.0
import { formatProblem } from '../../../rules/index.js';
import { command } from '../command.js';
import { printSummary } from '../rules-summary.js';
import { readRuleSources } from '../sources.js';

export const rulesLoad = command<{ paths?: string[] | undefined; strict: boolean }>({
  command: 'load [paths..]',
  describe: 'replace the whole rule set of the running daemon, atomically; without paths: the configured files again',
  example: ['ids rules load local.rules /etc/ids/rules', 'load a file and a directory of *.rules files'],
  build: (yargs) =>
    yargs.positional('paths', { type: 'string', array: true, describe: 'rule files or directories' }).option('strict', {
      type: 'boolean',
      default: false,
      describe: 'load nothing if any rule has an error or is unsupported',
    }),
  run: async ({ paths, strict }, context) => {
    const named = paths ?? [];
    const sources = named.length > 0 ? { sources: readRuleSources(named) } : {};
    const result = await context.client.loadRules({ ...sources, strict });
    if (context.json) context.data(result);
    else {
      for (const problem of result.problems) context.warn(formatProblem(problem));
      printSummary(result.summary, context);
      context.line(`generation ${result.generation} is in force`);
    }
    return result.summary.errors > 0 || result.summary.unsupported > 0 ? 1 : 0;
  },
});
