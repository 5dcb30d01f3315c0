// SPDX-License-Identifier: Apache-2.0
// Updates of rules with the daemon's parts.

import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { RulesUpdateResult } from '../api/updates-api.js';
import type { Config } from '../config/index.js';
import type { FeedLog } from '../feeds/feeds.js';
import { readText } from '../files.js';
import type { FilterFiles } from '../updates/build-set.js';
import { updatesFolder } from '../updates/generations.js';
import { RuleUpdates } from '../updates/rule-updates.js';
import { runTests } from '../updates/run-tests.js';
import type { Auditor } from '../audit/auditor.js';
import { rulesFacts } from './audit.js';
import type { RuleSets } from './rule-sets.js';

/** @param file the configuration's: relative paths start at its directory */
export function openUpdates(
  config: Config,
  file: string,
  rules: RuleSets,
  log: FeedLog,
  auditor: Auditor,
): RuleUpdates {
  const base = dirname(resolve(file));
  const {
    enable_file: enable,
    disable_file: disable,
    modify_file: modify,
    drop_file: drop,
    tests,
  } = config.rules_update;
  const filters = (): FilterFiles => {
    const named = Object.entries({ enable, disable, modify, drop }).flatMap(([name, path]) => {
      if (path === undefined) return [];
      const found = resolve(base, path);
      return [[name, { file: found, text: readText(found) }] as const];
    });
    return Object.fromEntries(named);
  };
  return new RuleUpdates({
    config: config.rules_update,
    folder: updatesFolder(config.state_dir),
    filters,
    load: (sources, accept) => rules.loadUpdated(sources, accept),
    test: (files) =>
      runTests(
        tests.map((path) => resolve(base, path)),
        files,
        existsSync(file) ? file : undefined,
      ),
    log,
    watch: (update) => {
      const result = ({ outcome, generation }: RulesUpdateResult) => ({ outcome, updated: generation });
      return auditor.watch('rules.update', update, { look: () => rulesFacts(rules), result }, 'schedule');
    },
  });
}
