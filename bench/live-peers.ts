// SPDX-License-Identifier: Apache-2.0
// Who drops in the live blocklist benchmark: each set up in a namespace of its own, with how many packets it has dropped.

import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BpfMap } from '../engine/bpf/bpf-map.js';
import { inNetns, run, undoAfter } from '../test/helpers/privileged.js';
import type { Teardown } from '../test/helpers/undo.js';
import { dotted, hosts4, ipsetText, nftText, type Prefixes4, texts4 } from './disjoint.js';
import { LiveProcess } from './live-process.js';
import { toWire } from './prefix-mix.js';

/** What xdp-filter's tables have room for. */
export const XDP_FILTER_CAP = 10_000;
const XDP_FILTER_PINS = '/sys/fs/bpf/xdp-filter';

/** One end of a link where packets arrive. */
export interface Place {
  readonly netns: string;
  readonly device: string;
}

export interface Peer {
  readonly what: string;
  /** Its sources are single addresses of the first `XDP_FILTER_CAP` alone. */
  readonly few?: boolean;
  /** The command without which it is skipped, and its package. */
  readonly needs?: readonly [command: string, debianPackage: string];
  /** Gets ready to drop; gives the counter of what was dropped. */
  setUp(t: Teardown, place: Place, list: Prefixes4, folder: string): Promise<() => Promise<number>>;
}

/** Packets that a veth has taken in, and those of them that an XDP program has dropped. */
async function received({ netns, device }: Place): Promise<{ packets: number; drops: number }> {
  const { stdout } = await inNetns(netns, 'ethtool', ['-S', device]);
  const read = (name: string): number =>
    Number(new RegExp(`^\\s*rx_queue_0_xdp_${name}: (\\d+)$`, 'm').exec(stdout)?.[1]);
  return { packets: read('packets'), drops: read('drops') };
}

const xdpDrops = async (place: Place): Promise<number> => (await received(place)).drops;

/** Packets that nothing before the IPv4 stack has dropped. */
async function passed({ netns }: Place): Promise<number> {
  const { stdout } = await inNetns(netns, 'cat', ['/proc/net/snmp']);
  return Number(/^Ip: \d+ \d+ (\d+) /m.exec(stdout)?.[1]);
}

const receiver = fileURLToPath(new URL('./live-receiver.js', import.meta.url));

function xdp(what: string, kind: string): Peer {
  return {
    what,
    async setUp(t, place, list) {
      const args = [receiver, kind, place.device, String(list.length.length)];
      const child = LiveProcess.start(t, place.netns, process.execPath, args);
      await child.line(120_000);
      return () => xdpDrops(place);
    },
  };
}

/** The command adds one address a call: the rest is put where it puts that one. */
async function fillXdpFilter(place: Place, list: Prefixes4): Promise<void> {
  const { addr } = hosts4(list, XDP_FILTER_CAP);
  await inNetns(place.netns, 'xdp-filter', ['ip', '-m', 'src', dotted(addr[0] ?? 0)]);
  const table = BpfMap.ofPin('filter_ipv4', join(XDP_FILTER_PINS, 'filter_ipv4'));
  try {
    const key = (one: number): Uint8Array => new Uint8Array(Uint32Array.of(toWire(one)).buffer);
    const value = table.get(key(addr[0] ?? 0));
    if (value === undefined) throw new Error('xdp-filter has not put the address where it was looked for');
    for (const one of addr) table.put(key(one), value);
  } finally {
    table.close();
  }
}

const xdpFilter: Peer = {
  what: `xdp-filter, ${XDP_FILTER_CAP.toLocaleString('en-US')} addresses (its cap)`,
  few: true,
  needs: ['xdp-filter', 'xdp-tools'],
  async setUp(t, place, list) {
    if (existsSync(XDP_FILTER_PINS)) throw new Error(`another xdp-filter is in use (${XDP_FILTER_PINS})`);
    // libxdp leaves its own folder behind as well.
    const left = [XDP_FILTER_PINS, '/sys/fs/bpf/xdp'].filter((path) => !existsSync(path));
    undoAfter(t, () => {
      spawnSync('nsenter', [`--net=/run/netns/${place.netns}`, '--', 'xdp-filter', 'unload', place.device]);
      for (const path of left) rmSync(path, { recursive: true, force: true });
    });
    await inNetns(place.netns, 'xdp-filter', ['load', '-m', 'native', '-f', 'ipv4', place.device]);
    await fillXdpFilter(place, list);
    return () => xdpDrops(place);
  },
};

const nftables: Peer = {
  what: 'nftables, netdev ingress set',
  needs: ['nft', 'nftables'],
  async setUp(_t, place, list, folder) {
    const file = join(folder, 'list.nft');
    writeFileSync(file, nftText(texts4(list), place.device));
    await inNetns(place.netns, 'nft', ['-f', file], { deadline: 120_000 });
    // To ask nft itself takes seconds: it reads the whole set first.
    return async () => (await received(place)).packets - (await passed(place));
  },
};

const ipset: Peer = {
  what: 'iptables (raw PREROUTING) and ipset hash:net',
  needs: ['ipset', 'ipset'],
  async setUp(_t, place, list) {
    await inNetns(place.netns, 'ipset', ['restore'], { input: ipsetText(texts4(list)), deadline: 120_000 });
    const rule = ['-t', 'raw', '-A', 'PREROUTING', '-m', 'set', '--match-set', 'listed', 'src', '-j', 'DROP'];
    await inNetns(place.netns, 'iptables', rule);
    return async () => {
      const { stdout } = await inNetns(place.netns, 'iptables', ['-t', 'raw', '-nvxL', 'PREROUTING']);
      return Number(/^\s*(\d+)\s+\d+\s+DROP/m.exec(stdout)?.[1]);
    };
  },
};

export const peers: readonly Peer[] = [
  xdp('a program that only returns XDP_DROP', 'drop'),
  xdp('ids', 'ids'),
  xdpFilter,
  nftables,
  ipset,
  xdp("a program with the kernel's LPM trie", 'trie'),
];

/** Why a peer cannot take part here, or undefined. */
export async function whySkipped({ needs }: Peer): Promise<string | undefined> {
  if (needs === undefined) return undefined;
  const [command, name] = needs;
  const { status } = await run('sh', ['-c', `command -v ${command}`], { status: 'any' });
  return status === 0 ? undefined : `skipped: there is no ${command} (Debian: ${name})`;
}
