// SPDX-License-Identifier: Apache-2.0
// Every decode reason: the smallest change to a good packet that brings it about, and that it alone is counted.

import t from 'tap';
import type { Reason } from '../../common/abi.gen.js';
import { ReasonNames } from '../../common/abi.gen.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { ethernet, icmp, ip, tcp, udp } from './support/frames.js';
import { At, chain6, extension as x, Next, other, padded, patch, payloadOf } from './support/packets.js';
import { Rig } from './support/rig.js';
import { install } from './support/rules.js';
import { erspan2, geneve, gre, nsh, nshFrame, packetOf, vxlan } from './support/tunnels.js';

const skip = whyUnprivileged() ?? false;

const v4 = { src: '192.0.2.1', dst: '198.51.100.2' };
const v6 = { src: '2001:db8::1', dst: '2001:db8::2' };
const segment6 = payloadOf(tcp({ ...v6, payload: 'hello' }));
const options = (...bytes: number[]): Uint8Array => tcp({ ...v4, options: Uint8Array.from(bytes) });
const inner = packetOf(udp(v4));
const tcpOptions = (...bytes: number[]): Uint8Array => tcp({ ...v4, tcpOptions: Uint8Array.from(bytes) });
const of6 = (extensions: Parameters<typeof chain6>[1], next: number = Next.TCP, payload = segment6): Uint8Array =>
  chain6(v6, extensions, next, payload);

type Name = Extract<keyof typeof Reason, `DECODE_${string}`>;
interface Case {
  readonly frame: Uint8Array;
  /** Further reasons of the same packet. */
  readonly also?: readonly Name[];
  /** Headers could not be read to the end. */
  readonly fatal?: true;
  /** And what is behind them is none of ours. */
  readonly other?: true;
}

