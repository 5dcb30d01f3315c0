// SPDX-License-Identifier: Apache-2.0
// What receivers of alerts do to the packet path: the same load with a webhook and a syslog receiver that are well, dead, a
// black hole, slow or failing, in alternating rounds.

import { countRuns } from '../engine/bpf/index.js';
import { twoHosts } from '../test/helpers/privileged.js';
import { acquaint, addAddresses } from '../test/live/support/traffic.js';
import { LISTED, measure, RATES, sources, type Manner, WINDOW_MS, WINDOWS, type Measured } from './receivers-run.js';
import { percentile, print, type Row } from './report.js';

const ROUNDS = 4;

const manners: Readonly<Record<Manner, string>> = {
  well: 'healthy',
  dead: 'dead: refuses connections',
  hole: 'black hole: accepts, never reads',
  slow: 'slow: reads 128 KiB/s',
  fails: 'answers 500, or hangs up',
};
const all = Object.keys(manners) as Manner[];

/** Of all rounds together. */
function speedOf(rounds: readonly Measured[]): { ns: number; ms: number; late: number } {
  const windows = rounds.flatMap(({ times }) => times);
  const latencies = rounds.flatMap((one) => one.latencies);
  // A quarter of the windows was disturbed less than this.
  return { ns: percentile(windows, 0.25), ms: percentile(latencies, 0.5), late: percentile(latencies, 0.9) };
}

function speeds(what: string, mine: readonly Measured[], healthy: readonly Measured[]): Row {
  const { ns, ms, late } = speedOf(mine);
  const figure = `${ns.toFixed(0)} ns; ${ms.toFixed(2)} ms, 90 of 100 ${late.toFixed(2)} ms`;
  if (mine === healthy) return { what, figure };
  const beside = speedOf(healthy);
  return { what, figure, ratio: `${(ns / beside.ns).toFixed(2)}; ${(ms / beside.ms).toFixed(2)}` };
}

function accounts(what: string, mine: readonly Measured[]): Row {
  const sum = (of: (one: Measured) => number): string =>
    mine.reduce((total, one) => total + of(one), 0).toLocaleString('en-US');
  const drops = `${sum(({ found }) => found.drops)} of ${sum(({ sent }) => sent.drops)} packets dropped`;
  const alerts = `${sum(({ found }) => found.alerts)} of ${sum(({ sent }) => sent.alerts)} alerts in the file`;
  const waiting = `${sum((one) => one.waiting)} wait`;
  return { what, figure: `${drops}; ${alerts}; ${waiting}`, ratio: `${sum(({ lost }) => lost)} lost` };
}

export async function benchReceivers(): Promise<void> {
  const closers: (() => void | Promise<void>)[] = [];
  const t = { teardown: (closer: () => void | Promise<void>) => closers.push(closer) };
  const counting = countRuns();
  try {
    const hosts = await twoHosts(t);
    await acquaint(hosts.victim, hosts.attacker);
    await addAddresses(hosts.attacker, LISTED, ...sources);
    const found: Record<Manner, Measured[]> = { well: [], dead: [], hole: [], slow: [], fails: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const manner of all) found[manner].push(await measure(t, manner, hosts));
    }
    const load = `${RATES.alerts} alerts and ${RATES.drops} drops a second, ${ROUNDS} rounds of ${(WINDOWS * WINDOW_MS) / 1000} s`;
    print(
      `Receivers and the packet path, ${load}: time of the program a packet; from an offence to the drop of its source. ` +
        'Relative to healthy receivers: program; drop',
      all.map((manner) => speeds(manners[manner], found[manner], found.well)),
    );
    print(
      'What became of packets and alerts, with a file beside those receivers; all accounts close',
      all.map((manner) => accounts(manners[manner], found[manner])),
    );
  } finally {
    counting.close();
    for (const closer of closers.reverse()) await closer();
  }
}
