// SPDX-License-Identifier: Apache-2.0
// What rules ask of data sets. As in Suricata, `set` holds for a value that is new and `unset` for one that was there; the
// set itself changes once all of the rule has matched.

import type { DatasetUse } from '../ast.js';
import { LiveDatasets, type LiveDataset } from './live.js';
import { keyOf } from './values.js';

/** Plain data. */
export interface DatasetTest {
  readonly name: string;
  readonly use: DatasetUse;
  /** Name under which alerts show what the set has of the value. */
  readonly context?: string | undefined;
}

interface Change {
  readonly name: string;
  readonly key: string;
  readonly add: boolean;
}

/** What has changed in a set that is kept in a file. */
export interface DatasetChange extends Omit<Change, 'name'> {
  readonly file: string;
}

/**
 * The sets of the rules being judged, what the rule being judged will change, and what has changed in sets that files
 * keep, until somebody takes it.
 */
export const lookups = {
  sets: new LiveDatasets([]),
  changes: [] as Change[],
  changed: [] as DatasetChange[],
  /** What alerts of the rule being judged show, as JSON. */
  shown: [] as { readonly name: string; readonly json: string }[],
};

/** True if the score is as a rule of datarep asks. */
export function compares(score: number, { operator, value }: Extract<DatasetUse, object>): boolean {
  return operator === '<' ? score < value : operator === '>' ? score > value : score === value;
}

/** True if the value with this key meets the test; undefined stands for what can be no value of the set. */
export function keyHolds({ name, use, context }: DatasetTest, key: string | undefined): boolean {
  const set = lookups.sets.get(name);
  if (set === undefined) return false;
  const score = key === undefined ? undefined : set.values.get(key);
  if (typeof use === 'object') return score !== undefined && compares(score, use);
  switch (use) {
    case 'isset': {
      const json = context === undefined || key === undefined ? undefined : set.spec.contexts?.get(key);
      if (context !== undefined && json !== undefined) lookups.shown.push({ name: context, json });
      return score !== undefined;
    }
    case 'isnotset':
      return score === undefined;
    case 'set':
      if (key === undefined || score !== undefined) return false;
      break;
    case 'unset':
      if (key === undefined || score === undefined) return false;
      break;
  }
  lookups.changes.push({ name, key, add: use === 'set' });
  return true;
}

/** True if what stands in the buffer meets the test; of what may go on nothing is known. */
export function datasetHolds(test: DatasetTest, bytes: Uint8Array, open: boolean): boolean {
  const type = lookups.sets.get(test.name)?.type;
  if (open || bytes.length === 0 || type === undefined) return false;
  return keyHolds(test, keyOf(type, bytes));
}

/** Notes a change of a set that a file keeps. */
export function noteChange({ spec }: LiveDataset, key: string, add: boolean): void {
  const file = spec.state ?? spec.save;
  if (file !== undefined) lookups.changed.push({ file, key, add });
}

/** Does what the rule that matched does to its sets. */
export function changeDatasets(): void {
  for (const { name, key, add } of lookups.changes) {
    const set = lookups.sets.get(name);
    if (set && (add ? set.add(key) : set.delete(key))) noteChange(set, key, add);
  }
}