const cases: Partial<Record<Name, readonly Case[]>> = {
  DECODE_VLAN_SHORT: [
    { frame: ethernet(0x8100, Uint8Array.of(0, 1, 8)), fatal: true },
    { frame: ethernet(0x88a8, Uint8Array.of(0, 1, 0x81, 0, 0, 2)), fatal: true },
  ],
  DECODE_VLAN_DEPTH: [{ frame: tcp({ ...v4, vlan: [1, 2, 3] }), fatal: true }],
  DECODE_IP4_SHORT: [{ frame: tcp(v4).slice(0, At.ip + 19), fatal: true }],
  DECODE_IP4_VERSION: [{ frame: patch(tcp(v4), { [At.ip]: 0x65 }), fatal: true }],
  DECODE_IP4_IHL: [{ frame: patch(tcp(v4), { [At.ip]: 0x44 }), fatal: true }],
  DECODE_IP4_LENGTH: [{ frame: patch(tcp(v4), { [At.ip + 2]: [0, 19] }), fatal: true }],
  DECODE_IP4_TRUNCATED: [{ frame: patch(tcp(v4), { [At.ip + 2]: [0, 41] }), fatal: true }],
  DECODE_IP4_OPT: [{ frame: options(82, 8, 0, 0, 0, 0, 0, 0) }],
  DECODE_IP4_OPT_UNKNOWN: [{ frame: options(0x3e, 8, 0, 0, 0, 0, 0, 0), also: ['DECODE_IP4_OPT'] }],
  DECODE_IP4_OPT_LEN: [
    { frame: options(7, 9, 4, 0, 0, 0, 0, 0) },
    { frame: options(7, 1, 4, 0, 0, 0, 0, 0) },
    { frame: options(148, 3, 0, 1, 1, 1, 1, 1) },
    { frame: options(136, 8, 0, 0, 0, 0, 0, 0) },
    { frame: options(68, 4, 5, 0, 1, 1, 1, 1) },
    { frame: options(131, 2, 1, 1, 1, 1, 1, 1) },
    { frame: options(25, 7, 0, 0, 0, 0, 0, 1) },
  ],
  DECODE_IP4_OPT_DUP: [{ frame: options(148, 4, 0, 0, 148, 4, 0, 0) }],
  DECODE_IP4_OPT_MALFORMED: [
    { frame: options(7, 7, 3, 0, 0, 0, 0, 1) },
    { frame: options(7, 7, 12, 0, 0, 0, 0, 1) },
    { frame: options(68, 8, 4, 0, 0, 0, 0, 0) },
    { frame: options(68, 8, 9, 1, 0, 0, 0, 0) },
    { frame: options(134, 10, 0, 0, 0, 1, 1, 4, 9, 0, 1, 1, 1, 1, 1, 1) },
    { frame: options(134, 10, 0, 0, 0, 1, 3, 4, 0, 0, 1, 1, 1, 1, 1, 1) },
  ],
  DECODE_IP4_OPT_EOL: [{ frame: options(1, 1, 1, 1, 1, 1, 1, 7) }],
  DECODE_IP4_OPT_PAD: [{ frame: options(148, 4, 0, 0) }],
  DECODE_IP4_FRAG_BIG: [{ frame: ip({ ...v4, fragment: 8189 }, 17, new Uint8Array(32)) }],
  DECODE_IP4_FRAG_TINY: [
    { frame: ip({ ...v4, fragment: 0x2000 }, 6, new Uint8Array(16)), fatal: true },
    { frame: ip({ ...v4, fragment: 0x2000 }, 17, new Uint8Array(7)), fatal: true },
    { frame: ip({ ...v4, fragment: 0x2000 }, 1, new Uint8Array(0)), fatal: true },
    {
      frame: patch(ip({ ...v4, fragment: 0x2000 }, 6, new Uint8Array(24)), { [At.ip4Payload + 12]: 0x80 }),
      also: ['DECODE_TCP_DOFF_LONG'],
      fatal: true,
    },
  ],
  DECODE_IP4_FRAG_OVERLAP: [{ frame: ip({ ...v4, fragment: 1 }, 6, new Uint8Array(24)) }],
  DECODE_IP4_ICMP6: [{ frame: ip(v4, 58, payloadOf(icmp(v6))) }],
  DECODE_IP6_SHORT: [{ frame: tcp(v6).slice(0, At.ip + 39), fatal: true }],
  DECODE_IP6_VERSION: [{ frame: patch(tcp(v6), { [At.ip]: 0x45 }), fatal: true }],
  DECODE_IP6_TRUNCATED: [{ frame: patch(tcp(v6), { [At.ip + 4]: [0, 21] }), fatal: true }],
  DECODE_IP6_EXT_SHORT: [
    { frame: ip(v6, Next.HOP, Uint8Array.of(6, 0, 1, 4, 0, 0, 0)), fatal: true },
    { frame: ip(v6, Next.HOP, Uint8Array.of(6, 1, 1, 4, 0, 0, 0, 0)), fatal: true },
    { frame: ip(v6, Next.FRAGMENT, Uint8Array.of(6)), fatal: true },
    { frame: ip(v6, Next.AH, Uint8Array.of(6, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2)), fatal: true },
  ],
  DECODE_IP6_EXT_LONG: [
    {
      frame: of6(Array.from({ length: 9 }, () => x.dest())),
      also: ['DECODE_IP6_DUP_DH'],
      fatal: true,
    },
  ],
  DECODE_IP6_DUP_FH: [{ frame: of6([x.fragment(0, false), x.fragment(0, false)]), also: ['DECODE_IP6_USELESS_FH'] }],
  DECODE_IP6_DUP_RH: [{ frame: of6([x.routing(), x.routing()]) }],
  DECODE_IP6_DUP_HH: [{ frame: of6([x.hop(), x.hop()]) }],
  DECODE_IP6_DUP_DH: [{ frame: of6([x.dest(), x.dest(), x.dest()]) }],
  DECODE_IP6_DUP_AH: [{ frame: of6([x.auth(), x.auth()]) }],
  DECODE_IP6_RH0: [{ frame: of6([x.routing(0)]) }],
  DECODE_IP6_USELESS_FH: [{ frame: of6([x.fragment(0, false)]) }],
  DECODE_IP6_OPT_LEN: [
    { frame: of6([x.hop([1, 5, 0, 0, 0, 0])]) },
    { frame: of6([x.hop([1, 3, 0, 0, 0, 1])]) },
    { frame: of6([x.hop([5, 1, 0, 1, 1, 0])]) },
    { frame: of6([x.dest([0xc2, 3, 0, 0, 0, 0])]) },
    { frame: of6([x.dest([...Array<number>(38).fill(0)])]) },
  ],
  DECODE_IP6_AH_RES: [{ frame: patch(of6([x.auth()]), { [At.ip6Payload + 3]: 1 }) }],
  DECODE_IP6_FH_RES: [{ frame: patch(of6([x.fragment(0, true)]), { [At.ip6Payload + 1]: 1 }) }],
  DECODE_IP6_NONE_DATA: [
    { frame: ip(v6, Next.NONE, Uint8Array.of(1)) },
    { frame: of6([x.dest()], Next.NONE, Uint8Array.of(1)) },
  ],
  DECODE_IP6_FRAG_BIG: [{ frame: of6([x.fragment(8190, false)], Next.UDP, new Uint8Array(32)) }],
  DECODE_IP6_FRAG_TINY: [
    { frame: of6([x.fragment(0, true)], Next.TCP, segment6.slice(0, 16)), fatal: true },
    { frame: of6([x.fragment(0, true)], Next.ICMP6, new Uint8Array(0)), fatal: true },
  ],
  DECODE_IP6_FRAG_OVERLAP: [{ frame: of6([x.fragment(1, false)], Next.TCP, new Uint8Array(24)) }],
  DECODE_IP6_ICMP4: [{ frame: ip(v6, 1, payloadOf(icmp(v4))) }],
  DECODE_TCP_SHORT: [
    { frame: ip(v4, 6, payloadOf(tcp(v4)).slice(0, 19)), fatal: true },
    { frame: ip(v6, 6, payloadOf(tcp(v6)).slice(0, 19)), fatal: true },
    { frame: ip(v4, 6, new Uint8Array(0)), fatal: true },
  ],
  DECODE_TCP_DOFF: [{ frame: patch(tcp(v4), { [At.ip4Payload + 12]: 0x40 }), also: ['DECODE_TCP_OPT'], fatal: true }],
  DECODE_TCP_OPT: [{ frame: patch(tcp(v6), { [At.ip6Payload + 12]: 0 }), also: ['DECODE_TCP_DOFF'], fatal: true }],
  DECODE_TCP_DOFF_LONG: [{ frame: patch(tcp(v4), { [At.ip4Payload + 12]: 0x60 }), fatal: true }],
  DECODE_TCP_OPT_LEN: [
    { frame: tcpOptions(2, 3, 5, 1) },
    { frame: tcpOptions(2, 0, 1, 1) },
    { frame: tcpOptions(1, 1, 2, 4) },
    { frame: tcpOptions(3, 4, 7, 1) },
    { frame: tcpOptions(4, 3, 0, 1) },
    { frame: tcpOptions(5, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) },
    { frame: tcpOptions(8, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) },
    { frame: tcpOptions(19, 4, 0, 0) },
    { frame: tcpOptions(29, 3, 0, 0) },
    { frame: tcpOptions(34, 5, 0, 0, 0, 0, 0, 0) },
    { frame: tcpOptions(254, 5, 0xf9, 0x89, 0, 0, 0, 0) },
  ],
  DECODE_TCP_OPT_DUP: [
    { frame: tcpOptions(2, 4, 5, 180, 2, 4, 5, 180) },
    { frame: tcpOptions(3, 3, 7, 3, 3, 7, 0, 0) },
    { frame: tcpOptions(34, 2, 253, 4, 0xf9, 0x89, 0, 0) },
  ],
  DECODE_UDP_SHORT: [{ frame: ip(v4, 17, payloadOf(udp(v4)).slice(0, 7)), fatal: true }],
  DECODE_UDP_LENGTH: [{ frame: patch(udp(v4), { [At.ip4Payload + 4]: [0, 7] }), fatal: true }],
  DECODE_UDP_TRUNCATED: [{ frame: patch(udp(v6), { [At.ip6Payload + 4]: [0, 9] }), fatal: true }],
  DECODE_ICMP4_SHORT: [{ frame: ip(v4, 1, Uint8Array.of(8, 0, 0, 0, 0, 0, 0)), fatal: true }],
  DECODE_ICMP4_TYPE: [{ frame: icmp({ ...v4, type: 1 }) }, { frame: icmp({ ...v4, type: 255 }) }],
  DECODE_ICMP4_CODE: [
    { frame: icmp({ ...v4, code: 1 }) },
    { frame: icmp({ ...v4, type: 3, code: 16 }) },
    { frame: icmp({ ...v4, type: 5, code: 4 }) },
    { frame: icmp({ ...v4, type: 11, code: 2 }) },
  ],
  DECODE_ICMP6_SHORT: [{ frame: ip(v6, 58, Uint8Array.of(128, 0, 0, 0, 0, 0, 0)), fatal: true }],
  DECODE_ICMP6_TYPE: [{ frame: icmp({ ...v6, type: 255 }) }, { frame: icmp({ ...v6, type: 127 }) }],
  DECODE_ICMP6_CODE: [
    { frame: icmp({ ...v6, code: 1 }) },
    { frame: icmp({ ...v6, type: 1, code: 7 }) },
    { frame: icmp({ ...v6, type: 138, code: 3 }) },
    { frame: icmp({ ...v6, type: 155, code: 4 }) },
    { frame: icmp({ ...v6, type: 155, code: 133 }) },
  ],
  DECODE_ICMP6_UNASSIGNED: [{ frame: icmp({ ...v6, type: 5 }) }, { frame: icmp({ ...v6, type: 199 }) }],
  DECODE_GRE_SHORT: [{ frame: ip(v4, 47, Uint8Array.of(0, 0, 8)), fatal: true }],
  DECODE_GRE_VERSION: [{ frame: gre(v4, 2, 0x800, [], inner), fatal: true }],
  DECODE_GRE0_RECUR: [{ frame: gre(v4, 0x0100, 0x800, [], inner) }],
  DECODE_GRE0_FLAGS: [{ frame: gre(v4, 0x0008, 0x800, [], inner) }],
  DECODE_GRE0_LONG: [{ frame: gre(v4, 0xb000, 0x800, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], []), fatal: true }],
  DECODE_GRE0_SRE: [
    { frame: gre(v4, 0x4000, 0x800, [0, 0, 0, 0, 8, 0, 0, 9], [1, 2, 3, 4]), fatal: true },
    { frame: gre(v4, 0x4000, 0x800, [0, 0, 0, 0, ...Array<number>(32).fill(8).fill(0, 3, 4)], inner), fatal: true },
  ],
  DECODE_GRE1_CHECKSUM: [{ frame: gre(v4, 0xa001, 0x880b, [0, 0, 0, 0], []) }],
  DECODE_GRE1_ROUTE: [{ frame: gre(v4, 0x6001, 0x880b, [0, 0, 0, 0], []) }],
  DECODE_GRE1_SSR: [{ frame: gre(v4, 0x2801, 0x880b, [0, 0, 0, 0], []) }],
  DECODE_GRE1_RECUR: [{ frame: gre(v4, 0x2101, 0x880b, [0, 0, 0, 0], []) }],
  DECODE_GRE1_FLAGS: [{ frame: gre(v4, 0x2011, 0x880b, [0, 0, 0, 0], []) }],
  DECODE_GRE1_NO_KEY: [{ frame: gre(v4, 1, 0x880b, [], []) }],
  DECODE_GRE1_PROTOCOL: [{ frame: gre(v4, 0x2001, 0x26, [0, 0, 0, 0], []) }],
  DECODE_GRE1_LONG: [{ frame: gre(v4, 0x3081, 0x880b, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], []), fatal: true }],
  DECODE_ERSPAN_SHORT: [{ frame: gre(v4, 0x1000, 0x88be, [0, 0, 0, 0], [0x10, 0, 0, 0, 0, 0, 0]) }],
  DECODE_ERSPAN_VERSION: [{ frame: gre(v4, 0x1000, 0x88be, [0, 0, 0, 0], [0x20, 0, 0, 0, 0, 0, 0, 0, ...inner]) }],
  DECODE_ERSPAN_VLANS: [{ frame: erspan2(v4, 9, tcp({ ...v4, vlan: [1, 2] })) }],
  DECODE_VXLAN_PAYLOAD: [{ frame: vxlan(v4, inner, 4790, [0x0c, 0, 0, 9, 0, 0, 1, 0]) }],
  DECODE_GENEVE_PAYLOAD: [{ frame: geneve(v4, 0x26, inner) }],
  DECODE_NSH_SHORT: [{ frame: nshFrame(1, []).slice(0, 21), fatal: true }],
  DECODE_NSH_VERSION: [{ frame: nshFrame(1, inner, [0x40, 6, 1, 1]), other: true }],
  DECODE_NSH_LENGTH: [
    { frame: nshFrame(1, []), fatal: true },
    { frame: nshFrame(1, inner, [0, 5, 1, 1]), fatal: true },
    { frame: nshFrame(1, inner, [0, 1, 2, 1]), fatal: true },
  ],
  DECODE_NSH_RESERVED: [{ frame: nshFrame(1, inner, [0, 6, 0, 1]), other: true }],
  DECODE_NSH_TYPE: [{ frame: nshFrame(1, inner, [0, 6, 3, 1]), other: true }],
  DECODE_NSH_PAYLOAD: [
    { frame: nshFrame(9, inner), other: true },
    { frame: vxlan(v4, nsh(9, inner), 4790, [0x0c, 0, 0, 4, 0, 0, 1, 0]) },
  ],
  DECODE_IP6_IN4_SHORT: [{ frame: ip(v6, 4, inner.slice(0, 19)), fatal: true }],
  DECODE_IP6_IN4_VERSION: [{ frame: ip(v6, 4, new Uint8Array(20)), fatal: true }],
  DECODE_IP6_IN6_SHORT: [{ frame: ip(v6, 41, new Uint8Array(39).fill(0x60)), fatal: true }],
  DECODE_IP6_IN6_VERSION: [{ frame: ip(v6, 41, new Uint8Array(40)), fatal: true }],
  DECODE_ICMP6_EXPERIMENT: [{ frame: icmp({ ...v6, type: 100 }) }, { frame: icmp({ ...v6, type: 201 }) }],
};

