// SPDX-License-Identifier: Apache-2.0
// Threshold fields of a rule's entry: the name of its state, and its share of the table of distinct values.

import { Unique } from '../../common/abi.gen.js';
import type { Rule, ThresholdSpec } from '../ast.js';

/** What names a threshold's state in the engine: rule and parameters, so that state survives a reload of equal rules. */
export function thresholdName(rule: Rule, spec: ThresholdSpec): string {
  const { gid, sid } = rule.meta;
  return [gid, sid, spec.type, spec.track, spec.unique, spec.count, spec.seconds, spec.multiplier].join(':');
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

/** Shares out keys and regions among the rules of one set. @throws CapacityError */
export function layThresholds(rules: readonly Rule[]): Map<Rule, ThresholdPlace> {
  const keys = new ThresholdKeys();
  const places = new Map<Rule, ThresholdPlace>();
  for (const rule of rules) {
    if (rule.threshold === undefined || places.has(rule)) continue;
    const key = keys.of(rule, rule.threshold);
    places.set(rule, { key, setBase: 0, setSize: 0, setFirst: 0, setBuckets: 0 });
  }
  return places;
}
