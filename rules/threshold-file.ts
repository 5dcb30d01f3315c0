// SPDX-License-Identifier: Apache-2.0
// A threshold file (Suricata's threshold.config): one `suppress`, `threshold`, `event_filter` or `rate_filter` a line.
// The reference is "Global-Thresholds" of its user guide.

import { Action, Threshold, Unique, type Track } from '../common/abi.gen.js';
import { addressDomain, resolveAddresses } from './addresses.js';
import type { Position, Problem, RuleSource, Suppression, ThresholdSpec } from './ast.js';
import type { Domain } from './expression.js';
import { thresholdTracks, thresholdTypes } from './keywords/threshold.js';
import { eachLine, positionOf, type LogicalLine } from './lines.js';
import { didYouMean } from './suggest.js';

/** What one line says about the rules that it names; 0 stands for all. */
export interface ThresholdLine {
  readonly position: Position;
  /** The line as written. */
  readonly text: string;
  readonly gid: number;
  readonly sid: number;
  /** How often the rules alert, or what they do beyond that. */
  readonly spec?: ThresholdSpec;
  /** Whose packets raise no alert; without one and without `spec` nobody's do. */
  readonly suppress?: Suppression;
}

export interface ThresholdFile {
  readonly lines: readonly ThresholdLine[];
  readonly problems: readonly Problem[];
}

const MAX_NUMBER = 0xffff_ffff;

/** Settings of each kind of line behind gen_id and sig_id, in the order in which they are written. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  suppress: ['track', 'ip'],
  threshold: ['type', 'track', 'count', 'seconds'],
  event_filter: ['type', 'track', 'count', 'seconds'],
  rate_filter: ['track', 'count', 'seconds', 'new_action', 'timeout'],
};

const newActions: Readonly<Record<string, Action>> = {
  alert: Action.ALERT,
  drop: Action.DROP,
  pass: Action.PASS,
  reject: Action.REJECT,
};

const suppressTracks = { by_src: 'src', by_dst: 'dst', by_either: 'either' } as const;

interface Setting {
  readonly text: string;
  readonly at: number;
}

/** Says what is wrong with a line; thrown within this file alone. */
class Wrong extends Error {
  readonly at: number;
  readonly remedy: string;

  constructor(at: number, cause: string, remedy: string) {
    super(cause);
    this.at = at;
    this.remedy = remedy;
  }
}

/** Parts between commas that stand in no list. */
function* partsOf(text: string, from: number): Generator<Setting> {
  let [depth, start] = [0, from];
  for (let at = from; at <= text.length; at++) {
    const char = text[at];
    if (char === '[') depth++;
    else if (char === ']') depth--;
    else if (char === undefined || (char === ',' && depth <= 0)) {
      const part = text.slice(start, at);
      yield { text: part.trim(), at: start + part.length - part.trimStart().length };
      start = at + 1;
    }
  }
}

function readSettings(line: LogicalLine, from: number, names: readonly string[]): Map<string, Setting> {
  const found = new Map<string, Setting>();
  for (const { text, at } of partsOf(line.text, from)) {
    const [, word = '', gap = '', value = ''] = /^(\S*)(\s*)([^]*)$/.exec(text) ?? [];
    const name = word.toLowerCase();
    if (!names.includes(name)) {
      throw new Wrong(at, `"${text}" is not a setting`, didYouMean(word, names, `write ${names.join(', ')}`));
    }
    if (value === '') throw new Wrong(at, `${name} has no value`, `write ${name} and its value`);
    if (found.has(name)) throw new Wrong(at, `${name} stands twice`, 'remove one');
    found.set(name, { text: value, at: at + word.length + gap.length });
  }
  return found;
}

function need(found: ReadonlyMap<string, Setting>, name: string, line: LogicalLine): Setting {
  const setting = found.get(name);
  if (!setting) throw new Wrong(line.text.length, `${name} is missing`, `write ${name} and its value`);
  return setting;
}