const good: Record<string, Uint8Array> = {
  'TCP with the usual options of a SYN': tcpOptions(2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7),
  'TCP with an empty SACK': tcpOptions(5, 2, 1, 1),
  'TCP with three SACK blocks': tcpOptions(1, 1, 5, 26, ...Array<number>(24).fill(9)),
  'TCP with an unknown option': tcpOptions(99, 4, 1, 2),
  'TCP with bytes behind the end of options': tcpOptions(0, 2, 2, 2),
  'IPv4 with record route': options(7, 7, 4, 0, 0, 0, 0, 0),
  'IPv4 with a timestamp of addresses': options(68, 12, 5, 1, ...Array<number>(8).fill(0), 0, 0, 0, 0),
  'IPv4 with a commercial security option': options(134, 10, 0, 0, 0, 1, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0),
  'IPv6 with hop-by-hop and two destination headers': of6([x.hop(), x.dest(), x.routing(), x.dest()]),
  'IPv6 with a router alert': of6([x.hop([5, 2, 0, 0, 1, 0])], 58, payloadOf(icmp(v6))),
  'IPv6 with AH': of6([x.auth()]),
  'IPv6 with eight extension headers': of6([
    x.hop(),
    x.dest(),
    x.routing(),
    x.auth(),
    [135, [0, 0, 0, 0, 0, 0, 0, 0]],
    [139, [0, 0, 0, 0, 0, 0, 0, 0]],
    [140, [0, 0, 0, 0, 0, 0, 0, 0]],
    x.dest(),
  ]),
  'IPv6 without a next header': ip(v6, Next.NONE, new Uint8Array(0)),
  'a first fragment of UDP, shorter than its datagram': patch(
    ip({ ...v4, fragment: 0x2000 }, 17, payloadOf(udp({ ...v4, payload: 'x'.repeat(16) }))),
    { [At.ip4Payload + 4]: [5, 0] },
  ),
  'a later fragment': ip({ ...v4, fragment: 3 }, 6, new Uint8Array(8)),
  'a short frame padded by Ethernet': padded(udp({ ...v4, payload: 'x' }), 60),
  'UDP with bytes behind the datagram': patch(udp({ ...v4, payload: 'xyz' }), { [At.ip4Payload + 4]: [0, 9] }),
  GRE: ip(v4, 47, new Uint8Array(8)),
  'router advertisement': icmp({ ...v4, type: 9, code: 16 }),
  'neighbour solicitation': icmp({ ...v6, type: 135 }),
};

