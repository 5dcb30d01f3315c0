// SPDX-License-Identifier: Apache-2.0
// Random rules and packets that meet each other often: both draw from the same few addresses, ports and values.

import { Action, Field, Limit } from '../../../../common/abi.gen.js';
import { waysOf } from '../../../../rules/ways.js';
import type {
  AddressMatch,
  AddressSet,
  Condition,
  Endpoint,
  HeaderMatch,
  PortSet,
  Rule,
} from '../../../../rules/ast.js';
import type { TestPacket } from './packets.js';

/** A small, fast, repeatable generator (xorshift); the seed is printed by the test that uses it. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  /** An integer from 0 to `below` - 1. */
  int(below: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state % below;
  }

  chance(percent: number): boolean {
    return this.int(100) < percent;
  }

  pick<T>(list: readonly T[]): T {
    const value = list[this.int(list.length)];
    if (value === undefined) throw new Error('nothing to pick from');
    return value;
  }
}

const END = (1n << 128n) - 1n;
const V4 = 0xffff00000000n;
const EVERYTHING: AddressSet = [{ from: 0n, to: END }];
const EVERY_PORT: PortSet = [{ from: 0, to: 65535 }];

/** Bases around which addresses of rules and packets lie. */
const BASES = [
  V4 | 0x0a000000n,
  V4 | 0x0a000100n,
  V4 | 0xc0a80000n,
  V4 | 0xc6336400n,
  0x20010db8n << 96n,
  0xfe80n << 112n,
];
const PORTS = [0, 1, 22, 53, 80, 443, 1024, 8080, 49152, 65535];

function span(r: Random): { from: bigint; to: bigint } {
  const base = r.pick(BASES);
  if (r.chance(50)) {
    const bits = BigInt(r.int(base < 1n << 48n ? 25 : 80));
    const from = ((base + BigInt(r.int(1024))) >> bits) << bits;
    return { from, to: from + (1n << bits) - 1n };
  }
  const from = base + BigInt(r.int(600));
  return { from, to: from + BigInt(r.int(300)) };
}

/** Sorted, disjoint, merged, perhaps complemented. */
function tidy<T extends bigint | number>(ranges: { from: T; to: T }[], next: (value: T) => T): { from: T; to: T }[] {
  const out: { from: T; to: T }[] = [];
  for (const range of ranges.sort((a, b) => (a.from < b.from ? -1 : 1))) {
    const last = out.at(-1);
    if (last !== undefined && range.from <= next(last.to)) last.to = last.to > range.to ? last.to : range.to;
    else out.push({ ...range });
  }
  return out;
}

function without(set: { from: bigint; to: bigint }[]): { from: bigint; to: bigint }[] {
  const out: { from: bigint; to: bigint }[] = [];
  let from = 0n;
  for (const range of set) {
    if (range.from > from) out.push({ from, to: range.from - 1n });
    from = range.to + 1n;
  }
  if (from <= END) out.push({ from, to: END });
  return out;
}

export function randomAddresses(r: Random): AddressSet {
  const set = tidy(
    Array.from({ length: 1 + r.int(4) }, () => span(r)),
    (value) => value + 1n,
  );
  return r.chance(25) ? without(set) : set;
}

function randomPorts(r: Random): PortSet {
  const ranges = Array.from({ length: 1 + r.int(3) }, () => {
    const from = r.chance(70) ? r.pick(PORTS) : r.int(65536);
    return { from, to: r.chance(50) ? from : Math.min(65535, from + r.int(2000)) };
  });
  return tidy(ranges, (value) => value + 1);
}

function endpoint(r: Random): Endpoint {
  const anyAddress = r.chance(40);
  const anyPort = r.chance(50);
  return {
    addresses: anyAddress ? EVERYTHING : randomAddresses(r),
    ports: anyPort ? EVERY_PORT : randomPorts(r),
    anyAddress,
    anyPort,
    text: 'random',
  };
}

const VALUES: readonly (readonly [Field, number])[] = [
  [Field.TTL, 256],
  [Field.TOS, 256],
  [Field.IP_ID, 65536],
  [Field.FRAGBITS, 8],
  [Field.DSIZE, 1500],
  [Field.TCP_FLAGS, 256],
  [Field.TCP_WINDOW, 65536],
  [Field.ICMP_TYPE, 256],
  [Field.ICMP_CODE, 16],
  [Field.SAMEIP, 2],
  [Field.DECODE0, 4294967295],
  [Field.IP_PROTO, 256],
  [Field.IP_VERSION, 8],
  [Field.TCP_SEQ, 4294967295],
];

/** Further fields, for packets of which nothing is left out. */
export const EVERY_FIELD: readonly (readonly [Field, number])[] = [
  ...VALUES,
  ...VALUES.slice(0, 4),
  [Field.FRAGOFFSET, 4],
  [Field.IPOPTS, 4096],
  [Field.STREAM, 512],
  [Field.TCP_ACK, 4294967295],
  [Field.TCP_RES, 16],
  [Field.TCP_OPTS, 256],
  [Field.TCP_MSS, 4],
  [Field.TCP_WSCALE, 16],
  [Field.ICMP_ID, 4],
  [Field.ICMP_SEQ, 4],
  [Field.ICMP_MTU, 1500],
  [Field.VLAN_LAYERS, 3],
  [Field.VLAN_ID0, 4],
  [Field.VLAN_ID1, 4],
  [Field.FRAGMENT, 2],
  [Field.FLOW, 64],
  [Field.FLOW, 64],
  [Field.FLOW, 64],
  [Field.DECODE1, 4294967295],
  [Field.DECODE2, 4294967295],
];

