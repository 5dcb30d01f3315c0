// SPDX-License-Identifier: Apache-2.0
// Files of JSON that data sets load (Suricata's format json and ndjson): values, and the objects that they stand in, which
// alerts show.

import type { DatasetType } from './values.js';
import { parseValue } from './values.js';

/** How such a file is read. Keys may be paths: `a.b`. */
export interface JsonOptions {
  readonly format: 'json' | 'ndjson';
  /** Where an object has its value. */
  readonly value: string;
  /** `json`: where the list is; else the file is the list. */
  readonly array?: string | undefined;
  /** The value is left out of what alerts show. */
  readonly remove: boolean;
}

export interface JsonValues {
  /** Texts of objects by key. */
  readonly contexts: Map<string, string>;
  /** Lines (json: numbers in the list, from 1) without a value of the type. */
  readonly wrong: readonly number[];
}

function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, key) => {
    const there = typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key);
    return there ? (inner as Record<string, unknown>)[key] : undefined;
  }, value);
}

function without(entry: object, path: string): object {
  const [first = '', ...rest] = path.split('.');
  const inner = (entry as Record<string, unknown>)[first];
  const { [first]: _, ...others } = entry as Record<string, unknown>;
  if (rest.length === 0 || typeof inner !== 'object' || inner === null) return others;
  return { ...entry, [first]: without(inner, rest.join('.')) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The key of a value as JSON has it: text as it is. */
function keyOf(type: DatasetType, value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  return type === 'string' ? Buffer.from(value).toString('latin1') : parseValue(type, value);
}

/** The values of a file; a text instead says why there are none. */
export function readJsonValues(text: string, type: DatasetType, options: JsonOptions): JsonValues | string {
  const { format, value, array, remove } = options;
  const contexts = new Map<string, string>();
  const wrong: number[] = [];
  const take = (entry: unknown, number: number): void => {
    const key = keyOf(type, at(entry, value));
    if (key === undefined || typeof entry !== 'object' || entry === null) wrong.push(number);
    else contexts.set(key, JSON.stringify(remove ? without(entry, value) : entry));
  };
  if (format === 'ndjson') {
    text.split('\n').forEach((line, index) => {
      if (line.trim() !== '') take(parsed(line), index + 1);
    });
  } else {
    const whole = parsed(text);
    if (whole === undefined) return 'it is no JSON';
    const list = array === undefined ? whole : at(whole, array);
    if (!Array.isArray(list)) return array === undefined ? 'it is no list' : `there is no list under "${array}"`;
    list.forEach((entry, index) => take(entry, index + 1));
  }
  if (contexts.size === 0) return `nothing in it has a value of type ${type} under "${value}"`;
  return { contexts, wrong };
}
