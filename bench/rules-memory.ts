// SPDX-License-Identifier: Apache-2.0
// The whole Emerging Threats set in a daemon: how long checking and loading take, what the daemon holds, at most while it
// loads the set once more, and whether every packet was judged meanwhile.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inNetns, run, twoHosts } from '../test/helpers/privileged.js';
import { idsProgram, lines, TestDaemon, temporaryFolder } from '../test/live/support/daemon.js';
import { setTimeout as pause } from 'node:timers/promises';
import { etopen, etopenSources } from './etopen.js';
import { LiveProcess } from './live-process.js';
import { median, print, type Row } from './report.js';

const ROUNDS = 3;
const LOAD_MS = 300_000;
/** After a load, until what it has left is given back. */
const SETTLE_MS = 6000;
/** A flow is looked into up to the inspection depth: each datagram has another port. */
const PORT = 20_000;
const PORTS = 40_000;
const SID = 9_000_001;
/** Floors of the work: seconds, megabytes, and the peak of a reload as a multiple of the megabytes. */
const FLOOR = { seconds: 6, megabytes: 500, peak: 1.3 };

type Memory = Readonly<Record<'VmRSS' | 'VmHWM' | 'RssAnon' | 'RssFile' | 'RssShmem', number>>;

/** Megabytes of 10^6 bytes. */
function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (name: string): number => (Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]) * 1024) / 1e6;
  const names = ['VmRSS', 'VmHWM', 'RssAnon', 'RssFile', 'RssShmem'] as const;
  return Object.fromEntries(names.map((name) => [name, of(name)])) as Record<(typeof names)[number], number>;
}

const mb = (value: number): string => `${Math.round(value)} MB`;
const seconds = (value: number): string => `${value.toFixed(1)} s`;
const beside = (value: number, floor: number): string => `${(value / floor).toFixed(2)} of ${floor}`;

/** Seconds that a command takes; status 1: some rules cannot be used. */
async function timed(work: () => Promise<{ readonly status: number }>): Promise<number> {
  const begin = performance.now();
  const { status } = await work();
  if (status > 1) throw new Error(`a command ended with ${status}`);
  return (performance.now() - begin) / 1000;
}

function held(what: string, { VmRSS, RssAnon, RssFile, RssShmem }: Memory, floor?: number): Row {
  const parts = `${mb(RssAnon)} of its own, ${mb(RssFile)} of files and tables of the kernel, ${mb(RssShmem)} shared`;
  const ratio = floor === undefined ? parts : `${beside(VmRSS, floor)}; ${parts}`;
  return { what, figure: mb(VmRSS), ratio };
}

export async function benchRulesMemory(): Promise<void> {
  if (!etopenSources()) return;
  const closers: (() => void | Promise<void>)[] = [];
  const t = { teardown: (closer: () => void | Promise<void>) => closers.push(closer) };
  try {
    const checks: number[] = [];
    for (let round = 0; round < ROUNDS; round++)
      checks.push(await timed(() => run(idsProgram, ['rules', 'check', etopen], { status: 'any', deadline: LOAD_MS })));
    const { victim, attacker } = await twoHosts(t);
    const own = join(temporaryFolder(t, 'bench-rules'), 'own.rules');
    writeFileSync(
      own,
      `alert udp any any -> any ${PORT}:${PORT + PORTS - 1} (msg:"steady"; content:"steady"; sid:${SID};)\n`,
    );
    const daemon = await TestDaemon.start(t, victim, { rules: readFileSync(own, 'utf8') });
    const pid = daemon.process.pid;
    const load = (): Promise<number> =>
      timed(() =>
        inNetns(victim.netns, idsProgram, ['rules', 'load', own, etopen, '--socket', daemon.socket], {
          deadline: LOAD_MS,
          status: 'any',
        }),
      );
    await pause(SETTLE_MS);
    const idle = memoryOf(pid);
    const script = new URL('./steady-sender.js', import.meta.url).pathname;
    const sender = LiveProcess.start(t, attacker.netns, process.execPath, [
      script,
      victim.ipv4,
      String(PORT),
      String(PORTS),
    ]);
    await sender.line(10_000);
    const loads: number[] = [];
    const peaks: number[] = [];
    let loaded = idle;
    for (let round = 0; round < ROUNDS; round++) {
      writeFileSync(`/proc/${pid}/clear_refs`, '5');
      loads.push(await load());
      if (round > 0) peaks.push(memoryOf(pid).VmHWM);
      await pause(SETTLE_MS);
      loaded = memoryOf(pid);
    }
    void sender.end();
    const sent = Number(await sender.line(10_000));
    await pause(2000);
    const alerted = lines(daemon.eveFile).filter((line) => line.includes(`"signature_id":${SID}`)).length;
    const [check, loading, peak] = [median(checks), median(loads), Math.max(...peaks)];
    print('The whole Emerging Threats set in a daemon, beside the floors', [
      { what: '`ids rules check`', figure: seconds(check), ratio: beside(check, FLOOR.seconds) },
      { what: '`ids rules load`', figure: seconds(loading), ratio: beside(loading, FLOOR.seconds) },
      held('resident with one rule', idle),
      held('resident with the set', loaded, FLOOR.megabytes),
      {
        what: 'at most during a reload',
        figure: mb(peak),
        ratio: `${(peak / loaded.VmRSS).toFixed(2)} times that, ${FLOOR.peak} wanted`,
      },
      { what: 'datagrams sent meanwhile, and alerts of them', figure: `${sent} and ${alerted}` },
    ]);
    await inNetns(victim.netns, idsProgram, ['stop', '--detach', '--socket', daemon.socket], { status: 'any' });
  } finally {
    for (const closer of closers.reverse()) await closer();
  }
}
