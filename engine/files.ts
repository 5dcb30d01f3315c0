// SPDX-License-Identifier: Apache-2.0
// Reading the text files that a user or the configuration names.

import { readFileSync } from 'node:fs';
import { IdsError, messageOf } from '../common/errors.js';
import { dataFiles } from './data-files.js';
import type { RuleSource } from '../rules/index.js';

/** @throws IdsError FILE_UNREADABLE */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new IdsError('FILE_UNREADABLE', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
}

/** The contents of rule files, and of what they load. @throws IdsError FILE_UNREADABLE */
export function readSources(files: readonly string[]): RuleSource[] {
  return files.map((file) => {
    const text = readText(file);
    const data = dataFiles(file, text);
    return { file, text, ...(data === undefined ? {} : { data }) };
  });
}
