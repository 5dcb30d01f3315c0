// SPDX-License-Identifier: Apache-2.0
// Rules and what detections say of them, made when the first of their detections is.

import type { DetectionRule } from '../../alerts/index.js';
import type { List } from '../../common/packed-list.js';
import type { Compilation, RuleInfo, Suppression } from '../../rules/index.js';
import { ruleOf } from './detection.js';

export interface KnownRule {
  /** Index into the rules of the set. */
  readonly index: number;
  readonly info: RuleInfo;
  readonly allowed: DetectionRule;
  readonly blocked: DetectionRule;
  /** Of a rule in the kernel: whose packets raise no alert. */
  readonly suppress?: readonly Suppression[];
}

/** Rules that are kept; then all are given up, and made again as they are asked for. */
const MAX_KEPT = 1024;

export class KnownRules {
  readonly #infos: List<RuleInfo>;
  readonly #suppressed: Compilation['suppressed'];
  readonly #positions: Uint32Array;
  readonly #text: boolean;
  readonly #known = new Map<number, KnownRule>();

  /**
   * @param positions indices of rules by their position in the kernel table
   * @param text whether detections show the rule's text
   */
  constructor(infos: List<RuleInfo>, suppressed: Compilation['suppressed'], positions: Uint32Array, text = true) {
    this.#text = text;
    this.#infos = infos;
    this.#suppressed = suppressed;
    this.#positions = positions;
  }

  get length(): number {
    return this.#infos.length;
  }

  at(index: number): KnownRule | undefined {
    const known = this.#known.get(index);
    if (known) return known;
    const info = this.#infos.at(index);
    if (!info) return undefined;
    const suppress = this.#suppressed.get(index);
    const rule: KnownRule = {
      index,
      info,
      allowed: ruleOf(info, false, this.#text),
      blocked: ruleOf(info, true, this.#text),
      ...(suppress ? { suppress } : {}),
    };
    if (this.#known.size >= MAX_KEPT) this.#known.clear();
    this.#known.set(index, rule);
    return rule;
  }

  /** Index of the rule at a position of the kernel table. */
  indexAt(position: number): number | undefined {
    return this.#positions[position];
  }

  atPosition(position: number): KnownRule | undefined {
    const index = this.indexAt(position);
    return index === undefined ? undefined : this.at(index);
  }
}
