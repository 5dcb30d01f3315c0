// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { IdsError } from '../../../common/errors.js';
import { readText } from '../../files.js';
import { command } from '../command.js';
import { languageFileOptions, languagePaths } from '../language-options.js';
import { readRuleSources } from '../sources.js';
import { plural } from '../table.js';
import { checkLanguage } from './rules-check.js';

interface Tested {
  readonly capture: string;
  readonly passed: boolean;
  /** Rules of the files that are wrong. */
  readonly errors: number;
  /** What was raised otherwise than expected, a line each. */
  readonly differences: readonly string[];
}

/** `attack.pcap` and `attack.rules`. */
const beside = (capture: string, ending: string): string => capture.replace(/\.(pcapng|pcap|cap)$/i, '') + ending;

async function test(capture: string, paths: readonly string[], options: Options): Promise<Tested> {
  const { parseExpectations, compare } = await import('../../replay/expectations.js');
  const { replayCaptures } = await import('../../replay/replay.js');
  const file = options.expect ?? beside(capture, '.expect');
  const expectations = parseExpectations({ file, text: readText(file) });
  const own = existsSync(beside(capture, '.rules')) ? [beside(capture, '.rules')] : [];
  const named = [...paths, ...expectations.rules.map((path) => resolve(dirname(file), path))];
  const rules = named.length > 0 ? named : own;
  if (rules.length === 0) {
    throw new IdsError(
      'USAGE',
      `no rules for ${capture}: write ${beside(capture, '.rules')}, or name some with --rules`,
    );
  }
  const sources = readRuleSources(rules);
  const language = await checkLanguage(options.config, languagePaths(options), sources);
  const alerts = new Map<string, number>();
  let [drops, errors] = [0, 0];
  const { inline, midstream, redact } = expectations;
  replayCaptures({
    ...{ sources, captures: [capture], inline, midstream, redact },
    language: redact ? language : { ...language, redact: 'off' },
    onProblem: ({ severity }) => void (errors += severity === 'error' ? 1 : 0),
    onDetection: ({ kind, rule }) => {
      if (kind === 'drop') drops++;
      else if (rule) alerts.set(`${rule.gid}:${rule.sid}`, (alerts.get(`${rule.gid}:${rule.sid}`) ?? 0) + 1);
    },
  });
  const differences = compare(expectations, file, alerts, drops);
  return { capture, passed: differences.length === 0 && errors === 0, errors, differences };
}

type Options = Parameters<typeof languagePaths>[0] & {
  readonly config: string | undefined;
  readonly expect: string | undefined;
};

export const rulesTest = command({
  name: 'rules test',
  describe:
    'replay captures and compare what is raised with what is expected (needs root for BPF); exit status 1 if one differs',
  positionals: {
    captures: { many: true, describe: 'captures: beside X.pcap stand X.rules and X.expect', complete: 'file' },
  },
  options: {
    rules: {
      type: 'list',
      value: 'PATH',
      describe: 'rule files or directories in the place of X.rules',
      complete: 'file',
    },
    expect: {
      type: 'string',
      value: 'FILE',
      describe: 'expectations in the place of X.expect',
      complete: 'file',
    },
    config: {
      type: 'string',
      value: 'FILE',
      describe: 'take variables, reputation, countries and the files below from this configuration',
      complete: 'file',
    },
    ...languageFileOptions,
  },
  example: ['ids rules test attack.pcap', 'with attack.rules and attack.expect beside it'],
  run: async ({ captures, rules, ...options }, context) => {
    const results: Tested[] = [];
    for (const capture of captures) results.push(await test(capture, rules, options));
    const failed = results.filter(({ passed }) => !passed);
    if (context.json) context.data(results);
    else {
      for (const { capture, passed, errors, differences } of results) {
        context.line(`${passed ? 'ok  ' : 'FAIL'} ${capture}`);
        context.lines(differences.map((text) => `     ${text}`));
        if (errors > 0) context.line(`     ${plural(errors, 'mistake')} in rules: see "ids rules check"`);
      }
      context.line(`${results.length - failed.length} passed, ${failed.length} failed`);
    }
    return failed.length > 0 ? 1 : 0;
  },
});
