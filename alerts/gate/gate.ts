// SPDX-License-Identifier: Apache-2.0
// What stands before an output: its filter, the collapse of repeats, its rate limit.

import type { CollapseConfig, FilterConfig, LimitConfig } from '../config/gate.js';
import type { Detection } from '../model.js';
import type { Told } from '../told.js';
import { Collapse } from './collapse.js';
import { filterOf } from './filter.js';
import { Limit } from './limit.js';

export interface GateConfig {
  readonly name: string;
  readonly filter: FilterConfig;
  readonly collapse?: CollapseConfig | undefined;
  readonly limit?: LimitConfig | undefined;
}

export class Gate {
  /** Whether the output takes such a record at all. */
  readonly takes: (told: Told) => boolean;
  readonly #collapse: Collapse | undefined;
  readonly #limit: Limit | undefined;

  constructor({ name, filter, collapse, limit }: GateConfig) {
    const wants = filterOf(filter);
    this.takes = wants ? ({ detection }) => wants(detection) : () => true;
    this.#collapse = collapse && new Collapse(collapse);
    this.#limit = limit && new Limit(limit, name);
  }

  /** False if a record that it takes is held back. */
  pass(told: Told, now: number): boolean {
    return (this.#collapse?.pass(told.detection, now) ?? true) && (this.#limit?.pass(now) ?? true);
  }

  /** Records that tell what was held back and is to be told now; with `all` whatever there is. */
  due(now: number, all = false): Detection[] {
    return [...(this.#collapse?.due(now, all) ?? []), ...(this.#limit?.due(now, all) ?? [])];
  }
}
