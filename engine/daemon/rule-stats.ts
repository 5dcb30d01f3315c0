// SPDX-License-Identifier: Apache-2.0
// What rules cost and what came of it, since their set was loaded or somebody began to count anew.

import type { ProfileColumns } from '../../rules/index.js';
import type { RuleRecord } from '../api/api.js';
import type { RuleStats, RuleStatsBy, RuleStatsRequest, RuleStatsRow, RuleWork } from '../api/rule-stats-api.js';

/** The rules in force and their figures as they are now. */
export interface CountedRules {
  readonly generation: number;
  readonly loadedAt: string;
  readonly records: readonly RuleRecord[];
  readonly profile: ProfileColumns;
}

/** What was counted before somebody began anew. */
interface Before {
  readonly generation: number;
  readonly since: string;
  readonly counts: readonly { readonly matched: number; readonly events: number }[];
  readonly profile: Pick<ProfileColumns, 'checks' | 'timed' | 'time'>;
}

const US = 1000;
const rounded = (us: number): number => Math.round(us * US) / US;

/** Sorted by it, the largest first. */
const figures: Readonly<Record<RuleStatsBy, (row: RuleStatsRow) => number>> = {
  time: ({ timeUs = -1 }) => timeUs,
  average: ({ averageUs = -1 }) => averageUs,
  longest: ({ longestUs = -1 }) => longestUs,
  checks: ({ checks = -1 }) => checks,
  matches: ({ matches }) => matches,
  alerts: ({ alerts }) => alerts,
};

export class RuleStatsView {
  #before: Before | undefined;

  /** Begins to count anew. */
  reset({ generation, records, profile }: CountedRules): void {
    const { checks, timed, time, longest } = profile;
    const kept = { checks: checks.slice(), timed: timed.slice(), time: time.slice() };
    // A maximum has no difference. The reader may be about to write a larger one: that is of just now, then.
    longest.fill(0);
    const counts = records.map(({ counts: { matched, events } }) => ({ matched, events }));
    this.#before = { generation, since: new Date().toISOString(), counts, profile: kept };
  }

  stats(now: CountedRules, { by, limit }: RuleStatsRequest): RuleStats {
    const before = this.#before?.generation === now.generation ? this.#before : undefined;
    const rows = now.records.map((record, index) => rowOf(record, index, now.profile, before));
    const total = rows.reduce<RuleWork>(
      (sum, { checks = 0, matches, alerts, timeUs = 0 }) => ({
        checks: sum.checks + checks,
        matches: sum.matches + matches,
        alerts: sum.alerts + alerts,
        timeUs: sum.timeUs + timeUs,
      }),
      { checks: 0, matches: 0, alerts: 0, timeUs: 0 },
    );
    const busy = rows.filter(({ checks = 0, matches }) => checks + matches > 0);
    const figure = figures[by];
    busy.sort((a, b) => figure(b) - figure(a) || figures.checks(b) - figures.checks(a) || b.matches - a.matches);
    return {
      generation: now.generation,
      since: before?.since ?? now.loadedAt,
      total: { ...total, timeUs: rounded(total.timeUs) },
      top: busy.slice(0, limit).map((row) => withShare(row, total.timeUs)),
    };
  }
}

function rowOf(record: RuleRecord, index: number, profile: ProfileColumns, before: Before | undefined): RuleStatsRow {
  const { sid, gid, rev, msg, action, placement, counts } = record;
  const since = (column: 'checks' | 'timed' | 'time'): number =>
    (profile[column][index] ?? 0) - (before?.profile[column][index] ?? 0);
  const checks = since('checks');
  const timed = since('timed');
  const average = (since('time') / timed) * US;
  return {
    ...{ sid, gid, rev, msg, action, placement },
    // A message rule of the kernel is the engine's as well: of messages that the kernel could not read to their end.
    ...(placement === 'engine' || checks > 0 ? { checks } : {}),
    matches: counts.matched - (before?.counts[index]?.matched ?? 0),
    alerts: counts.events - (before?.counts[index]?.events ?? 0),
    ...(timed > 0
      ? { timeUs: average * checks, averageUs: average, longestUs: (profile.longest[index] ?? 0) * US }
      : {}),
  };
}

function withShare(row: RuleStatsRow, allUs: number): RuleStatsRow {
  const { timeUs, averageUs = 0, longestUs = 0, ...rest } = row;
  if (timeUs === undefined) return row;
  const share = allUs === 0 ? 0 : Math.round((timeUs / allUs) * 1e6) / 1e6;
  return {
    ...{ ...rest, timeUs: rounded(timeUs), share },
    ...{ averageUs: rounded(averageUs), longestUs: rounded(longestUs) },
  };
}
