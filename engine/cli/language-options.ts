// SPDX-License-Identifier: Apache-2.0
// The files beside the rules that commands take.

import type { LanguagePaths } from '../config/language-files.js';
import type { OptionTable } from './command.js';

export const languageFileOptions = {
  'threshold-file': {
    type: 'string',
    value: 'FILE',
    describe: 'suppress, threshold and rate_filter lines, as in Suricata',
    complete: 'file',
  },
  'classification-file': {
    type: 'string',
    value: 'FILE',
    describe: 'classes of rules, as in Suricata',
    complete: 'file',
  },
  'reference-file': {
    type: 'string',
    value: 'FILE',
    describe: 'where references lead, as in Suricata',
    complete: 'file',
  },
  vars: {
    type: 'string',
    value: 'FILE',
    describe: 'a suricata.yaml: take its variables',
    complete: 'file',
  },
} as const satisfies OptionTable;

/** The paths that these options name; what is not named is not in it. */
export function languagePaths(options: {
  readonly [K in keyof typeof languageFileOptions]: string | undefined;
}): LanguagePaths {
  const named = {
    vars: options.vars,
    thresholds: options['threshold-file'],
    classification: options['classification-file'],
    references: options['reference-file'],
  };
  return Object.fromEntries(Object.entries(named).filter(([, path]) => path !== undefined));
}
