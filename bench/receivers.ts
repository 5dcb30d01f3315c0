// SPDX-License-Identifier: Apache-2.0
// What receivers of alerts do to the packet path: the same load with a webhook and a syslog receiver that are well, dead, a
// black hole, slow or failing, in alternating rounds.

import { countRuns } from '../engine/bpf/index.js';
import { twoHosts } from '../test/helpers/privileged.js';
import { acquaint, addAddresses } from '../test/live/support/traffic.js';
import { LISTED, measure, RATES, sources, type Manner, WINDOW_MS, WINDOWS, type Measured } from './receivers-run.js';
import { median, percentile, print, type Row } from './report.js';

const ROUNDS = 5;

const manners: Readonly<Record<Manner, string>> = {
  well: 'healthy',
  dead: 'dead: refuses connections',
  hole: 'black hole: accepts, never reads',
  slow: 'slow: reads 128 KiB/s',
  fails: 'answers 500, or hangs up',
};
const all = Object.keys(manners) as Manner[];

/** The median over rounds of a figure as a multiple of that of the healthy ones in the same round. */
function relative(mine: readonly Measured[], healthy: readonly Measured[], of: (one: Measured) => number): string {
  return median(mine.map((one, round) => of(one) / of(healthy[round] ?? one))).toFixed(2);
}

function speeds(what: string, mine: readonly Measured[], healthy: readonly Measured[]): Row {
  const latencies = mine.flatMap((one) => one.latencies);
  const ms = (share: number): string => `${percentile(latencies, share).toFixed(2)} ms`;
  const figure = `${median(mine.map(({ ns }) => ns)).toFixed(0)} ns; ${ms(0.5)}, 90 of 100 ${ms(0.9)}`;
  if (mine === healthy) return { what, figure };
  const packet = relative(mine, healthy, ({ ns }) => ns);
  const drop = relative(mine, healthy, (one) => percentile(one.latencies, 0.5));
  return { what, figure, ratio: `${packet}; ${drop}` };
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
