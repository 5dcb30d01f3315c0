// SPDX-License-Identifier: Apache-2.0
// A million entries into a running daemon, beside nft and ipset; single changes, a restart and memory with them loaded.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApiClient } from '../engine/api/client.js';
import { connect, createNetns, inNetns, run, startInNetns, undoAfter, until } from '../test/helpers/privileged.js';
import type { Background } from '../test/helpers/privileged.js';
import type { Teardown } from '../test/helpers/undo.js';
import { Kernel } from '../engine/bpf/index.js';
import { disjoint4, dotted, ipsetText, nftText, texts4 } from './disjoint.js';
import { mixed6, randomWords } from './prefix-mix.js';
import { median, percentile, print, type Row } from './report.js';

const TIMES = 3;
const CHANGES = 1000;
/** A file system in memory. */
const MEMORY = '/dev/shm';
const ids = join(fileURLToPath(new URL('../../', import.meta.url)), 'bin/ids');

interface Daemon {
  readonly process: Background;
  readonly client: ApiClient;
}

interface Stage {
  readonly t: Teardown;
  readonly folder: string;
  readonly netns: string;
  readonly device: string;
  readonly socket: string;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Starts the daemon; gives it once its socket answers. */
async function startDaemon({ t, folder, netns, socket }: Stage): Promise<Daemon> {
  const process = startInNetns(t, netns, ids, ['run', '--config', join(folder, 'ids.yaml')]);
  const client = new ApiClient(socket);
  const said = (): string => `the daemon; it said:\n${process.output.stderr}`;
  await until(() => client.status(), { deadline: 60_000, interval: 5, message: said });
  return { process, client };
}

/** @param parent where the state of the daemon lies */
async function prepare(t: Teardown, parent = tmpdir()): Promise<Stage> {
  const folder = mkdtempSync(join(parent, 'ids-bench-'));
  undoAfter(t, () => rmSync(folder, { recursive: true, force: true }));
  const [netns, peer] = [await createNetns(t, 'load'), await createNetns(t, 'peer')];
  await connect({ netns, addresses: ['10.77.0.1/24'] }, { netns: peer, addresses: ['10.77.0.2/24'] });
  // Each has tables of its own.
  const pins = `/sys/fs/bpf/${basename(folder)}`;
  undoAfter(t, () => void Kernel.detachAll(pins));
  const socket = join(folder, 'ids.sock');
  writeFileSync(
    join(folder, 'ids.yaml'),
    `interfaces: [veth0]\nsocket: ${socket}\nstate_dir: ${folder}/state\npin_dir: ${pins}\nrules: []\n`,
  );
  return { t, folder, netns, device: 'veth0', socket };
}

/** Resident bytes that belong to the process alone or are shared with the kernel's tables apart. */
function resident(pid: number): { anonymous: number; tables: number } {
  const kb = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
  return { anonymous: kb('VmRSS') - kb('RssShmem') - kb('RssFile'), tables: kb('RssFile') + kb('RssShmem') };
}

/** Bytes that the kernel has charged for the maps which a process holds and whose names begin so. */
async function mapMemory(pid: number, names: RegExp): Promise<number> {
  const { stdout } = await run('bpftool', ['-j', 'map', 'show']);
  const wanted = new Set(
    (JSON.parse(stdout) as { id: number; name?: string }[])
      .filter(({ name }) => name !== undefined && names.test(name))
      .map(({ id }) => id),
  );
  let bytes = 0;
  for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
    let text: string;
    try {
      text = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8');
    } catch {
      continue; // closed meanwhile
    }
    const id = Number(/^map_id:\s*(\d+)$/m.exec(text)?.[1]);
    // Several descriptors may name one map.
    if (wanted.delete(id)) bytes += Number(/^memlock:\s*(\d+)$/m.exec(text)?.[1]);
  }
  return bytes;
}