function numberOf(found: ReadonlyMap<string, Setting>, name: string, line: LogicalLine, min: number): number {
  const { text, at } = need(found, name, line);
  const number = /^\d+$/.test(text) ? Number(text) : NaN;
  if (number >= min && number <= MAX_NUMBER) return number;
  throw new Wrong(at, `${name} "${text}" is not a number from ${min} to ${MAX_NUMBER}`, 'correct the number');
}

function choiceOf<T>(
  found: ReadonlyMap<string, Setting>,
  name: string,
  line: LogicalLine,
  table: Readonly<Record<string, T>>,
): T {
  const { text, at } = need(found, name, line);
  const chosen = Object.hasOwn(table, text.toLowerCase()) ? table[text.toLowerCase()] : undefined;
  if (chosen !== undefined) return chosen;
  const choices = Object.keys(table);
  const remedy = didYouMean(text, choices, `write one of ${choices.join(', ')}`);
  throw new Wrong(at, `"${text}" is not a value of ${name}`, remedy);
}

function specOf(kind: string, found: ReadonlyMap<string, Setting>, line: LogicalLine): ThresholdSpec {
  const { backoff: _backoff, ...types } = thresholdTypes;
  const rated = kind === 'rate_filter';
  const type = rated ? Threshold.RATE : choiceOf(found, 'type', line, types);
  const track: Track = choiceOf(found, 'track', line, thresholdTracks);
  const [count, seconds] = [numberOf(found, 'count', line, 1), numberOf(found, 'seconds', line, rated ? 0 : 1)];
  const rate = rated
    ? {
        rate: { action: choiceOf(found, 'new_action', line, newActions), timeout: numberOf(found, 'timeout', line, 0) },
      }
    : {};
  return { type, track, unique: Unique.NONE, count, seconds, multiplier: 0, ...rate, position: positionOf(line, 0) };
}

function suppressionOf(
  found: ReadonlyMap<string, Setting>,
  line: LogicalLine,
  domain: Domain,
): Suppression | undefined {
  if (!found.has('track') && !found.has('ip')) return undefined;
  const track = choiceOf(found, 'track', line, suppressTracks);
  const { text, at } = need(found, 'ip', line);
  const resolved = resolveAddresses(text, domain);
  if (!('set' in resolved)) throw new Wrong(at + resolved.at, resolved.cause, resolved.remedy);
  return { track, addresses: resolved.set, text: `by_${track} ${text}` };
}

function parseLine(line: LogicalLine, domain: Domain): ThresholdLine {
  const text = line.text.trim();
  const [, blanks = '', word = ''] = /^(\s*)(\S*)/.exec(line.text) ?? [];
  const kind = word.toLowerCase();
  const names = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (names === undefined) {
    const known = Object.keys(kinds);
    throw new Wrong(
      blanks.length,
      `"${word}" does not begin a line`,
      didYouMean(word, known, `write ${known.join(', ')}`),
    );
  }
  const found = readSettings(line, blanks.length + word.length, ['gen_id', 'sig_id', ...names]);
  const [gid, sid] = [numberOf(found, 'gen_id', line, 0), numberOf(found, 'sig_id', line, 0)];
  if (gid === 0 && sid !== 0) {
    const cause = `gen_id 0 stands for every rule, sig_id ${sid} for one`;
    throw new Wrong(found.get('gen_id')?.at ?? 0, cause, 'write gen_id 1, or sig_id 0');
  }
  const head = { position: positionOf(line, blanks.length), text, gid, sid };
  if (kind !== 'suppress') return { ...head, spec: specOf(kind, found, line) };
  const suppress = suppressionOf(found, line, domain);
  return { ...head, ...(suppress ? { suppress } : {}) };
}

/** Reads a threshold file; a line with a mistake is a problem and is left out. */
export function parseThresholdFile(source: RuleSource, addressVars: Readonly<Record<string, string>>): ThresholdFile {
  const domain = addressDomain(addressVars);
  const lines: ThresholdLine[] = [];
  const problems: Problem[] = [];
  eachLine(source, (line) => {
    if (/^\s*(#|$)/.test(line.text)) return;
    try {
      lines.push(parseLine(line, domain));
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      const { at, message: cause, remedy } = error;
      problems.push({ severity: 'error', ...positionOf(line, at), cause, remedy });
    }
  });
  return { lines, problems };
}
