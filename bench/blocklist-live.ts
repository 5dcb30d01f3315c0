// SPDX-License-Identifier: Apache-2.0
// Packets of listed sources dropped a second on a veth pair, by ids and its peers in alternating rounds: one core sends,
// the other one receives.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, createNetns, run, undoAfter, until } from '../test/helpers/privileged.js';
import type { Teardown } from '../test/helpers/undo.js';
import { disjoint4, hosts4, type Prefixes4 } from './disjoint.js';
import { LiveProcess } from './live-process.js';
import { type Peer, peers, type Place, whySkipped, XDP_FILTER_CAP } from './live-peers.js';
import { randomWords, sources, toWire } from './prefix-mix.js';
import { median, print, type Row } from './report.js';

const LOAD_MS = 2000;
const ROUNDS = 5;
const SENDER_CPU = '0';
const RECEIVER_CPU = '1';
const MAC = '02:00:00:00:00:01';

interface Target extends Place {
  readonly what: string;
  readonly sender: string;
  readonly senders: string;
  readonly thread: number;
  dropped(): Promise<number>;
}

interface Sample {
  readonly perSecond: number;
  /** Nanoseconds of the receiving core a packet: what is left when others use the machine, too. */
  readonly ns: number;
}

/** The records of bench/live.bpf.c: sources in the order of the wire with the header checksum of each. */
function senderFile(list: Prefixes4, file: string): string {
  const words = sources(4, randomWords(2), { addr: list.addr, length: list.length });
  const out = new Uint32Array(words.length / 2);
  // 46 bytes of UDP, identification 1, time to live 64, to 198.51.100.1.
  const rest = 0x4500 + 46 + 1 + 0x4011 + 0xc633 + 0x6401;
  for (let i = 0; i < out.length; i += 2) {
    const wire = words[2 * i] ?? 0;
    const addr = toWire(wire);
    let sum = rest + (addr >>> 16) + (addr & 0xffff);
    sum = (sum & 0xffff) + (sum >>> 16);
    sum = ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
    out[i] = wire;
    out[i + 1] = (sum >>> 8) | ((sum & 255) << 8);
  }
  writeFileSync(file, new Uint8Array(out.buffer));
  return file;
}

/** The kernel thread that empties the queue of an interface; it runs on a core of its own, before other work. */
async function napiThread({ netns, device }: Place): Promise<number> {
  await run('ip', ['netns', 'exec', netns, 'sh', '-c', `echo 1 >/sys/class/net/${device}/threaded`]);
  const pid = await until(
    () =>
      readdirSync('/proc').find((one) => {
        if (!/^\d+$/.test(one)) return false;
        try {
          return readFileSync(`/proc/${one}/comm`, 'utf8').startsWith(`napi/${device}-`);
        } catch {
          return false;
        }
      }),
    { message: `the NAPI thread of ${device}` },
  );
  await run('taskset', ['-pc', RECEIVER_CPU, pid]);
  await run('renice', ['-n', '-20', '-p', pid]);
  return Number(pid);
}

const cpuNs = (pid: number): number => Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]);

async function measure(target: Target, sender: LiveProcess): Promise<Sample> {
  const [packets, ns] = [await target.dropped(), cpuNs(target.thread)];
  sender.tell([target.sender, MAC, target.senders, LOAD_MS].join(' '));
  const sent = JSON.parse(await sender.line(LOAD_MS + 30_000)) as { ns: number };
  // What is still in the queue is dropped in less than a millisecond.
  const [after, nsAfter] = [await target.dropped(), cpuNs(target.thread)];
  return { perSecond: ((after - packets) * 1e9) / sent.ns, ns: (nsAfter - ns) / (after - packets) };
}

export interface LiveFigure {
  readonly what: string;
  readonly samples: readonly Sample[];
  readonly skipped?: string;
}

export async function measureLive(entries = 1_000_000, only?: readonly string[]): Promise<LiveFigure[]> {
  const closers: (() => void | Promise<void>)[] = [];
  const t = { teardown: (closer: () => void | Promise<void>) => closers.push(closer) };
  try {
    return await measureAll(t, entries, only);
  } finally {
    for (const closer of closers.reverse()) await closer();
  }
}

