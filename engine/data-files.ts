// SPDX-License-Identifier: Apache-2.0
// The files that rules load (dataset, datarep): beside the file of rules or below it, never outside of its directory.

import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { messageOf } from '../common/errors.js';
import type { DataFile } from '../rules/index.js';

/** Bytes of one file. */
const MOST = 128 << 20;

const named = /\bload\s+([^\s,;]+)/g;

function read(directory: string, name: string): DataFile {
  try {
    const path = realpathSync(join(directory, name));
    if (!path.startsWith(`${realpathSync(directory)}${sep}`)) {
      return { problem: 'it lies outside of the directory of the rules' };
    }
    if (statSync(path).size > MOST) return { problem: `it has more than ${MOST} bytes` };
    return { text: readFileSync(path, 'utf8') };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

/** What the rules in `text` name, by that name; undefined if nothing. */
export function dataFiles(file: string, text: string): Readonly<Record<string, DataFile>> | undefined {
  if (!/\bdata(?:set|rep)\s*:/.test(text)) return undefined;
  const names = new Set([...text.matchAll(named)].map(([, name = '']) => name));
  return Object.fromEntries([...names].map((name) => [name, read(dirname(file), name)]));
}
