// SPDX-License-Identifier: Apache-2.0
// One run of the benchmark of receivers: a daemon, receivers of one kind, a steady load of packets to drop and to alert on.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Status } from '../engine/api/api.js';
import { closeFds } from '../engine/bpf/check.js';
import { programRuns } from '../engine/bpf/program-runs.js';
import { inNetns, run, startInNetns, until, type Host } from '../test/helpers/privileged.js';
import type { Teardown } from '../test/helpers/undo.js';
import { TestDaemon, temporaryFolder } from '../test/live/support/daemon.js';
import { LiveProcess } from './live-process.js';
import { openPinned } from './pinned.js';

const WARM_MS = 1000;
/** The program's time is taken over so many windows of so many milliseconds: others on the machine disturb some of them. */
export const WINDOWS = 30;
export const WINDOW_MS = 100;
/** A second. */
export const RATES = { alerts: 1500, drops: 6000 } as const;
const ports = { alerts: 9, drops: 10, http: 7001, lines: 7002 } as const;
export const LISTED = '10.77.0.66';
/** Each commits an offence, once. */
export const sources = Array.from({ length: 20 }, (_, i) => `10.77.0.${i + 100}`);
const sid = { offence: 1, steady: 2 } as const;
const rules = `
alert udp any any -> any 7777 (msg:"offence"; dsize:32; sid:${sid.offence};)
alert udp any any -> any ${ports.alerts} (msg:"steady"; sid:${sid.steady};)
`;

export type Manner = 'well' | 'dead' | 'hole' | 'slow' | 'fails';

export interface Measured {
  /** Nanoseconds a packet of the program, in windows one after the other. */
  readonly times: readonly number[];
  /** Milliseconds from an offence to the first packet that is dropped for it. */
  readonly latencies: readonly number[];
  /** Packets to drop and to alert on that were sent, and those that were dropped, and whose alerts are in the file. */
  readonly sent: { readonly alerts: number; readonly drops: number };
  readonly found: { readonly alerts: number; readonly drops: number };
  /** Events lost in any stage. */
  readonly lost: number;
  /** Alerts that wait for a receiver. */
  readonly waiting: number;
}

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

function configOf(file: string): object {
  const more = { timeout: '2s', retry: { max: '2s' }, events: ['alert'] };
  return {
    outputs: [
      { type: 'file', path: file, events: ['alert'] },
      { type: 'webhook', url: `http://127.0.0.1:${ports.http}/`, ...more },
      { type: 'syslog', transport: 'tcp', framing: 'lf', port: ports.lines, ...more },
    ],
    response: { rules: [{ match: { sid: sid.offence }, block: '1h', trust: 'unproven' }] },
    events: { source_rate: 1_000_000, rule_rate: 1_000_000 },
  };
}

/** The load while `work` runs, and what was sent by its end. */
async function underLoad<T>(
  t: Teardown,
  { victim, attacker }: Hosts,
  work: () => Promise<T>,
): Promise<{ result: T; sent: { alerts: number; drops: number } }> {
  const load = [`${attacker.ipv4}:${ports.alerts}:${RATES.alerts}`, `${LISTED}:${ports.drops}:${RATES.drops}`];
  const words = [script('./mixed-sender.js'), victim.ipv4, ...load];
  const sender = LiveProcess.start(t, attacker.netns, process.execPath, words);
  await sender.line(10_000);
  await sleep(WARM_MS);
  const result = await work();
  const ended = sender.end();
  const [alerts = 0, drops = 0] = JSON.parse(await sender.line(10_000)) as number[];
  await ended;
  return { result, sent: { alerts, drops } };
}

/** Nanoseconds a packet of a program, by window. */
async function timesOf(fd: number): Promise<number[]> {
  const windows: number[] = [];
  for (let before = programRuns('ids_xdp', fd); windows.length < WINDOWS;) {
    await sleep(WINDOW_MS);
    const after = programRuns('ids_xdp', fd);
    if (after.runs > before.runs) windows.push(((after.seconds - before.seconds) / (after.runs - before.runs)) * 1e9);
    before = after;
  }
  return windows;
}

/** Latencies of sources that commit an offence, one after the other. */
async function offend(t: Teardown, { victim, attacker }: Hosts, file: string): Promise<number[]> {
  const probe = script('./response-probe.js');
  const receiver = startInNetns(t, victim.netns, process.execPath, [probe, 'receive', file]);
  await receiver.prints(/ready/);
  await inNetns(attacker.netns, process.execPath, [probe, 'send', victim.ipv4, ...sources], { deadline: 60_000 });
  await receiver.stop();
  const found = JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>;
  return Object.values(found).map((ns) => ns / 1e6);
}

/** @throws Error if an account does not add up: then figures mean nothing */
function mustClose({ accounts, outputs }: Status): void {
  for (const { stage, produced, delivered, suppressed, lost, pending } of accounts) {
    if (produced !== delivered + suppressed + lost + pending) throw new Error(`the account of ${stage} does not close`);
  }
  for (const { name, raised, delivered, pending, suppressed, expired, dropped } of outputs) {
    const sum = delivered + pending + suppressed + expired + dropped;
    if (raised !== sum)
      throw new Error(`the account of ${name} does not close: ${raised} raised, ${sum} accounted for`);
  }
}

export interface Hosts {
  readonly victim: Host;
  readonly attacker: Host;
}

export async function measure(t: Teardown, manner: Manner, hosts: Hosts): Promise<Measured> {
  const { victim } = hosts;
  const folder = temporaryFolder(t, 'bench-receivers');
  const words = [`http:http:${ports.http}:${manner}`, `lines:lines:${ports.lines}:${manner}`];
  const program = [script('../test/live/support/receivers.js'), join(folder, 'figures'), ...words];
  const receivers = startInNetns(t, victim.netns, process.execPath, program);
  await receivers.prints(/listening/);
  const file = join(folder, 'eve.json');
  const daemon = await TestDaemon.start(t, victim, { rules, folder, config: { ...configOf(file) } });
  await daemon.ids('blocklist', 'add', LISTED);
  const fd = openPinned(daemon.pins, '_ids_xdp');
  const { result: times, sent } = await underLoad(t, hosts, () => timesOf(fd));
  const written = async (): Promise<number> =>
    Number((await run('grep', ['-c', `"signature_id":${sid.steady},`, file], { status: 'any' })).stdout);
  await until(async () => (await written()) >= sent.alerts, { deadline: 30_000 }).catch(() => undefined);
  const found = { alerts: await written(), drops: await daemon.dropped(LISTED) };

  const { result: latencies } = await underLoad(t, hosts, () => offend(t, hosts, join(folder, 'latencies.json')));
  const drained = async (): Promise<boolean> => (await daemon.api.outputs()).every(({ pending }) => pending === 0);
  if (manner === 'well') await until(drained, { deadline: 30_000 });
  const status = await daemon.status();
  mustClose(status);
  closeFds([fd]);
  // Killed: it would try to deliver for a while.
  await daemon.kill();
  await daemon.ids('stop', '--detach', '--pin-dir', daemon.pins);
  await receivers.stop();
  const lost = status.accounts.reduce((sum, account) => sum + account.lost, 0);
  return {
    times,
    latencies,
    sent,
    found,
    lost,
    waiting: Math.max(...status.outputs.map(({ pending }) => pending)),
  };
}
