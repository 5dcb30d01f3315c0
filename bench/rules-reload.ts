// SPDX-License-Identifier: Apache-2.0
// How long a reload of 2,000 header rules takes until packets are judged by it. Probes go on meanwhile: each set drops one
// of two ports, so that those that arrive tell which set judged them, and whether any came between two sets.

import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { run, twoHosts } from '../test/helpers/privileged.js';
import { TestDaemon } from '../test/live/support/daemon.js';
import { acquaint } from '../test/live/support/traffic.js';
import { LiveProcess } from './live-process.js';
import { median, print } from './report.js';
import { headerRules } from './rules.js';

const RULES = 2000;
const ROUNDS = 8;
const FLOOR_MS = 300;
/** Between two loads: nothing of the one before goes on. */
const SETTLE_MS = 2500;
/** Where the probes go, by turns: which of them arrive tells the set in force. */
const PROBE_PORTS = ['7001', '7002'] as const;
const NETWORK = '10.99';

interface Load {
  readonly way: 'api' | 'cli';
  /** Place in PROBE_PORTS of the port that the new set drops. */
  readonly drops: number;
  readonly begin: bigint;
  readonly end: bigint;
}

/** 2,000 rules, of which the last one drops the probes of a port. */
function ruleSet(drops: number): string {
  return `${headerRules(RULES - 1)}\ndrop udp any any -> any ${PROBE_PORTS[drops]} (msg:"probe"; sid:1;)\n`;
}

/** Milliseconds until the first probe that the new set judged was sent, and the probes that show another order. */
function inForce(
  { drops, begin, end }: Load,
  probes: readonly Probe[],
): { readonly ms: number; readonly mixed: number } {
  const around = probes.filter(({ sent }) => sent > begin - 200_000_000n && sent < end + 200_000_000n);
  const first = around.find(({ number }) => number % 2 !== drops);
  if (!first) throw new Error('the new rule set has judged no probe');
  const mixed = around.filter(({ number }) => number > first.number && number % 2 === drops).length;
  return { ms: Number(first.sent - begin) / 1e6, mixed };
}

interface Probe {
  readonly number: number;
  readonly sent: bigint;
}

async function loadAll(daemon: TestDaemon): Promise<Load[]> {
  const loads: Load[] = [];
  // The first four loads warm up.
  for (let round = -4; round < 2 * ROUNDS; round++) {
    const drops = round & 1;
    const way = ((round >> 1) & 1) === 0 ? 'api' : 'cli';
    const file = daemon.file('set.rules', ruleSet(drops));
    const sources = [{ file, text: ruleSet(drops) }];
    await pause(SETTLE_MS);
    const begin = process.hrtime.bigint();
    if (way === 'api') await daemon.api.loadRules({ sources, strict: true });
    else await daemon.ids('rules', 'load', '--strict', file);
    if (round >= 0) loads.push({ way, drops, begin, end: process.hrtime.bigint() });
  }
  await pause(500);
  return loads;
}

export async function benchRulesReload(): Promise<void> {
  const closers: (() => void | Promise<void>)[] = [];
  const t = { teardown: (closer: () => void | Promise<void>) => closers.push(closer) };
  try {
    const { victim, attacker } = await twoHosts(t);
    await run('ip', ['-n', victim.netns, 'route', 'add', 'local', `${NETWORK}.0.0/16`, 'dev', 'lo']);
    await run('ip', ['-n', attacker.netns, 'route', 'add', `${NETWORK}.0.0/16`, 'via', victim.ipv4]);
    await acquaint(victim, attacker);
    const daemon = await TestDaemon.start(t, victim, { rules: ruleSet(1) });
    const script = new URL('./reload-probe.js', import.meta.url).pathname;
    const file = daemon.file('probes.json', '[]');
    const receiver = LiveProcess.start(t, victim.netns, process.execPath, [script, 'receive', file, ...PROBE_PORTS]);
    await receiver.line(10_000);
    const sender = LiveProcess.start(t, attacker.netns, process.execPath, [script, 'send', NETWORK, ...PROBE_PORTS]);
    await sender.line(10_000);
    const loads = await loadAll(daemon);
    await sender.end();
    await receiver.end();
    const arrived = JSON.parse(readFileSync(file, 'utf8')) as [number: number, sent: string][];
    const probes = arrived.map(([number, sent]): Probe => ({ number, sent: BigInt(sent) }));
    probes.sort((a, b) => a.number - b.number);
    const rows = (['api', 'cli'] as const).map((way) => {
      const found = loads.filter((load) => load.way === way).map((load) => ({ load, ...inForce(load, probes) }));
      const times = found.map(({ ms }) => ms);
      const answered = median(found.map(({ load: { begin, end } }) => Number(end - begin) / 1e6));
      const mixed = found.reduce((sum, one) => sum + one.mixed, 0);
      const figure = `${median(times).toFixed(0)} ms, at most ${Math.max(...times).toFixed(0)} ms`;
      const ratio = `${(median(times) / FLOOR_MS).toFixed(2)} of ${FLOOR_MS} ms; answered after ${answered.toFixed(0)} ms; ${mixed} of ${probes.length} probes judged by the set before afterwards`;
      return {
        what: way === 'api' ? 'through the control socket' : '`ids rules load`, its start included',
        figure,
        ratio,
      };
    });
    print(
      `A reload of ${RULES.toLocaleString('en-US')} header rules until packets are judged by it, median of ${ROUNDS}`,
      rows,
    );
    await daemon.cli('stop', '--detach');
  } finally {
    for (const closer of closers.reverse()) await closer();
  }
}