async function measureAll(t: Teardown, entries: number, only?: readonly string[]): Promise<LiveFigure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'ids-bench-'));
  undoAfter(t, () => rmSync(folder, { recursive: true, force: true }));
  const list = disjoint4(entries);
  const all = senderFile(list, join(folder, 'all'));
  const few = senderFile(hosts4(list, XDP_FILTER_CAP), join(folder, 'few'));
  const netns = await createNetns(t, 'send');
  const targets: Target[] = [];
  const skipped = new Map<string, string>();
  const chosen = only ? peers.filter(({ what }) => only.some((one) => what.includes(one))) : peers;
  for (const [i, peer] of chosen.entries()) {
    const why = await whySkipped(peer);
    if (why !== undefined) skipped.set(peer.what, why);
    else {
      try {
        targets.push(await setUp(t, peer, i, netns, list, peer.few ? few : all, folder));
      } catch (error) {
        skipped.set(peer.what, `skipped: ${error instanceof Error ? error.message.trim() : String(error)}`);
      }
    }
  }
  const script = fileURLToPath(new URL('./live-sender.js', import.meta.url));
  const sender = LiveProcess.start(t, netns, 'taskset', ['-c', SENDER_CPU, process.execPath, script]);
  await run('renice', ['-n', '-20', '-p', String(sender.pid)]);
  const samples = targets.map((): Sample[] => []);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [i, target] of targets.entries()) {
      const sample = await measure(target, sender);
      // The first round warms up.
      if (round > 0) samples[i]?.push(sample);
    }
  }
  await sender.end();
  return chosen.map(({ what }): LiveFigure => {
    const why = skipped.get(what);
    const index = targets.findIndex((target) => target.what === what);
    return { what, samples: samples[index] ?? [], ...(why === undefined ? {} : { skipped: why }) };
  });
}

async function setUp(
  t: Teardown,
  peer: Peer,
  index: number,
  senderNetns: string,
  list: Prefixes4,
  senders: string,
  folder: string,
): Promise<Target> {
  const number = `${process.pid % 10_000}${index}`;
  const [device, sender] = [`br${number}`, `bs${number}`];
  const place = { netns: await createNetns(t, `recv${index}`), device };
  await connect({ netns: place.netns, name: device, mac: MAC }, { netns: senderNetns, name: sender });
  // Without an XDP program it is GRO that makes a veth take frames as they are.
  await run('ip', ['netns', 'exec', place.netns, 'ethtool', '-K', device, 'gro', 'on']);
  const dropped = await peer.setUp(t, place, list, folder);
  return { ...place, what: peer.what, sender, senders, dropped, thread: await napiThread(place) };
}

export async function benchBlocklistLive(entries = 1_000_000): Promise<void> {
  const title = `Packets of random listed sources dropped a second, ${entries.toLocaleString('en-US')} prefixes (veth pair, one core receives; median of ${ROUNDS} alternating rounds)`;
  if (availableParallelism() < 2) {
    print(title, [{ what: 'everything', figure: 'skipped: one core cannot send and receive at a time' }]);
    return;
  }
  const figures = await measureLive(entries);
  const rate = ({ samples }: LiveFigure): number => median(samples.map(({ perSecond }) => perSecond));
  const ids = figures.find(({ what }) => what === 'ids');
  print(
    title,
    figures.map((figure): Row => {
      if (figure.skipped !== undefined) return { what: figure.what, figure: figure.skipped };
      const mpps = `${(rate(figure) / 1e6).toFixed(2)} Mpps, best ${(Math.max(...figure.samples.map((one) => one.perSecond)) / 1e6).toFixed(2)}`;
      const ns = `${median(figure.samples.map((one) => one.ns)).toFixed(0)} ns of the receiving core a packet`;
      // Round by round, as they ran one after the other.
      const ratios = figure.samples.map(({ perSecond }, i) => (ids?.samples[i]?.perSecond ?? NaN) / perSecond);
      const against = figure === ids ? '' : `; ids: ${median(ratios).toFixed(2)} times as many`;
      return { what: figure.what, figure: mpps, ratio: `${ns}${against}` };
    }),
  );
}
