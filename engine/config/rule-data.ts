// SPDX-License-Identifier: Apache-2.0
// The files beside the rules that keywords ask: reputation lists and the database of countries.

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { IdsError, messageOf } from '../../common/errors.js';
import type { LanguageOptions, RuleSource } from '../../rules/index.js';
import type { Config } from './schema.js';

function read(path: string, key: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new IdsError('FILE_UNREADABLE', `${key}: cannot read ${path}: ${messageOf(error)}: check the path`, {
      cause: error,
    });
  }
}

/**
 * What of it the rules ask for; nothing else is read. Relative paths start at the directory of `file`, the configuration.
 * @throws IdsError FILE_UNREADABLE
 */
export function ruleData(
  { reputation, geoip }: Pick<Config, 'reputation' | 'geoip'>,
  file: string,
  sources: readonly RuleSource[],
): Pick<LanguageOptions, 'reputation' | 'countries'> {
  const asks = (keyword: RegExp): boolean => sources.some(({ text }) => keyword.test(text));
  const base = dirname(resolve(file));
  const textOf = (name: string, key: string): RuleSource => {
    const path = resolve(base, name);
    return { file: path, text: read(path, key).toString() };
  };
  return {
    ...(reputation && asks(/\biprep\s*:/)
      ? {
          reputation: {
            categories: textOf(reputation.categories, 'reputation.categories'),
            lists: reputation.files.map((name) => textOf(name, 'reputation.files')),
          },
        }
      : {}),
    ...(geoip && asks(/\bgeoip\s*:/)
      ? {
          countries: {
            file: resolve(base, geoip.database),
            bytes: new Uint8Array(read(resolve(base, geoip.database), 'geoip.database')),
          },
        }
      : {}),
  };
}
