// SPDX-License-Identifier: Apache-2.0
// The CLI reads the files that a user names and sends their contents: the daemon opens no path for anybody.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { IdsError, messageOf } from '../../common/errors.js';
import type { RuleSource } from '../../rules/index.js';
import { readSources } from '../files.js';

/**
 * The contents of rule files; a directory stands for the `*.rules` files in it, in the order of their names.
 * @throws IdsError FILE_UNREADABLE
 */
export function readRuleSources(paths: readonly string[]): RuleSource[] {
  return readSources(paths.flatMap(filesOf));
}

function filesOf(path: string): string[] {
  let folder: boolean;
  try {
    folder = statSync(path).isDirectory();
  } catch (error) {
    throw new IdsError('FILE_UNREADABLE', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
  if (!folder) return [path];
  const files = readdirSync(path).filter((name) => name.endsWith('.rules'));
  if (files.length === 0) throw new IdsError('FILE_UNREADABLE', `there is no *.rules file in ${path}`);
  return files.sort().map((name) => join(path, name));
}
