// SPDX-License-Identifier: Apache-2.0
// What layer 7 costs a web server: nginx and wrk over a veth pair, beside a program that only returns XDP_PASS, on kept
// connections and with a new one for each request; and how long it takes from a request to its alert in the file.

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inNetns, undoAfter } from '../test/helpers/privileged.js';
import { etopenFiles } from './etopen.js';
import { Lane, type LaneSetup } from './http-lane.js';
import { median, percentile, print, type Row } from './report.js';

const ROUNDS = Number(process.env['IDS_BENCH_ROUNDS'] ?? 5);
const SECONDS = 3;
const ALERTS = 100;

/** `count` rules on User-Agents that nobody in this benchmark has, but for the first. */
function agentRules(count: number): string {
  return Array.from({ length: count }, (_, i) => {
    const agent = i === 0 ? 'BenchScanner' : `BadBot${(i * 7919).toString(36)}/${i % 10}.${i % 7}`;
    return `alert http any any -> any any (msg:"agent ${i}"; http.user_agent; content:"${agent}"; nocase; sid:${i + 1};)`;
  }).join('\n');
}

const logged = {
  layer7: { log: { http: {} } },
  outputs: [{ type: 'file', path: '', events: ['alert', 'drop', 'http'] }],
};

function setups(base: string): LaneSetup[] {
  const files = etopenFiles();
  const withLog = (name: string): Record<string, unknown> => ({
    ...logged,
    outputs: logged.outputs.map((output) => ({ ...output, path: join(base, name, 'eve.json') })),
  });
  return [
    { name: 'pass' },
    { name: 'rules-10', rules: agentRules(10) },
    { name: 'rules-2000', rules: agentRules(2000) },
    { name: 'log-10', rules: agentRules(10), config: withLog('log-10') },
    { name: 'log-2000', rules: agentRules(2000), config: withLog('log-2000') },
    ...(files === undefined ? [] : [{ name: 'etopen', files }]),
  ];
}

const titles: Readonly<Record<string, string>> = {
  pass: 'a program that only returns XDP_PASS',
  'rules-10': 'ids, 10 User-Agent rules and alerts',
  'rules-2000': 'ids, 2,000 User-Agent rules and alerts',
  'log-10': 'ids, 10 rules, every request and response logged',
  'log-2000': 'ids, 2,000 rules, every request and response logged',
  etopen: 'ids, the whole Emerging Threats set and alerts',
};

/** Milliseconds from a request that a rule names to its record in the file, on an idle server. */
async function alertLatencies(lane: Lane): Promise<number[]> {
  const eve = join(lane.folder, 'eve.json');
  const size = (): number => statSync(eve, { throwIfNoEntry: false })?.size ?? 0;
  const script = new URL('./http-prober.js', import.meta.url).pathname;
  const { stdout } = await inNetns(
    lane.attacker.netns,
    process.execPath,
    [script, lane.victim.ipv4, eve, String(ALERTS)],
    { deadline: 120_000 },
  );
  return size() === 0 ? [] : (JSON.parse(stdout) as number[]);
}

interface Measured {
  readonly kept: number[];
  readonly fresh: number[];
  requests: number;
  failed: number;
}

export async function benchHttp(): Promise<void> {
  const closers: (() => void | Promise<void>)[] = [];
  const t = { teardown: (closer: () => void | Promise<void>) => closers.push(closer) };
  try {
    const base = mkdtempSync(join(tmpdir(), 'ids-bench-http-'));
    undoAfter(t, () => rmSync(base, { recursive: true, force: true }));
    const wanted = process.env['IDS_BENCH_LANES']?.split(',');
    const lanes: Lane[] = [];
    for (const setup of setups(base)) {
      if (wanted && !wanted.includes(setup.name) && setup.name !== 'pass') continue;
      lanes.push(await Lane.open(t, base, setup));
    }
    const figures = new Map(
      lanes.map(({ name }): [string, Measured] => [name, { kept: [], fresh: [], requests: 0, failed: 0 }]),
    );
    for (const lane of lanes) {
      await lane.ready();
      await lane.load(1, false);
    }
    const logStart = new Map<string, number>();
    for (const lane of lanes) logStart.set(lane.name, await lane.countLines('"event_type":"http"'));
    for (let round = 0; round < ROUNDS; round++) {
      for (const close of [false, true]) {
        for (const lane of lanes) {
          const { rate, requests, failed } = await lane.load(SECONDS, close);
          const measured = figures.get(lane.name);
          measured?.[close ? 'fresh' : 'kept'].push(rate);
          if (measured) {
            measured.requests += requests;
            measured.failed += failed;
          }
        }
      }
    }
    const floor = figures.get('pass');
    const row = (name: string, { kept, fresh }: Measured): Row => {
      const of = (values: readonly number[], base_: readonly number[] = []): string =>
        `${(median(values.map((value, i) => value / (base_[i] ?? NaN))) * 100).toFixed(1)} %`;
      return {
        what: titles[name] ?? name,
        figure: `${Math.round(median(kept))} and ${Math.round(median(fresh))} requests/s`,
        ratio: `${of(kept, floor?.kept)} and ${of(fresh, floor?.fresh)}`,
      };
    };
    print(
      'nginx and wrk on two cores, kept connections and a new one each; relative to XDP_PASS',
      [...figures].map(([name, measured]) => row(name, measured)),
    );
    await account(lanes, figures, logStart);
  } finally {
    for (const closer of closers.reverse()) await closer();
  }
}

/** What was lost, what was logged, and how soon an alert is there. */
async function account(
  lanes: readonly Lane[],
  figures: ReadonlyMap<string, Measured>,
  logStart: ReadonlyMap<string, number>,
): Promise<void> {
  const rows: Row[] = [];
  for (const lane of lanes) {
    if (lane.name === 'pass') continue;
    const status = await lane.status();
    const lost = status.accounts.map(({ stage, lost: count }) => `${stage} ${count}`).join(', ');
    rows.push({ what: `${lane.name}: lost by stage`, figure: lost });
    const { prefilter_kept: kept = 0, prefilter_passed: passed = 0 } = status.stats;
    if (kept + passed > 0) {
      const share = ((100 * passed) / (kept + passed)).toFixed(1);
      rows.push({
        what: `${lane.name}: header sections kept back, handed over`,
        figure: `${kept}, ${passed} (${share} %)`,
      });
    }
    if (lane.name.startsWith('log')) {
      const lines = (await lane.countLines('"event_type":"http"')) - (logStart.get(lane.name) ?? 0);
      rows.push({
        what: `${lane.name}: requests, and http records`,
        figure: `${figures.get(lane.name)?.requests ?? 0} and ${lines}`,
      });
    }
  }
  const alerted = lanes.find(({ name }) => name === 'rules-10');
  if (alerted) {
    const values = await alertLatencies(alerted);
    const ms = (share: number): string => `${percentile(values, share).toFixed(2)} ms`;
    rows.push({
      what: `request to alert in the file, median of ${values.length}, and 99 of 100`,
      figure: `${ms(0.5)} and ${ms(0.99)}`,
    });
  }
  print('The same run', rows);
}
