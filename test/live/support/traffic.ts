// SPDX-License-Identifier: Apache-2.0
// Traffic between two hosts of a test, and what became of it.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inNetns, run, startInNetns } from '../../helpers/privileged.js';
import type { Background, Host, RunResult } from '../../helpers/privileged.js';
import type { Teardown } from '../../helpers/undo.js';
import { temporaryFolder } from './daemon.js';
import { askFigures } from './figures.js';

const program = (name: string): string => fileURLToPath(new URL(`${name}.js`, import.meta.url));
const START_MS = 30_000;

/** What the service has received, by source address: bytes of its echo, datagrams of its sink. */
export interface Seen {
  readonly tcp: Readonly<Record<string, number>>;
  readonly udp: Readonly<Record<string, number>>;
  readonly requests: number;
}

/** Runs the service on a host until the test ends. */
export async function serve(t: Teardown, host: Host): Promise<{ seen(): Promise<Seen> }> {
  const socket = join(temporaryFolder(t, 'service'), 'figures');
  await startInNetns(t, host.netns, process.execPath, [program('service'), socket]).prints(/ready/, START_MS);
  return { seen: () => askFigures<Seen>(socket) };
}

/** A sender that goes on until it is stopped. */
export interface Sender {
  readonly process: Background;
  /** Messages handed to the kernel, and bytes that came back. */
  figures(): Promise<{ readonly sent: number; readonly received: number }>;
  /** Stops it and gives how many messages it handed to the kernel in all. */
  finish(): Promise<number>;
}

export async function send(
  t: Teardown,
  host: Host,
  kind: 'udp' | 'tcp',
  { from, to, port }: { from: string; to: string; port: number },
): Promise<Sender> {
  const socket = join(temporaryFolder(t, 'sender'), 'figures');
  const args = [program('sender'), kind, socket, from, to, String(port)];
  const process_ = startInNetns(t, host.netns, process.execPath, args);
  await process_.prints(/ready/, START_MS);
  const finish = async (): Promise<number> => {
    await process_.stop();
    return Number(/^sent (\d+)$/m.exec(process_.output.stdout)?.[1]);
  };
  return { process: process_, figures: () => askFigures(socket), finish };
}

/** Gives a host more addresses. */
export async function addAddresses(host: Host, ...addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const v6 = address.includes(':');
    const words = [`${address}/${v6 ? 64 : 24}`, 'dev', host.device, ...(v6 ? ['nodad'] : [])];
    await run('ip', ['-n', host.netns, 'address', 'add', ...words]);
  }
}

/** Lets two hosts know each other for good: no address resolution comes in between, or fails as its packets are dropped. */
export async function acquaint(a: Host, b: Host): Promise<void> {
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const { stdout } = await run('ip', ['-n', other.netns, '-j', 'link', 'show', 'dev', other.device]);
    const [link] = JSON.parse(stdout) as { address: string }[];
    const mac = link?.address ?? '';
    for (const address of [other.ipv4, other.ipv6]) {
      await run('ip', ['-n', one.netns, 'neigh', 'replace', address, 'lladdr', mac, 'dev', one.device]);
    }
  }
}

/** Fetches a page with curl; 0 is the status of an answer, 28 of none in time, 7 and 56 of a reset. */
export function curl(from: Host, url: string, ...args: readonly string[]): Promise<RunResult> {
  const words = ['-sS', '-g', '--connect-timeout', '2', '-m', '20', ...args, url];
  return inNetns(from.netns, 'curl', words, { deadline: 30_000, status: 'any' });
}

/** Sends bare packets with hping3 and gives how many; it counts what it has sent. */
export async function hping(from: Host, target: string, ...args: readonly string[]): Promise<number> {
  const { stdout, stderr } = await inNetns(from.netns, 'hping3', ['-q', '-i', 'u2000', ...args, target], {
    deadline: 60_000,
    status: 'any',
  });
  return sentByHping(stdout + stderr);
}

export function sentByHping(output: string): number {
  const sent = /(\d+) packets (?:transmitted|tramitted)/.exec(output)?.[1];
  if (sent === undefined) throw new Error(`hping3 does not say what it sent:\n${output}`);
  return Number(sent);
}

/** Packets that a host's interface has handed over, and those that found no room. */
export async function transmitted(host: Host): Promise<{ packets: number; dropped: number }> {
  const { stdout } = await run('ip', ['-n', host.netns, '-j', '-s', 'link', 'show', 'dev', host.device]);
  const [link] = JSON.parse(stdout) as { stats64: { tx: { packets: number; dropped: number } } }[];
  if (!link) throw new Error(`no figures of ${host.device}`);
  return link.stats64.tx;
}
