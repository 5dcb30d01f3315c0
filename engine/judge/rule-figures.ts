// SPDX-License-Identifier: Apache-2.0
// Counts of the rules that the engine judges, in memory that the reader writes and the main thread reads.

import { profileColumns, RuleProfile, type ProfileColumns } from '../../rules/index.js';

/** As the kernel counts for its rules; `lost` does not happen here. */
export interface RuleFigure {
  readonly matched: number;
  readonly events: number;
  readonly suppressed: number;
  readonly silenced: number;
}

const fields = ['matched', 'events', 'suppressed', 'silenced'] as const;

export class RuleFigures {
  readonly #cells: Float64Array;
  /** How often the rules were asked and what that cost, in the same memory. */
  readonly profile: RuleProfile;

  /** @param buffer of another thread's figures; without one they begin at zero. */
  constructor(rules: number, buffer = new SharedArrayBuffer(8 * (fields.length + profileColumns.length) * rules)) {
    this.#cells = new Float64Array(buffer, 0, fields.length * rules);
    const columns = profileColumns.map((name, n) => {
      return [name, new Float64Array(buffer, 8 * (fields.length + n) * rules, rules)] as const;
    });
    this.profile = new RuleProfile(Object.fromEntries(columns) as unknown as ProfileColumns);
  }

  get buffer(): SharedArrayBuffer {
    return this.#cells.buffer as SharedArrayBuffer;
  }

  count(rule: number, field: (typeof fields)[number]): void {
    const at = rule * fields.length + fields.indexOf(field);
    this.#cells[at] = (this.#cells[at] ?? 0) + 1;
  }

  suppressed(rule: number): number {
    return this.#cells[rule * fields.length + fields.indexOf('suppressed')] ?? 0;
  }

  read(rule: number): RuleFigure {
    const [matched = 0, events = 0, suppressed = 0, silenced = 0] = this.#cells.subarray(rule * fields.length);
    return { matched, events, suppressed, silenced };
  }
}
