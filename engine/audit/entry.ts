// SPDX-License-Identifier: Apache-2.0
// What one line of the audit log says, without its place in the chain.

import type { Actor } from './actor.js';

/** Plain values: a few, and none of them long. */
export type Facts = Readonly<Record<string, unknown>>;

export interface AuditEntry {
  /** `rules.load`, `blocklist.add`, `start` … */
  readonly action: string;
  readonly actor: Actor;
  readonly outcome: 'done' | 'failed';
  /** What was asked for. */
  readonly what?: Facts;
  readonly before?: Facts;
  readonly after?: Facts;
  /** Why it failed. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** A line as it is read back. */
export interface AuditRecord extends AuditEntry {
  readonly seq: number;
  /** ISO 8601. */
  readonly time: string;
  /** The hash of the line before; of the first line: zeros. */
  readonly prev: string;
  readonly hash: string;
}

const MAX_TEXT = 300;
const MAX_ITEMS = 20;
const MAX_KEYS = 40;
const MAX_DEPTH = 5;

/** The same within bounds: texts, lists and mappings are cut, and what was left out is counted. */
export function bounded(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') {
    return value.length <= MAX_TEXT ? value : `${value.slice(0, MAX_TEXT)}… (${value.length} characters)`;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '…';
  if (Array.isArray(value)) {
    const first = value.slice(0, MAX_ITEMS).map((one) => bounded(one, depth + 1));
    return value.length <= MAX_ITEMS ? first : [...first, `… and ${value.length - MAX_ITEMS} more`];
  }
  const entries = Object.entries(value);
  const kept = entries.slice(0, MAX_KEYS).map(([name, one]) => [name, bounded(one, depth + 1)] as const);
  const more = entries.length - kept.length;
  return Object.fromEntries(more > 0 ? [...kept, ['…', `${more} more`]] : kept);
}
