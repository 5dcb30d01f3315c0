// SPDX-License-Identifier: Apache-2.0
// What commands on rules take from a configuration, and from the files beside it.

import type { LanguageOptions, RuleSource } from '../../rules/index.js';
import type { Config } from '../config/index.js';
import type { LanguageFiles, LanguagePaths } from '../config/language-files.js';

import { readText } from '../files.js';

export interface Configured {
  readonly files: LanguageFiles;
  /** These are there if a configuration was named. */
  readonly config?: Config;
  readonly data?: Pick<LanguageOptions, 'reputation' | 'countries'>;
  /** Its home_net, if that depends on no host. */
  readonly homeNet?: readonly string[];
}

/**
 * @param paths files beside the rules: they take the place of the configured ones
 * @throws IdsError CONFIG_INVALID, FILE_UNREADABLE
 */
export async function readConfigured(
  file: string | undefined,
  paths: LanguagePaths,
  sources: readonly RuleSource[],
): Promise<Configured> {
  const { configuredPaths, loadConfig, readLanguageFiles, ruleData } = await import('../config/index.js');
  if (file === undefined) return { files: readLanguageFiles(paths) };
  const config = loadConfig(readText(file), file);
  return {
    config,
    files: readLanguageFiles({ ...configuredPaths(config, file), ...paths }),
    data: ruleData(config, file, sources),
    ...(config.home_net === 'auto' ? {} : { homeNet: config.home_net }),
  };
}
