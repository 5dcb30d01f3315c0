// SPDX-License-Identifier: Apache-2.0
// What a rate bound held back: one record a second and rule carries the exact count.

import type { Detection, Told } from '../../alerts/index.js';
import type { HeldBack } from './rule-sets.js';

interface Tally {
  suppressed: number;
  /** Microseconds since the epoch. */
  at: number;
}

export class Suppression {
  /** The last full record of each rule: the summary says whose flood it was most recently. Bounded by the rules. */
  readonly #samples = new Map<string, Told>();
  readonly #told = new Map<string, Tally>();
  #generation = 0;
  /** Something was held back of which no full record has come by yet: it is told when there is one. */
  behind = false;

  /** Remembers records as samples. */
  note(records: readonly Told[]): void {
    for (const record of records) {
      if (record.kind === 'alert' && record.rule !== undefined) this.#samples.set(record.rule, record);
    }
  }

  /** Summaries of what was held back since the last call. */
  tell(generation: number, rules: readonly HeldBack[], nowUs: number): Detection[] {
    if (generation !== this.#generation) this.#told.clear();
    this.#generation = generation;
    this.behind = false;
    const summaries: Detection[] = [];
    for (const { rule, suppressed } of rules) {
      const key = `${rule.gid}:${rule.sid}`;
      const told = this.#told.get(key) ?? { suppressed: 0, at: nowUs - 1_000_000 };
      const sample = this.#samples.get(key);
      const matched = suppressed - told.suppressed;
      if (matched > 0 && !sample) this.behind = true;
      if (matched <= 0 || !sample) continue;
      summaries.push({ ...sample.detection, timeUs: nowUs, suppressed: { matched, since: told.at, until: nowUs } });
      this.#told.set(key, { suppressed, at: nowUs });
    }
    return summaries;
  }
}
