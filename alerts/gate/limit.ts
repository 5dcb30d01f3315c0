// SPDX-License-Identifier: Apache-2.0
// So many records in so much time; what is beyond is held back, and told.

import type { LimitConfig } from '../config/gate.js';
import { engineRecord } from '../engine-record.js';
import type { Detection } from '../model.js';

export class Limit {
  readonly #config: LimitConfig;
  readonly #name: string;
  #tokens: number;
  #filled = 0;
  #held = 0;
  #since = 0;

  /** @param name of the output */
  constructor(config: LimitConfig, name: string) {
    this.#config = config;
    this.#name = name;
    this.#tokens = config.records;
  }

  /** True if there is room for a record. Times in milliseconds. */
  pass(now: number): boolean {
    const { records, per } = this.#config;
    this.#tokens = Math.min(records, this.#tokens + (Math.max(0, now - this.#filled) * records) / per);
    this.#filled = now;
    if (this.#tokens >= 1) {
      this.#tokens--;
      return true;
    }
    if (this.#held++ === 0) this.#since = now;
    return false;
  }

  /** What was held back, once in the time of the limit, or now. */
  due(now: number, all = false): Detection[] {
    const held = this.#held;
    if (held === 0 || (!all && now - this.#since < this.#config.per)) return [];
    this.#held = 0;
    const since = new Date(this.#since).toISOString();
    const record = engineRecord({
      timeUs: now * 1000,
      level: 'Warning',
      module: 'outputs',
      reason: 'output-rate-limit',
      message: `output ${this.#name}: ${held} records were held back by its rate limit since ${since}`,
    });
    return [{ ...record, count: held }];
  }
}