function mixedText6(count: number): string {
  const { addr6, len6 } = mixed6(count, randomWords(3));
  const lines: string[] = [];
  for (let i = 0; i < count; i++) {
    const groups: string[] = [];
    for (let word = 0; word < 4; word++) {
      const value = addr6[4 * i + word] ?? 0;
      groups.push((value >>> 16).toString(16), (value & 0xffff).toString(16));
    }
    lines.push(`${groups.join(':')}/${len6[i] ?? 128}\n`);
  }
  return lines.join('');
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
const seconds = (ms: readonly number[]): string =>
  `best ${(Math.min(...ms) / 1000).toFixed(2)} s, median ${(median(ms) / 1000).toFixed(2)} s`;

async function peerLoads(stage: Stage, texts: readonly string[]): Promise<{ nft: number[]; ipset: number[] }> {
  const { netns, folder, device } = stage;
  const [nftFile, ipsetFile] = [join(folder, 'list.nft'), join(folder, 'list.ipset')];
  writeFileSync(nftFile, nftText(texts, device));
  writeFileSync(ipsetFile, ipsetText(texts));
  const [nft, ipset]: [number[], number[]] = [[], []];
  const has = async (name: string): Promise<boolean> =>
    (await run('sh', ['-c', `command -v ${name}`], { status: 'any' })).status === 0;
  for (let i = 0; i < TIMES; i++) {
    if (await has('nft')) {
      nft.push(await timed(() => inNetns(netns, 'nft', ['-f', nftFile], { deadline: 120_000 })));
      await inNetns(netns, 'nft', ['delete', 'table', 'netdev', 'bench'], { deadline: 120_000 });
    }
    if (await has('ipset')) {
      ipset.push(await timed(() => inNetns(netns, 'ipset', ['restore', '-file', ipsetFile], { deadline: 120_000 })));
      await inNetns(netns, 'ipset', ['destroy', 'listed'], { deadline: 120_000 });
    }
  }
  return { nft, ipset };
}

async function singleChanges(client: ApiClient): Promise<{ adds: number[]; removes: number[] }> {
  const next = randomWords(4);
  const prefixes = Array.from({ length: CHANGES }, () => dotted((next() & 0x0fff_ffff) | 0x5000_0000));
  const adds: number[] = [];
  const removes: number[] = [];
  for (const prefix of prefixes)
    adds.push(await timed(() => client.blocklistAdd({ prefixes: [prefix], force: false })));
  for (const prefix of prefixes) removes.push(await timed(() => client.blocklistRemove([prefix])));
  return { adds, removes };
}

/** Single changes where the disk takes no time: what is left is the time until they are in force, and the answer. */
async function changesInMemory(t: Teardown, list: string): Promise<{ adds: number[]; removes: number[] } | undefined> {
  if (!existsSync(MEMORY)) return undefined;
  const stage = await prepare(t, MEMORY);
  const daemon = await startDaemon(stage);
  const args = ['blocklist', 'import', list, '--socket', stage.socket];
  await run(ids, args, { deadline: 120_000 });
  const figures = await singleChanges(daemon.client);
  await daemon.process.stop();
  return figures;
}

async function measureLoad(t: Teardown, entries: number, entries6: number): Promise<void> {
  const stage = await prepare(t);
  const texts = texts4(disjoint4(entries));
  const file = join(stage.folder, 'list.txt');
  const file6 = join(stage.folder, 'list6.txt');
  writeFileSync(file, texts.map((text) => `${text}\n`).join(''));
  writeFileSync(file6, mixedText6(entries6));
  const peers = await peerLoads(stage, texts);

  let daemon = await startDaemon(stage);
  const idle = resident(daemon.process.pid);
  const send = (path: string): Promise<unknown> =>
    run(ids, ['blocklist', 'import', path, '--socket', stage.socket], { deadline: 120_000 });
  const imports: number[] = [];
  for (let i = 0; i < TIMES; i++) {
    if (i > 0) await daemon.client.blocklistFlush();
    imports.push(await timed(() => send(file)));
  }
  const again = await timed(() => send(file));
  const { adds, removes } = await singleChanges(daemon.client);
  await send(file6);
  const { entries4, entries6: listed6 } = await daemon.client.blocklistStats();
  const full = resident(daemon.process.pid);
  const lists = await mapMemory(
    daemon.process.pid,
    /^ids_(filter|any|mixed|front|entries|buckets|length_sets|sets|list_root)/,
  );

  const restarts: number[] = [];
  for (let i = 0; i < TIMES; i++) {
    await daemon.process.stop('SIGKILL');
    restarts.push(await timed(async () => (daemon = await startDaemon(stage))));
  }
  const restarted = resident(daemon.process.pid);
  await daemon.process.stop();
  const inForce = await changesInMemory(t, file);

  const ms = (values: readonly number[], share: number): string => `${percentile(values, share).toFixed(2)} ms`;
  const against = (values: readonly number[]): string =>
    values.length === 0 ? '' : `ids: ${(median(values) / median(imports)).toFixed(1)} times as fast`;
  const peer = (values: readonly number[]): string =>
    values.length === 0 ? 'skipped: not installed' : seconds(values);
  const change = (what: string, values: readonly number[] | undefined): Row =>
    values === undefined
      ? { what, figure: `skipped: there is no ${MEMORY}` }
      : { what, figure: ms(values, 0.99), ratio: `99 of 100; median ${ms(values, 0.5)}` };
  const rows: Row[] = [
    { what: '`ids blocklist import`, whole command, durable', figure: seconds(imports) },
    { what: '`ids blocklist import` of the same file again', figure: seconds([again]) },
    { what: '`nft -f` (keeps nothing)', figure: peer(peers.nft), ratio: against(peers.nft) },
    { what: '`ipset restore` (keeps nothing)', figure: peer(peers.ipset), ratio: against(peers.ipset) },
    change(`one add of ${CHANGES}, until in force and answered (state in memory)`, inForce?.adds),
    change(`one remove of ${CHANGES}, the same`, inForce?.removes),
    change(`one add of ${CHANGES}, until durable too (state on the disk)`, adds),
    change(`one remove of ${CHANGES}, the same`, removes),
    { what: 'kill -9 and start, until it answers', figure: seconds(restarts) },
  ];
  print(`${entries.toLocaleString('en-US')} lines of a file, and changes with them loaded`, rows);
  print(`Memory with ${entries4} IPv4 and ${listed6} IPv6 entries`, [
    { what: "kernel's tables of the list", figure: mib(lists), ratio: 'memlock of the maps' },
    {
      what: 'daemon, resident of its own',
      figure: mib(full.anonymous),
      ratio: `idle + ${mib(full.anonymous - idle.anonymous)}`,
    },
    {
      what: 'daemon after a restart',
      figure: mib(restarted.anonymous),
      ratio: `idle + ${mib(restarted.anonymous - idle.anonymous)}`,
    },
    {
      what: "kernel's tables and files mapped by it",
      figure: mib(full.tables),
      ratio: `idle + ${mib(full.tables - idle.tables)}`,
    },
  ]);
}

export async function benchBlocklistLoad(entries = 1_000_000, entries6 = 200_000): Promise<void> {
  const closers: (() => void | Promise<void>)[] = [];
  try {
    await measureLoad({ teardown: (closer: () => void | Promise<void>) => closers.push(closer) }, entries, entries6);
  } finally {
    for (const closer of closers.reverse()) await closer();
  }
}
