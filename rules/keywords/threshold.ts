// SPDX-License-Identifier: Apache-2.0
// threshold and detection_filter.

import { Threshold, Track, Unique } from '../../common/abi.gen.js';
import type { ThresholdSpec } from '../ast.js';
import { fail, failValue, unsupported, type Draft } from '../draft.js';
import { positionOf } from '../lines.js';
import { didYouMean } from '../suggest.js';
import { supported, type Keyword } from './types.js';

const MAX_COUNT = 0xffff_ffff;
const MAX_BACKOFF = 0xffff;

export const thresholdTypes: Readonly<Record<string, Threshold>> = {
  limit: Threshold.LIMIT,
  threshold: Threshold.THRESHOLD,
  both: Threshold.BOTH,
  backoff: Threshold.BACKOFF,
};
export const thresholdTracks: Readonly<Record<string, Track>> = {
  by_src: Track.SRC,
  by_dst: Track.DST,
  by_both: Track.BOTH,
  by_rule: Track.RULE,
  by_flow: Track.FLOW,
};
const uniques: Readonly<Record<string, Unique>> = {
  src_port: Unique.SRC_PORT,
  dst_port: Unique.DST_PORT,
  src_ip: Unique.SRC_IP,
  dst_ip: Unique.DST_IP,
};

type Setting = 'type' | 'track' | 'count' | 'seconds' | 'multiplier' | 'unique_on';
type Settings = Map<Setting, { readonly text: string; readonly at: number }>;

/** Reads `name value, name value`; every name of `needed` must be there, and those of `allowed` may be. */
function readSettings(draft: Draft, value: string, allowed: readonly Setting[]): Settings | undefined {
  const found: Settings = new Map();
  let offset = draft.valueAt;
  for (const part of value.split(',')) {
    const at = offset + part.length - part.trimStart().length;
    offset += part.length + 1;
    const [name = '', text, ...rest] = part.trim().split(/\s+/);
    const setting = allowed.find((candidate) => candidate === name.toLowerCase());
    if (!setting)
      return fail(
        draft,
        at,
        `"${part.trim()}" is not a setting`,
        didYouMean(name, allowed, `write ${allowed.join(', ')}`),
      );
    if (text === undefined || rest.length > 0)
      return fail(draft, at, `"${part.trim()}" needs one value`, `write ${setting} VALUE`);
    if (found.has(setting)) return fail(draft, at, `${setting} stands twice`, 'remove one');
    found.set(setting, { text: text.toLowerCase(), at: at + part.trim().lastIndexOf(text) });
  }
  return found;
}

function choose<T>(draft: Draft, found: Settings, name: Setting, table: Readonly<Record<string, T>>): T | undefined {
  const setting = found.get(name);
  const choices = Object.keys(table);
  if (!setting) return failValue(draft, `${name} is missing`, `write ${name} and one of ${choices.join(', ')}`);
  const chosen = Object.hasOwn(table, setting.text) ? table[setting.text] : undefined;
  if (chosen !== undefined) return chosen;
  const remedy = didYouMean(setting.text, choices, `write one of ${choices.join(', ')}`);
  return fail(draft, setting.at, `"${setting.text}" is not a value of ${name}`, remedy);
}

function count(draft: Draft, found: Settings, name: Setting, min: number, max: number): number | undefined {
  const setting = found.get(name);
  if (!setting) return failValue(draft, `${name} is missing`, `write ${name} and a number`);
  const number = /^\d+$/.test(setting.text) ? Number(setting.text) : NaN;
  if (number >= min && number <= max) return number;
  return fail(
    draft,
    setting.at,
    `${name} "${setting.text}" is not a number from ${min} to ${max}`,
    'correct the number',
  );
}

function set(draft: Draft, spec: Omit<ThresholdSpec, 'position'>): void {
  if (draft.threshold) {
    // Suricata refuses a second one unless a buffer stands between the two, and then obeys both.
    return unsupported(draft, 'only one threshold or detection_filter of a rule is counted');
  }
  draft.threshold = { ...spec, position: positionOf(draft.line, draft.keywordAt) };
}

function parseThreshold(draft: Draft, value: string): void {
  const found = readSettings(draft, value, ['type', 'track', 'count', 'seconds', 'multiplier']);
  if (!found) return;
  const type = choose(draft, found, 'type', thresholdTypes);
  const track = choose(draft, found, 'track', thresholdTracks);
  if (type === undefined || track === undefined) return;
  if (type === Threshold.BACKOFF) return parseBackoff(draft, found, track);
  const multiplier = found.get('multiplier');
  if (multiplier)
    return fail(draft, multiplier.at, 'multiplier belongs to type backoff', 'remove it or write type backoff');
  const hits = count(draft, found, 'count', 1, MAX_COUNT);
  const seconds = count(draft, found, 'seconds', 1, MAX_COUNT);
  if (hits === undefined || seconds === undefined) return;
  set(draft, { type, track, unique: Unique.NONE, count: hits, seconds, multiplier: 0 });
}

function parseBackoff(draft: Draft, found: Settings, track: Track): void {
  const seconds = found.get('seconds');
  if (seconds) return fail(draft, seconds.at, 'type backoff has no seconds', 'remove them');
  if (track !== Track.FLOW) {
    return fail(draft, found.get('track')?.at ?? draft.valueAt, 'type backoff goes by flow', 'write track by_flow');
  }
  const hits = count(draft, found, 'count', 1, MAX_BACKOFF);
  const multiplier = count(draft, found, 'multiplier', 2, MAX_BACKOFF);
  if (hits === undefined || multiplier === undefined) return;
  set(draft, { type: Threshold.BACKOFF, track, unique: Unique.NONE, count: hits, seconds: 0, multiplier });
}

function parseDetectionFilter(draft: Draft, value: string): void {
  const found = readSettings(draft, value, ['track', 'count', 'seconds', 'unique_on']);
  if (!found) return;
  const track = choose(draft, found, 'track', thresholdTracks);
  const hits = count(draft, found, 'count', 1, MAX_COUNT);
  const seconds = count(draft, found, 'seconds', 1, MAX_COUNT);
  const wanted = found.get('unique_on');
  const unique = wanted ? choose(draft, found, 'unique_on', uniques) : Unique.NONE;
  if (track === undefined || hits === undefined || seconds === undefined || unique === undefined) return;
  const ports = unique === Unique.SRC_PORT || unique === Unique.DST_PORT;
  if (ports && !draft.protocol.ports) {
    return fail(
      draft,
      wanted?.at ?? draft.valueAt,
      'unique_on a port needs a protocol with ports',
      'use tcp, udp or sctp in the header',
    );
  }
  set(draft, { type: Threshold.DETECTION, track, unique, count: hits, seconds, multiplier: 0 });
}

export const thresholdKeywords: readonly Keyword[] = [
  supported(
    'threshold',
    'threshold',
    'How often a match alerts: `type limit|threshold|both, track by_src|by_dst|by_both|by_rule|by_flow, count N, seconds N`, ' +
      'or `type backoff, track by_flow, count N, multiplier N`',
    parseThreshold,
  ),
  supported(
    'threshold',
    'detection_filter',
    'No match until more than N were counted: `track by_…, count N, seconds N[, unique_on src_port|dst_port|src_ip|dst_ip]`; ' +
      'with `unique_on` distinct values are counted',
    parseDetectionFilter,
  ),
];
