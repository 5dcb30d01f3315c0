// SPDX-License-Identifier: Apache-2.0
// Network namespaces and the veth pairs between them, gone again when the test ends, however it ends.
import { spawnSync } from 'node:child_process';
import { run, start } from './run.js';
import type { Background, RunOptions, RunResult } from './run.js';
import { undoAfter } from './undo.js';
import type { Teardown } from './undo.js';

let made = 0;

/** Makes a network namespace with a name of its own (`ids-LABEL-PID-N`) and its loopback up, and returns the name. */
export async function createNetns(t: Teardown, label: string): Promise<string> {
  const name = `ids-${label}-${process.pid}-${++made}`;
  undoAfter(t, () => removeNetns(name));
  await run('ip', ['netns', 'add', name]);
  await run('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
  // Addresses are ours alone here: no second of duplicate address detection before they can be used.
  await inNetns(name, 'sysctl', ['-qw', 'net.ipv6.conf.all.accept_dad=0', 'net.ipv6.conf.default.accept_dad=0']);
  return name;
}

/** The processes that run in a namespace end first: they would keep it, and the interfaces in it, alive. */
function removeNetns(name: string): void {
  const pids = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' });
  for (const pid of (pids.stdout ?? '').split('\n').filter((line) => line !== '')) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
  spawnSync('ip', ['netns', 'del', name]);
}

/** One end of a veth pair. */
export interface VethEnd {
  netns: string;
  /** Interface name inside its namespace; `veth0` unless told. */
  name?: string;
  /** Addresses with prefix length, IPv4 or IPv6. */
  addresses?: readonly string[];
  mac?: string;
}

/** Joins two namespaces by a veth pair, both ends up and with their addresses; it goes when a namespace goes. */
export async function connect(a: VethEnd, b: VethEnd): Promise<void> {
  const [nameA, nameB] = [a.name ?? 'veth0', b.name ?? 'veth0'];
  await run('ip', ['link', 'add', nameA, 'netns', a.netns, 'type', 'veth', 'peer', 'name', nameB, 'netns', b.netns]);
  for (const end of [a, b]) {
    const name = end.name ?? 'veth0';
    if (end.mac !== undefined) await run('ip', ['-n', end.netns, 'link', 'set', name, 'address', end.mac]);
    for (const address of end.addresses ?? []) {
      const flags = address.includes(':') ? ['nodad'] : [];
      await run('ip', ['-n', end.netns, 'address', 'add', address, 'dev', name, ...flags]);
    }
  }
  // Up only when both are complete, so that neither sends from an address that it is about to lose.
  for (const end of [a, b]) await run('ip', ['-n', end.netns, 'link', 'set', end.name ?? 'veth0', 'up']);
}

/** A machine of a small network: its namespace, its interface and its addresses without prefix length. */
export interface Host {
  netns: string;
  device: string;
  ipv4: string;
  ipv6: string;
}

/** Two machines on one link, 10.77.0.1 and fd77::1 (victim), 10.77.0.2 and fd77::2 (attacker). */
export async function twoHosts(t: Teardown): Promise<{ victim: Host; attacker: Host }> {
  const victim = { netns: await createNetns(t, 'victim'), device: 'veth0', ipv4: '10.77.0.1', ipv6: 'fd77::1' };
  const attacker = { netns: await createNetns(t, 'attacker'), device: 'veth0', ipv4: '10.77.0.2', ipv6: 'fd77::2' };
  const end = ({ netns, ipv4, ipv6 }: Host): VethEnd => ({ netns, addresses: [`${ipv4}/24`, `${ipv6}/64`] });
  await connect(end(victim), end(attacker));
  return { victim, attacker };
}

// nsenter, not "ip netns exec": that one mounts a new /sys, in which the pinned BPF objects are not.
function entering(netns: string, command: string, args: readonly string[]): string[] {
  return [`--net=/run/netns/${netns}`, '--', command, ...args];
}

/** Runs a program inside a network namespace to its end, as `run` does. */
export function inNetns(
  netns: string,
  command: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<RunResult> {
  return run('nsenter', entering(netns, command, args), options);
}

/** Starts a program inside a network namespace beside the test, as `start` does. */
export function startInNetns(
  t: Teardown,
  netns: string,
  command: string,
  args: readonly string[],
  options?: Pick<RunOptions, 'cwd' | 'env'>,
): Background {
  return start(t, 'nsenter', entering(netns, command, args), options);
}
