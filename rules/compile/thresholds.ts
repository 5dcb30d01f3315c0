// SPDX-License-Identifier: Apache-2.0
// Threshold fields of a rule's entry: the name of its state, and its share of the table of distinct values.

import { Limit, Unique } from '../../common/abi.gen.js';
import type { Rule, ThresholdSpec } from '../ast.js';
import { CapacityError } from './vectors.js';

/** What names a threshold's state in the engine: rule and parameters, so that state survives a reload of equal rules. */
export function thresholdName(rule: Rule, spec: ThresholdSpec): string {
  const { gid, sid } = rule.meta;
  const { type, track, unique, count, seconds, multiplier, rate } = spec;
  const rated = rate === undefined ? [] : [rate.action, rate.timeout];
  return [gid, sid, type, track, unique, count, seconds, multiplier, ...rated].join(':');
}

function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Hands out the 32-bit names of threshold states: never 0, and no two rules of one set share one. */
export class ThresholdKeys {
  readonly #taken = new Map<number, string>();

  of(rule: Rule, spec: ThresholdSpec): number {
    const name = thresholdName(rule, spec);
    for (let salt = 0; ; salt++) {
      const key = hash32(salt === 0 ? name : `${name}#${salt}`);
      const owner = this.#taken.get(key);
      if (key === 0 || (owner !== undefined && owner !== name)) continue;
      this.#taken.set(key, name);
      return key;
    }
  }
}

/** True if the threshold counts distinct values. */
export function countsDistinct(spec: ThresholdSpec): boolean {
  return spec.unique !== Unique.NONE;
}

/** Where a rule keeps its threshold state in the kernel's tables. */
export interface ThresholdPlace {
  readonly key: number;
  readonly setBase: number;
  readonly setSize: number;
  readonly setFirst: number;
  readonly setBuckets: number;
}

/** Cells of one rule's sets while there is plenty of room; halved until all rules fit. */
const PLENTY = Limit.MAX_CELLS / 8;

const powerOfTwo = (least: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, least)));

/** Sets hold twice as many cells as the rule counts, so that probing stays short. */
const setSizeOf = (spec: ThresholdSpec): number => powerOfTwo(2 * spec.count);

/** Buckets of a rule whose sets may take `cells` cells, a power of two, at least one. */
function bucketsFor(spec: ThresholdSpec, cells: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(1, cells / (Limit.BUCKET_WAYS * setSizeOf(spec)))));
}

function budgetFor(specs: readonly ThresholdSpec[]): number {
  for (let budget = PLENTY; budget >= 1; budget /= 2) {
    let [cells, buckets] = [0, Limit.COMMON_BUCKETS as number];
    for (const spec of specs) {
      const own = bucketsFor(spec, budget);
      buckets += own;
      cells += own * Limit.BUCKET_WAYS * setSizeOf(spec);
    }
    if (cells <= Limit.MAX_CELLS && buckets <= Limit.MAX_BUCKETS) return budget;
  }
  throw new CapacityError(`thresholds with unique_on need more than ${Limit.MAX_CELLS} cells`);
}

/**
 * Shares out keys and regions among the rules of one set, in the order of the files: rules that are added behind the
 * others leave the regions of the others where they are, and with them what they have counted.
 * @throws CapacityError
 */
export function layThresholds(rules: readonly { rule: Rule; index: number }[]): Map<Rule, ThresholdPlace> {
  const keys = new ThresholdKeys();
  const places = new Map<Rule, ThresholdPlace>();
  const inOrder = [...rules].sort((a, b) => a.index - b.index).map(({ rule }) => rule);
  const distinct = [...new Set(inOrder)].flatMap(({ threshold }) =>
    threshold !== undefined && countsDistinct(threshold) ? [threshold] : [],
  );
  const budget = budgetFor(distinct);
  let [cell, bucket] = [0, Limit.COMMON_BUCKETS as number];
  for (const rule of inOrder) {
    const spec = rule.threshold;
    if (spec === undefined || places.has(rule)) continue;
    const key = keys.of(rule, spec);
    if (!countsDistinct(spec)) {
      places.set(rule, { key, setBase: 0, setSize: 0, setFirst: 0, setBuckets: 0 });
      continue;
    }
    const setSize = setSizeOf(spec);
    const setBuckets = bucketsFor(spec, budget);
    places.set(rule, { key, setBase: cell, setSize, setFirst: bucket, setBuckets });
    cell += setBuckets * Limit.BUCKET_WAYS * setSize;
    bucket += setBuckets;
  }
  return places;
}
