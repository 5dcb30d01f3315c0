// SPDX-License-Identifier: Apache-2.0
// From the `rules` key to the files: names, directories and globs, in a stable order.

import { readdirSync, statSync, type Dirent } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { IdsError, messageOf } from '../../common/errors.js';

/** The rules that ship with the program. */
export const SHIPPED_RULES = fileURLToPath(new URL('../../../rules', import.meta.url));

const special = /[*?[]/;

/** A pattern of one path segment: `*`, `?` and `[a-z]`; names that begin with a dot only if it says so. */
function segmentPattern(segment: string): RegExp {
  const body = segment.replace(/\[[^\]]*\]|[\s\S]/g, (part) => {
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    if (part.length > 1) return part.replace(/^\[!/, '[^').replaceAll('\\', '\\\\');
    return part.replace(/[.+^${}()|[\]\\]/, String.raw`\$&`);
  });
  return new RegExp(`^${segment.startsWith('.') ? '' : String.raw`(?!\.)`}${body}$`);
}

function listing(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return []; // not a directory: the glob does not match here
  }
}

function glob(pattern: string): string[] {
  let found = ['/'];
  for (const segment of pattern.split('/').filter(Boolean)) {
    if (!special.test(segment)) {
      found = found.map((path) => join(path, segment));
      continue;
    }
    const regexp = segmentPattern(segment);
    found = found.flatMap((path) =>
      listing(path)
        .filter(({ name }) => regexp.test(name))
        .map(({ name }) => join(path, name)),
    );
  }
  return found.filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
}

/**
 * The rule files that `rules` names, each once, in the order named; those of a directory are its *.rules by name.
 * Relative paths start at the directory of `file`, the configuration.
 * @throws IdsError FILE_UNREADABLE for a name that leads to no file
 */
export function ruleFiles(rules: readonly string[] | undefined, file: string): string[] {
  const base = dirname(resolve(file));
  const found = new Set<string>();
  for (const name of rules ?? [SHIPPED_RULES]) {
    const path = resolve(base, name);
    let stat;
    try {
      stat = statSync(path, { throwIfNoEntry: false });
    } catch (error) {
      throw new IdsError('FILE_UNREADABLE', `rules: ${path}: ${messageOf(error)}: check the path`, { cause: error });
    }
    const paths = stat?.isDirectory() ? glob(`${path}/*.rules`) : stat ? [path] : special.test(name) ? glob(path) : [];
    if (paths.length === 0) {
      const cause = stat ? 'holds no *.rules file' : 'does not exist';
      throw new IdsError('FILE_UNREADABLE', `rules: ${path} ${cause}: correct the key rules of ${file}`);
    }
    for (const one of paths) found.add(one);
  }
  return [...found];
}
