// SPDX-License-Identifier: Apache-2.0
// How often rules were asked, and what that cost: every check is counted, and of one message in SAMPLED each is timed.

/** Of so many messages one is timed, on average. */
export const SAMPLED = 64;

/** Columns by index into Compilation.rules; they may lie in memory that another thread reads. */
export interface ProfileColumns {
  /** Messages and segments on which the rule was asked: what the literals and the kind of message left over. */
  readonly checks: Float64Array;
  /** Checks that were timed, and the milliseconds that they took, all and the longest. */
  readonly timed: Float64Array;
  readonly time: Float64Array;
  readonly longest: Float64Array;
}

export const profileColumns = ['checks', 'timed', 'time', 'longest'] as const satisfies (keyof ProfileColumns)[];

export class RuleProfile {
  readonly columns: ProfileColumns;
  /** Messages until one is timed: from 1 to 2 * SAMPLED - 1, so that traffic in a rhythm is sampled evenly. */
  #until = 1;
  #random = 0x9e3779b9;
  #from = 0;

  constructor(columns: ProfileColumns) {
    this.columns = columns;
  }

  /** A message is judged. True if its checks are to be timed. */
  begin(): boolean {
    if (--this.#until > 0) return false;
    // xorshift32
    this.#random ^= this.#random << 13;
    this.#random ^= this.#random >>> 17;
    this.#random ^= this.#random << 5;
    this.#until = 1 + ((this.#random >>> 0) % (2 * SAMPLED - 1));
    return true;
  }

  /** The rule is asked. */
  check(rule: number, timed: boolean): void {
    const { checks } = this.columns;
    checks[rule] = (checks[rule] as number) + 1;
    if (timed) this.#from = performance.now();
  }

  /** The rule, asked on a message that is timed, has answered. */
  answered(rule: number): void {
    const took = performance.now() - this.#from;
    const { timed, time, longest } = this.columns;
    timed[rule] = (timed[rule] as number) + 1;
    time[rule] = (time[rule] as number) + took;
    if (took > (longest[rule] as number)) longest[rule] = took;
  }
}

/** A profile that nobody else reads. @param rules so many have room */
export function newProfile(rules: number): RuleProfile {
  const column = (): Float64Array => new Float64Array(rules);
  return new RuleProfile({ checks: column(), timed: column(), time: column(), longest: column() });
}
