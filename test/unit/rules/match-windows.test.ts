// SPDX-License-Identifier: Apache-2.0
// Thresholds of the engine: what Suricata 8 does with each type, and that an attacker cannot fill the table.

import t from 'tap';
import { Action, Threshold, Track, Unique } from '../../../common/abi.gen.js';
import type { EngineThreshold } from '../../../rules/match/program.js';
import { ThresholdTable, type PacketTuple } from '../../../rules/match/windows.js';

const A: PacketTuple = { src: 1n, dst: 2n, sport: 1000, dport: 80, proto: 6 };
const BACK: PacketTuple = { src: 2n, dst: 1n, sport: 80, dport: 1000, proto: 6 };

function spec(o: Partial<EngineThreshold>): EngineThreshold {
  return {
    name: 'r',
    type: Threshold.LIMIT,
    track: Track.SRC,
    unique: Unique.NONE,
    count: 2,
    seconds: 10,
    multiplier: 1,
    ...o,
  };
}

/** Outcomes of matches at these seconds, by their first letter. */
function run(one: EngineThreshold, seconds: readonly number[], packet = A, table = new ThresholdTable()): string {
  return seconds.map((at) => table.check(one, packet, at * 1e9).outcome[0]).join('');
}

t.test('types', async (t) => {
  const cases: [string, Partial<EngineThreshold>, number[], string][] = [
    ['limit alerts the first ones of a window', { type: Threshold.LIMIT }, [0, 1, 2, 10, 10.1, 11], 'aassaa'],
    ['threshold alerts every Nth', { type: Threshold.THRESHOLD, count: 3 }, [0, 1, 2, 3, 4, 5], 'nnanna'],
    ['threshold forgets after its window', { type: Threshold.THRESHOLD, count: 3 }, [0, 1, 11, 12, 13], 'nnnna'],
    ['threshold of one always alerts', { type: Threshold.THRESHOLD, count: 1 }, [0, 1, 50], 'aaa'],
    ['both alerts once a window', { type: Threshold.BOTH }, [0, 1, 2, 3, 11, 12, 13], 'nassnas'],
    ['both of one', { type: Threshold.BOTH, count: 1 }, [0, 1, 11], 'asa'],
    ['detection_filter starts behind the count', { type: Threshold.DETECTION }, [0, 1, 2, 3, 14, 15, 16], 'nnaanna'],
    ['the last second belongs to the window', { type: Threshold.DETECTION, count: 1 }, [0, 10, 20.5, 30.5], 'nana'],
    ['backoff', { type: Threshold.BACKOFF, count: 1, multiplier: 3 }, [0, 1, 2, 3, 4, 5, 6, 7, 8, 900], 'asasssssas'],
    ['backoff from two', { type: Threshold.BACKOFF, count: 2, multiplier: 2 }, [0, 1, 2, 3, 4, 5, 6, 7], 'nasasssa'],
  ];
  for (const [name, o, times, outcome] of cases) t.equal(run(spec(o), times), outcome, name);
});

t.test('a rate filter is in force for whole seconds, and what ends it is not counted', async (t) => {
  const rated = (count: number, seconds: number, timeout: number): Partial<EngineThreshold> => ({
    ...{ type: Threshold.RATE, count, seconds, rate: { action: Action.DROP, timeout } },
  });
  const cases: [string, Partial<EngineThreshold>, number[], string][] = [
    ['from the match behind the count on', rated(2, 10, 100), [0, 1, 2, 3, 50], 'aarrr'],
    ['a window that is over', rated(2, 10, 100), [0, 1, 10.5, 11, 12], 'aaaar'],
    ['and its end', rated(1, 10, 5), [0, 10, 15.9, 16, 17, 18], 'arraar'],
    ['a window that is still open', rated(1, 60, 5), [0, 1, 7, 8, 14, 61], 'araraa'],
    ['no time at all', rated(1, 60, 0), [0, 1.2, 1.9, 2, 3], 'arrar'],
  ];
  for (const [name, o, times, outcome] of cases) t.equal(run(spec(o), times), outcome, name);
});

t.test('tracks', async (t) => {
  const outcome = (track: Track, packet: PacketTuple): string => {
    const table = new ThresholdTable();
    const one = spec({ type: Threshold.DETECTION, count: 1, track });
    return run(one, [0], A, table) + run(one, [1], packet, table);
  };
  t.equal(outcome(Track.SRC, { ...A, dst: 9n }), 'na');
  t.equal(outcome(Track.SRC, { ...A, src: 9n }), 'nn');
  t.equal(outcome(Track.DST, { ...A, src: 9n }), 'na');
  t.equal(outcome(Track.DST, BACK), 'nn');
  t.equal(outcome(Track.BOTH, BACK), 'na', 'either direction');
  t.equal(outcome(Track.BOTH, { ...A, dst: 9n }), 'nn');
  t.equal(outcome(Track.RULE, { ...A, src: 7n, dst: 9n }), 'na');
  t.equal(outcome(Track.FLOW, BACK), 'na', 'either direction of a flow');
  t.equal(outcome(Track.FLOW, { ...A, sport: 1001 }), 'nn');
});

t.test('distinct values', async (t) => {
  const table = new ThresholdTable();
  const one = spec({ type: Threshold.DETECTION, count: 3, unique: Unique.DST_PORT });
  const ports = (list: number[], at: number): string =>
    list.map((dport) => run(one, [at], { ...A, dport }, table)).join('');
  t.equal(ports([1, 1, 1, 2, 2, 3, 3, 4, 4, 1], 0), 'nnnnnnnaaa', 'beyond three different ports');
  t.equal(ports([1, 2, 3, 4], 11), 'nnna', 'anew in the next window');
  t.equal(table.stats.values, 4);
});

t.test('the table is bounded and evicts from the rule that fills it', async (t) => {
  const table = new ThresholdTable({ windows: 100, values: 50 });
  const quiet = spec({ name: 'quiet', type: Threshold.DETECTION, count: 1 });
  const flooded = spec({ name: 'flooded' });
  t.equal(run(quiet, [0], A, table), 'n');
  for (let i = 0; i < 1000; i++) run(flooded, [1], { ...A, src: BigInt(i + 10) }, table);
  t.equal(table.stats.windows, 100);
  t.equal(table.stats.evicted, 901);
  t.equal(run(quiet, [2], A, table), 'a', 'another rule still counts');
  const wide = spec({ name: 'wide', type: Threshold.DETECTION, count: 1000, unique: Unique.SRC_PORT });
  for (let i = 0; i < 500; i++) run(wide, [3], { ...A, src: BigInt(i % 10), sport: i }, table);
  t.ok(table.stats.values <= 50 + 10, `${table.stats.values} values`);
});
