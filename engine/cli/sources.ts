// SPDX-License-Identifier: Apache-2.0
// The CLI reads the files that a user names and sends their contents: the daemon opens no path for anybody.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { IdsError, messageOf } from '../../common/errors.js';
import type { RuleSource } from '../../rules/index.js';
import { readSources } from '../files.js';

function unreadable(path: string, error: unknown): IdsError {
  return new IdsError('FILE_UNREADABLE', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
}

/**
 * The contents of rule files; a directory stands for the `*.rules` files in it, in the order of their names, and `-`
 * for standard input.
 * @throws IdsError FILE_UNREADABLE
 */
export function readRuleSources(paths: readonly string[]): RuleSource[] {
  return paths.flatMap((path) => (path === '-' ? [readInput()] : readSources(filesOf(path))));
}

function readInput(): RuleSource {
  try {
    return { file: '<stdin>', text: readFileSync(0, 'utf8') };
  } catch (error) {
    throw unreadable('standard input', error);
  }
}

function filesOf(path: string): string[] {
  let names: string[];
  try {
    if (!statSync(path).isDirectory()) return [path];
    names = readdirSync(path);
  } catch (error) {
    throw unreadable(path, error);
  }
  const files = names.filter((name) => name.endsWith('.rules'));
  if (files.length === 0) throw new IdsError('FILE_UNREADABLE', `there is no *.rules file in ${path}`);
  return files.sort().map((name) => join(path, name));
}