t.test('each reason is produced by the packets that have it, and counted', { skip }, async (t) => {
  const rig = Rig.open(t);
  install(rig, []);
  for (const [name, list] of Object.entries(cases)) {
    for (const [i, { frame, also = [], fatal, other: foreign }] of list.entries()) {
      // Fragments of one case shall not meet those of another.
      rig.advance(61);
      const seen = rig.send(frame);
      const want = Object.fromEntries([name, ...also].map((reason) => [reason, 1]));
      t.same(seen.decodes, want, `${name} #${i}`);
      t.same(
        seen.reasons,
        { [fatal ? 'MALFORMED' : foreign ? 'NOT_IP' : 'CLEAN']: 1 },
        `${name} #${i} is counted once`,
      );
      t.equal(seen.verdict, 2, `${name} #${i} passes`);
    }
  }
});

t.test('good packets have no reason', { skip }, async (t) => {
  const rig = Rig.open(t);
  install(rig, []);
  for (const [name, frame] of Object.entries(good)) {
    const seen = rig.send(frame);
    t.same(seen.decodes, {}, name);
    t.same(seen.reasons, { CLEAN: 1 }, name);
  }
  for (const type of [0x0806, 0x88cc, 0x0026]) t.same(rig.send(other(type)).reasons, { NOT_IP: 1 }, type.toString(16));
});

