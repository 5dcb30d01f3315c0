// SPDX-License-Identifier: Apache-2.0
// The files beside the rules: variables, thresholds, classes and reference systems.

import { dirname, resolve } from 'node:path';
import type { LanguageOptions, RuleSource } from '../../rules/index.js';
import { readText } from '../files.js';
import type { Config } from './schema.js';
import { parseVarsFile, type VarsFile } from './vars-file.js';

/** Paths as somebody wrote them. */
export interface LanguagePaths {
  readonly vars?: string | undefined;
  readonly thresholds?: string | undefined;
  readonly classification?: string | undefined;
  readonly references?: string | undefined;
}

/** Their contents. */
export interface LanguageFiles extends Pick<LanguageOptions, 'thresholds' | 'classification' | 'references'> {
  readonly vars?: VarsFile;
}

/** @throws IdsError FILE_UNREADABLE, CONFIG_INVALID */
export function readLanguageFiles({ vars, thresholds, classification, references }: LanguagePaths): LanguageFiles {
  const source = (file: string): RuleSource => ({ file, text: readText(file) });
  return {
    ...(vars === undefined ? {} : { vars: parseVarsFile(source(vars)) }),
    ...(thresholds === undefined ? {} : { thresholds: source(thresholds) }),
    ...(classification === undefined ? {} : { classification: source(classification) }),
    ...(references === undefined ? {} : { references: source(references) }),
  };
}

/** What the configuration in `file` names; relative paths start at its directory. */
export function configuredPaths(config: Config, file: string): LanguagePaths {
  const base = dirname(resolve(file));
  const path = (name: string | undefined): string | undefined => (name === undefined ? undefined : resolve(base, name));
  return {
    vars: path(config.vars.file),
    thresholds: path(config.threshold_file),
    classification: path(config.classification_file),
    references: path(config.reference_file),
  };
}
