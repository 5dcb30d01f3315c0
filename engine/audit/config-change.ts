// SPDX-License-Identifier: Apache-2.0
// Whether the configuration in effect is the one of the start before: by hashes, so that nothing of it is kept twice.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { writeWhole } from './durable.js';
import type { Facts } from './entry.js';

const sha256 = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(value) ?? '')
    .digest('hex');

/** A hash of the whole and one of each key. */
export interface ConfigHashes {
  readonly sha256: string;
  readonly keys: Readonly<Record<string, string>>;
}

export function hashesOf(config: Readonly<Record<string, unknown>>): ConfigHashes {
  const keys = Object.fromEntries(Object.entries(config).map(([name, value]) => [name, sha256(value)]));
  return { sha256: sha256(config), keys };
}

export interface ConfigChange {
  readonly what: Facts;
  readonly before: Facts;
  readonly after: Facts;
}

function readBefore(file: string): ConfigHashes | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ConfigHashes;
  } catch {
    // What is damaged is as good as another configuration.
    return { sha256: 'unknown', keys: {} };
  }
}

/** What has changed since the last start, and remembers how it is now; undefined: nothing, or it is the first start. */
export function configChange(file: string, now: ConfigHashes): ConfigChange | undefined {
  const before = readBefore(file);
  if (before?.sha256 === now.sha256) return undefined;
  writeWhole(file, `${JSON.stringify(now)}\n`, 0o600);
  if (!before) return undefined;
  const names = new Set([...Object.keys(before.keys), ...Object.keys(now.keys)]);
  const changed = [...names].filter((name) => before.keys[name] !== now.keys[name]);
  return { what: { changed }, before: { sha256: before.sha256 }, after: { sha256: now.sha256 } };
}
