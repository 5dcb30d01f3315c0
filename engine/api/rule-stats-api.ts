// SPDX-License-Identifier: Apache-2.0
// What rules cost and what came of it, on the control socket.

export const ruleStatsBy = ['time', 'average', 'longest', 'checks', 'matches', 'alerts'] as const;
export type RuleStatsBy = (typeof ruleStatsBy)[number];

export interface RuleStatsRequest {
  readonly by: RuleStatsBy;
  readonly limit: number;
}

/** Sums over all rules of the set, or those of one. */
export interface RuleWork {
  /** Messages, segments and packets on which rules were asked. */
  readonly checks: number;
  readonly matches: number;
  readonly alerts: number;
  /** Microseconds that the checks took: what those that were timed took on average, times all of them. */
  readonly timeUs: number;
}

export interface RuleStatsRow extends Omit<RuleWork, 'checks' | 'timeUs'> {
  readonly sid: number;
  readonly gid: number;
  readonly rev: number;
  readonly msg: string;
  readonly action: string;
  readonly placement: string;
  /** Not there for rules that only the kernel judges: it looks for all of them at once. */
  readonly checks?: number;
  /** Not there until a check was timed. Microseconds, `share` from 0 to 1 of what all rules took. */
  readonly timeUs?: number;
  readonly share?: number;
  readonly averageUs?: number;
  readonly longestUs?: number;
}

export interface RuleStats {
  readonly generation: number;
  /** When counting began: the set was loaded, or somebody reset it. ISO 8601. */
  readonly since: string;
  readonly total: RuleWork;
  /** Rules that were checked or matched, the first of them in the order that was asked for. */
  readonly top: readonly RuleStatsRow[];
}