function condition(r: Random, fields: readonly (readonly [Field, number])[]): Condition {
  const [field, size] = r.pick(fields);
  const mask = r.chance(70) ? 0xffffffff : r.int(size);
  const wide = r.chance(60);
  const lo = wide ? r.int(Math.ceil(size / 2)) : r.int(Math.min(size, 4));
  return { field, negate: r.chance(20), mask, lo, hi: wide ? Math.min(lo + r.int(size), 0xffffffff) : lo };
}

const PROTOCOLS: readonly { protocol: string; ipProtocols?: number[]; anyFrame?: true }[] = [
  { protocol: 'ip' },
  { protocol: 'ipv4' },
  { protocol: 'ipv6' },
  { protocol: 'tcp', ipProtocols: [6] },
  { protocol: 'tcp', ipProtocols: [6] },
  { protocol: 'udp', ipProtocols: [17] },
  { protocol: 'icmp', ipProtocols: [1, 58] },
  { protocol: 'pkthdr', anyFrame: true },
];

/** @param fields that conditions are about, with how many values each is likely to have */
export function randomRule(r: Random, sid: number, fields = VALUES): Rule {
  const { protocol, ipProtocols, anyFrame } = r.pick(PROTOCOLS);
  const position = { file: 'random.rules', line: sid, column: 1 };
  const conditions = Array.from({ length: r.int(3) }, () => condition(r, fields));
  const matches = conditions.map((one): HeaderMatch => ({
    kind: 'header',
    keyword: 'random',
    position,
    conditions: [one],
  }));
  const listed = Array.from({ length: r.chance(15) ? 1 : 0 }, (): AddressMatch => {
    const side = r.pick(['src', 'dst', 'both', 'any'] as const);
    return { kind: 'address', keyword: 'geoip', position, side, set: endpoint(r).addresses };
  });
  const actions = [Action.PASS, Action.DROP, Action.REJECT, Action.ALERT, Action.ALERT];
  return {
    position,
    text: `random ${sid}`,
    action: r.pick(actions),
    reject: { source: true, destination: false, ends: true },
    protocol,
    ...(ipProtocols === undefined ? {} : { ipProtocols }),
    anyFrame: anyFrame === true,
    ways: waysOf({ source: endpoint(r), destination: endpoint(r) }, r.chance(25), listed),
    meta: {
      sid,
      gid: 1,
      rev: 1,
      msg: 'random',
      category: '',
      priority: 1 + r.int(4),
      references: [],
      metadata: [],
      noalert: false,
    },
    matches,
  };
}

/** An address at the edge of one that a rule names, mostly. */
export function randomAddress(r: Random, rules: readonly Rule[]): bigint {
  if (rules.length > 0 && r.chance(80)) {
    const rule = r.pick(rules);
    const way = rule.ways[r.int(rule.ways.length)];
    if (!way) return r.pick(BASES);
    const range = r.pick((r.chance(50) ? way.source : way.destination).addresses);
    const edge = [range.from, range.to, range.from - 1n, range.to + 1n, (range.from + range.to) >> 1n][r.int(5)] ?? 0n;
    return edge < 0n ? 0n : edge > END ? END : edge;
  }
  return r.pick(BASES) + BigInt(r.int(2000));
}

export function randomPort(r: Random): number {
  return r.chance(80) ? r.pick(PORTS) : r.int(65536);
}

/** A packet whose fields fit together as those of a parsed frame do. */
export function randomPacket(r: Random, rules: readonly Rule[]): TestPacket {
  const fields = new Map<Field, number>([
    [Field.DECODE0, r.chance(80) ? 0 : r.int(4294967295)],
    [Field.DECODE1, 0],
  ]);
  if (r.chance(3)) return { protocol: Limit.PROTO_NONE, src: 0n, dst: 0n, sport: undefined, dport: undefined, fields };
  const protocol = r.pick([6, 6, 6, 17, 17, 1, 58, 47, r.int(256)]);
  const src = randomAddress(r, rules);
  const dst = r.chance(5) ? src : randomAddress(r, rules);
  const read = r.chance(90);
  fields.set(Field.IP_VERSION, src >> 32n === 0xffffn ? 4 : 6);
  fields.set(Field.TTL, r.int(256)).set(Field.TOS, r.int(4)).set(Field.IP_ID, r.int(65536));
  fields
    .set(Field.FRAGBITS, r.int(8))
    .set(Field.IP_PROTO, protocol)
    .set(Field.SAMEIP, src === dst ? 1 : 0);
  if (read) fields.set(Field.DSIZE, r.int(1500));
  if (read && protocol === 6) fields.set(Field.TCP_FLAGS, r.int(256)).set(Field.TCP_WINDOW, r.int(65536));
  if (read && protocol === 6) fields.set(Field.TCP_SEQ, r.int(4294967295));
  if (read && (protocol === 1 || protocol === 58))
    fields.set(Field.ICMP_TYPE, r.int(256)).set(Field.ICMP_CODE, r.int(16));
  const ports = read && (protocol === 6 || protocol === 17);
  return {
    protocol,
    src,
    dst,
    sport: ports ? randomPort(r) : undefined,
    dport: ports ? randomPort(r) : undefined,
    fields,
  };
}
