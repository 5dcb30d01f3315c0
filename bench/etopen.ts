// SPDX-License-Identifier: Apache-2.0
// The Emerging Threats Open rule set, where it is: IDS_DATA names the folder that holds etopen/.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSources } from '../engine/files.js';
import type { RuleSource } from '../rules/index.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

export const etopen = join(process.env['IDS_DATA'] ?? join(root, '../shared/data'), 'etopen');

/** Paths of its rule files; undefined, and said so, where the set is not there. */
export function etopenFiles(): string[] | undefined {
  if (!existsSync(etopen)) {
    console.log(`\nno rule set at ${etopen}: IDS_DATA names the folder that holds etopen/; left out`);
    return undefined;
  }
  const files = readdirSync(etopen).filter((file) => file.endsWith('.rules'));
  return files.map((file) => join(etopen, file));
}

/** Its rule files, read. */
export function etopenSources(): RuleSource[] | undefined {
  const files = etopenFiles();
  return files && readSources(files);
}
