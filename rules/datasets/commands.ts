// SPDX-License-Identifier: Apache-2.0
// What an operator asks of the data sets in force, and does to them, as Suricata's commands dataset-add and its like do.
// Values are plain text where the type is string, unless they are said to be in Base64, and as files have them elsewhere.

import { isStatic } from './declarations.js';
import type { LiveDataset, LiveDatasets } from './live.js';
import { noteChange } from './tests.js';
import { formatValue, MAX_REPUTATION, parseValue, type DatasetType } from './values.js';

export const datasetActions = ['add', 'remove', 'lookup', 'clear', 'dump'] as const;
export type DatasetAction = (typeof datasetActions)[number];

export interface DatasetCommand {
  readonly action: DatasetAction;
  readonly name: string;
  /** Of add, remove and lookup; with a comma and a score where the set has scores. */
  readonly value?: string;
  /** The value is in Base64. */
  readonly base64?: boolean;
  /** Of dump: so many values at most. */
  readonly limit?: number;
}

/** A set in force. */
export interface DatasetInfo {
  readonly name: string;
  readonly type: DatasetType;
  readonly values: number;
  /** Bytes that it takes, about, and may take. */
  readonly bytes: number;
  readonly memcap: number;
  /** Values that there was no room for. */
  readonly refused: number;
  /** File beside the rules, or of the daemon, if it has one. */
  readonly load?: string;
  readonly state?: string;
  /** It begins anew with each load of rules. */
  readonly static: boolean;
}

export interface DatasetAnswer {
  /** The set changed, or has the value. */
  readonly done: boolean;
  /** Values in the set afterwards. */
  readonly values: number;
  /** Of lookup in a set with scores. */
  readonly score?: number;
  /** Of dump. */
  readonly list?: readonly string[];
}

/** Why nothing could be done. */
export interface DatasetRefusal {
  readonly code: 'NOT_FOUND' | 'USAGE' | 'LIST_FULL';
  readonly problem: string;
}

export function infoOf({ spec, values, refused, bytes }: LiveDataset): DatasetInfo {
  const state = spec.state ?? spec.save;
  return {
    name: spec.name,
    type: spec.type,
    values: values.size,
    bytes,
    memcap: spec.memcap,
    refused,
    ...(spec.load === undefined ? {} : { load: spec.load }),
    ...(state === undefined ? {} : { state }),
    static: isStatic(spec),
  };
}

interface Entry {
  readonly key: string;
  readonly score: number | undefined;
}

function entryOf({ spec, type }: LiveDataset, command: DatasetCommand): Entry | undefined {
  const { value = '', base64 = false, action } = command;
  const comma = spec.scored && action === 'add' ? value.lastIndexOf(',') : -1;
  const text = comma < 0 ? value : value.slice(0, comma);
  const digits = comma < 0 ? '' : value.slice(comma + 1);
  const score = /^\d{1,5}$/.test(digits) && Number(digits) <= MAX_REPUTATION ? Number(digits) : undefined;
  const plain = type === 'string' && !base64;
  const key = plain ? Buffer.from(text).toString('latin1') : parseValue(type, text);
  return key === undefined || key === '' ? undefined : { key, score };
}

/** Does it. A change of a set that a file keeps is noted for whoever keeps the file. */
export function commandDatasets(
  sets: LiveDatasets | undefined,
  command: DatasetCommand,
): DatasetAnswer | DatasetRefusal {
  const { name, action, limit = Infinity } = command;
  const set = sets?.get(name);
  if (set === undefined) {
    const problem = `no rule in force asks a data set "${name}" (one of addresses that is only loaded is part of the rules)`;
    return { code: 'NOT_FOUND', problem };
  }
  if (action === 'clear' || action === 'dump') {
    const list = [...set.values].slice(0, action === 'dump' ? limit : 0);
    if (action === 'clear') {
      const keys = [...set.values.keys()];
      for (const key of keys) if (set.delete(key)) noteChange(set, key, false);
      return { done: keys.length > 0, values: 0 };
    }
    const text = ([key, score]: readonly [string, number]): string =>
      `${formatValue(set.type, key)}${set.spec.scored ? `,${score}` : ''}`;
    return { done: true, values: set.values.size, list: list.map(text) };
  }
  const entry = entryOf(set, command);
  if (entry === undefined || (action === 'add' && set.spec.scored && entry.score === undefined)) {
    const shape = set.spec.scored && action === 'add' ? `VALUE,SCORE with a score up to ${MAX_REPUTATION}` : 'a value';
    return { code: 'USAGE', problem: `"${command.value ?? ''}" is not ${shape} of type ${set.type}` };
  }
  const { key, score = 0 } = entry;
  if (action === 'lookup') {
    const found = set.values.get(key);
    const scored = set.spec.scored && found !== undefined ? { score: found } : {};
    return { done: found !== undefined, values: set.values.size, ...scored };
  }
  const refused = set.refused;
  const done = action === 'add' ? set.add(key, score) : set.delete(key);
  if (set.refused > refused)
    return { code: 'LIST_FULL', problem: `the data set "${name}" is full: memcap is ${set.spec.memcap}` };
  if (done) noteChange(set, key, action === 'add');
  return { done, values: set.values.size };
}
