// SPDX-License-Identifier: Apache-2.0
// The data sets that the rules of one load name: where a set is first used says of what type it is and what it begins with.

import type { DataFile, Problem } from '../ast.js';
import { readJsonValues, type JsonOptions } from './json-file.js';
import { MAX_REPUTATION, parseValue, type DatasetType } from './values.js';

/** What a rule says of a set beside its name. */
export interface DatasetOptions {
  readonly type?: DatasetType | undefined;
  /** File with what it begins with, beside the rules. */
  readonly load?: string | undefined;
  /** File of the daemon that it begins with, and that it is written to. */
  readonly state?: string | undefined;
  readonly save?: string | undefined;
  /** Bytes that it may take. */
  readonly memcap?: number | undefined;
  /** Its values have scores. */
  readonly scored: boolean;
  /** What it loads is JSON. */
  readonly json?: JsonOptions | undefined;
}

/** Plain data: a set as it begins. */
export interface DatasetSpec extends DatasetOptions {
  readonly name: string;
  readonly type: DatasetType;
  readonly memcap: number;
  /** Scores by key; 0 where it has none. */
  readonly values: ReadonlyMap<string, number>;
  /** JSON of what alerts show of a value, by key. */
  readonly contexts?: ReadonlyMap<string, string> | undefined;
}

/** A set with only `load` is what its file says at each load; the others are kept. */
export function isStatic({ load, state, save }: DatasetOptions): boolean {
  return load !== undefined && state === undefined && save === undefined;
}

/** As in Suricata, unless a rule says otherwise. */
const MEMCAP = 100 << 20;
/** What a value takes beside its bytes, about. */
export const VALUE_OVERHEAD = 64;
/** Problems of one file that are told. */
const MAX_TOLD = 20;

interface Wrong {
  readonly cause: string;
  readonly remedy: string;
}

const SHAPES: Readonly<Record<DatasetType, string>> = {
  string: 'write text in Base64',
  md5: 'write 32 hexadecimal digits',
  sha256: 'write 64 hexadecimal digits',
  ipv4: 'write an IPv4 address',
  ip: 'write an address',
};

export class Declarations {
  readonly #sets = new Map<string, DatasetSpec>();
  readonly #problems: Problem[];

  /** @param problems gets what is wrong in files */
  constructor(problems: Problem[]) {
    this.#problems = problems;
  }

  get sets(): readonly DatasetSpec[] {
    return [...this.#sets.values()];
  }

  /**
   * The set of this name, made where it is first named.
   * @param file finds what `load` names
   */
  declare(name: string, options: DatasetOptions, file: (name: string) => DataFile): DatasetSpec | Wrong {
    const known = this.#sets.get(name);
    if (known) return contradiction(known, options) ?? known;
    const { type, load, memcap = MEMCAP } = options;
    const own = options.state ?? options.save;
    const other = own === undefined ? undefined : this.sets.find(({ state, save }) => (state ?? save) === own);
    if (other) return { cause: `the set "${other.name}" is kept in ${own}`, remedy: 'name another file' };
    if (type === undefined) {
      return {
        cause: `the type of the set "${name}" is not known`,
        remedy: 'write type string (md5, sha256, ip, ipv4)',
      };
    }
    const values = new Map<string, number>();
    let contexts: ReadonlyMap<string, string> | undefined;
    if (load !== undefined) {
      const found = file(load);
      if (found.problem !== undefined)
        return { cause: `cannot load ${load}: ${found.problem}`, remedy: 'correct the name' };
      if (options.json) {
        const read = this.#readJson(load, found.text ?? '', type, options.json, values);
        if (typeof read === 'string') return { cause: `cannot load ${load}: ${read}`, remedy: 'correct the file' };
        contexts = read;
      } else this.#read(load, found.text ?? '', type, options.scored, values);
      const shown = (key: string): number => contexts?.get(key)?.length ?? 0;
      const bytes = [...values.keys()].reduce((sum, key) => sum + key.length + shown(key) + VALUE_OVERHEAD, 0);
      if (bytes > memcap) {
        return { cause: `${load} takes ${bytes} bytes and memcap allows ${memcap}`, remedy: 'enlarge memcap' };
      }
    }
    const spec = { ...options, name, type, memcap, values, ...(contexts ? { contexts } : {}) };
    this.#sets.set(name, spec);
    return spec;
  }

  #readJson(
    file: string,
    text: string,
    type: DatasetType,
    options: JsonOptions,
    values: Map<string, number>,
  ): ReadonlyMap<string, string> | string {
    const read = readJsonValues(text, type, options);
    if (typeof read === 'string') return read;
    for (const key of read.contexts.keys()) values.set(key, 0);
    const lines = options.format === 'ndjson';
    for (const number of read.wrong.slice(0, MAX_TOLD)) {
      const cause = `${lines ? '' : `entry ${number}: `}no value of type ${type} under "${options.value}"`;
      const place = { file, line: lines ? number : 1, column: 1 };
      this.#problems.push({ severity: 'warning', ...place, cause, remedy: 'correct it or remove it' });
    }
    return read.contexts;
  }

  #read(file: string, text: string, type: DatasetType, scored: boolean, values: Map<string, number>): void {
    let told = 0;
    text.split('\n').forEach((line, index) => {
      const entry = line.trim();
      if (entry === '' || entry.startsWith('#')) return;
      const comma = scored ? entry.lastIndexOf(',') : -1;
      const key = parseValue(type, comma < 0 ? entry : entry.slice(0, comma).trim());
      const score = comma < 0 ? '' : entry.slice(comma + 1).trim();
      const number = /^\d{1,5}$/.test(score) ? Number(score) : NaN;
      if (key !== undefined && (!scored || number <= MAX_REPUTATION)) values.set(key, scored ? number : 0);
      else if (told++ < MAX_TOLD) {
        const remedy = `${SHAPES[type]}${scored ? `, a comma and a score up to ${MAX_REPUTATION}` : ''}`;
        const cause = `not a value of type ${type}`;
        this.#problems.push({ severity: 'warning', file, line: index + 1, column: 1, cause, remedy });
      }
    });
  }
}

function contradiction(known: DatasetSpec, options: DatasetOptions): Wrong | undefined {
  for (const key of ['type', 'load', 'state', 'save'] as const) {
    const value = options[key];
    if (value === undefined || value === known[key]) continue;
    return {
      cause: `the set "${known.name}" has been declared with ${known[key] === undefined ? `no ${key}` : `${key} ${known[key]}`}`,
      remedy: 'write the same, or another name',
    };
  }
  if (known.scored === options.scored) return undefined;
  return { cause: `the set "${known.name}" is used by dataset and by datarep`, remedy: 'write another name for one' };
}