t.test('no reason is without a case', async (t) => {
  const names = Object.values(ReasonNames).filter((name) => name.startsWith('DECODE_'));
  /* A frame shorter than its Ethernet header cannot be made here: BPF_PROG_TEST_RUN refuses it. */
  const missing = names.filter((name) => name !== 'DECODE_ETH_SHORT' && cases[name as Name] === undefined);
  t.same(missing, []);
});

t.test('cut off at every byte: a reason, a verdict, one count', { skip }, async (t) => {
  const rig = Rig.open(t);
  install(rig, []);
  const whole = { ...good, 'two tags': tcp({ ...v6, vlan: [1, 2], payload: 'x' }), ...flattened() };
  let sent = 0;
  for (const [name, frame] of Object.entries(whole)) {
    for (let length = 14; length < frame.length; length++) {
      const seen = rig.send(frame.slice(0, length));
      const counted = Object.values(seen.reasons).reduce((sum, n) => sum + n, 0);
      const reasons = Object.keys(seen.decodes).length;
      if (counted !== 1 || seen.verdict !== 2 || (reasons === 0 && !seen.reasons['NOT_IP'])) {
        const padding = /padded by Ethernet/.test(name) && length >= 43;
        t.ok(padding, `${name} cut to ${length}: ${JSON.stringify(seen.reasons)} ${JSON.stringify(seen.decodes)}`);
      }
      sent++;
    }
  }
  t.ok(sent > 2000, `${sent} frames`);
});

function flattened(): Record<string, Uint8Array> {
  return Object.fromEntries(
    Object.entries(cases).flatMap(([name, list]) => list.map(({ frame }, i) => [`${name} #${i}`, frame] as const)),
  );
}
