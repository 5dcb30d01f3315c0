// SPDX-License-Identifier: Apache-2.0
// What the parser reads, as the event of a rule that matches every packet shows it.

import t from 'tap';
import { EventFlag } from '../../common/abi.gen.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { icmp, ip, TCP, tcp, udp } from './support/frames.js';
import { At, chain6, extension as x, Next, other, padded, patch, payloadOf } from './support/packets.js';
import { Rig, type SeenEvent } from './support/rig.js';
import { install, setFlags } from './support/rules.js';

const skip = whyUnprivileged() ?? false;
const v4 = { src: '192.0.2.1', dst: '198.51.100.2' };
const v6 = { src: '2001:db8::1', dst: '2001:db8::2' };
const segment6 = payloadOf(tcp({ ...v6, payload: 'hello' }));
const { EVENT_PORTS: PORTS, EVENT_L4: L4, EVENT_FRAGMENT: FRAGMENT } = EventFlag;

interface Case {
  readonly frame: Uint8Array;
  readonly want: Partial<SeenEvent>;
}

const cases: Record<string, Case> = {
  TCP: {
    frame: patch(
      tcp({
        ...v4,
        sport: 1,
        dport: 65535,
        flags: TCP.PSH | TCP.ACK,
        seq: 0xfffffffe,
        ack: 7,
        window: 9,
        payload: 'abc',
      }),
      { [At.ip4Payload + 18]: [1, 2] },
    ),
    want: {
      ...{ ...v4, sport: 1, dport: 65535, proto: 6, ipVersion: 4, tcpFlags: 24, seq: 0xfffffffe, ack: 7, window: 9 },
      ...{ urgent: 258, payloadLen: 3, ipLen: 43, frameLen: 57, flags: PORTS | L4, vlans: 0, decode0: 0, decode1: 0 },
    },
  },
  'IPv4 header fields': {
    frame: udp({ ...v4, ttl: 3, tos: 0xb8, id: 0xabcd, payload: 'x' }),
    want: { ttl: 3, tos: 0xb8, ipId: 0xabcd, proto: 17, payloadLen: 1, ipLen: 29, sport: 40000, dport: 53 },
  },
  'Ethernet padding is not payload': {
    frame: padded(udp({ ...v4, payload: 'x' }), 60),
    want: { frameLen: 60, ipLen: 29, payloadLen: 1 },
  },
  'bytes behind a UDP datagram are not payload': {
    frame: patch(udp({ ...v4, payload: 'xyz' }), { [At.ip4Payload + 4]: [0, 9] }),
    want: { payloadLen: 1 },
  },
  'ICMP: type and code in place of ports': {
    frame: icmp({ ...v4, type: 8, icmpId: 0x1234, seq: 5, payload: 'ping' }),
    want: { proto: 1, sport: 8, dport: 0, icmpId: 0x1234, icmpSeq: 5, payloadLen: 4, flags: L4 },
  },
  ICMPv6: {
    frame: icmp({ ...v6, type: 1, code: 4, payload: 'xx' }),
    want: { ...v6, proto: 58, sport: 1, dport: 4, icmpId: 0, payloadLen: 2, flags: L4, ipVersion: 6 },
  },
  'IPv6 header fields': {
    frame: udp({ ...v6, ttl: 1, tos: 0x2e, payload: 'xy' }),
    want: { ...v6, ttl: 1, tos: 0x2e, ipLen: 50, ipId: 0, proto: 17, payloadLen: 2, flags: PORTS | L4 },
  },
  'behind all extension headers': {
    frame: chain6(v6, [x.hop(), x.dest(), x.routing(), x.auth(), x.dest()], Next.TCP, segment6),
    want: { ...v6, proto: 6, sport: 40000, dport: 80, payloadLen: 5, flags: PORTS | L4 },
  },
  'a long extension header': {
    frame: chain6(
      v6,
      [x.dest([1, 254, ...Array<number>(254).fill(0), 1, 252, ...Array<number>(252).fill(0)])],
      Next.TCP,
      segment6,
    ),
    want: { proto: 6, dport: 80, payloadLen: 5, decode0: 0, decode1: 0 },
  },
  'the first fragment has ports': {
    frame: ip({ ...v4, fragment: 0x2000 }, 17, payloadOf(udp({ ...v4, dport: 9, payload: 'x' }))),
    want: { dport: 9, flags: PORTS | L4 | FRAGMENT },
  },
  'a later fragment has none': {
    frame: ip({ ...v4, fragment: 0x2001 }, 17, payloadOf(udp({ ...v4, dport: 9, payload: 'x' }))),
    want: { proto: 17, sport: 0, dport: 0, payloadLen: 0, flags: FRAGMENT },
  },
  'the first IPv6 fragment has ports': {
    frame: chain6(v6, [x.fragment(0, true)], Next.TCP, segment6),
    want: { dport: 80, flags: PORTS | L4 | FRAGMENT },
  },
  'a later IPv6 fragment has none': {
    frame: chain6(v6, [x.fragment(185, true)], Next.TCP, segment6),
    want: { proto: 6, dport: 0, tcpFlags: 0, flags: FRAGMENT },
  },
  'an IPv6 fragment header on a whole packet': {
    frame: chain6(v6, [x.fragment(0, false)], Next.TCP, segment6),
    want: { dport: 80, flags: PORTS | L4 },
  },
  'one tag': { frame: tcp({ ...v4, vlan: [100] }), want: { ...v4, vlans: 1, vlan0: 100, vlan1: 0, frameLen: 58 } },
  'two tags': { frame: tcp({ ...v6, vlan: [4095, 1] }), want: { ...v6, vlans: 2, vlan0: 4095, vlan1: 1 } },
  'another protocol': {
    frame: ip(v4, 132, new Uint8Array(20)),
    want: { proto: 132, sport: 0, payloadLen: 0, flags: 0 },
  },
  'a TCP header that cannot be read has no ports': {
    frame: ip(v4, 6, new Uint8Array(19)),
    want: { ...v4, proto: 6, sport: 0, flags: 0 },
  },
};

t.test('fields', { skip }, async (t) => {
  const rig = Rig.open(t);
  setFlags(rig, 'CONTROL_UNLIMITED');
  install(rig, 'alert ip any any -> any any (msg:"all"; ttl:>0; sid:1;)');
  for (const [name, { frame, want }] of Object.entries(cases)) {
    const seen = rig.send(frame, { ifindex: 1 });
    t.equal(seen.events.length, 1, name);
    const event = seen.events[0];
    for (const [key, value] of Object.entries(want)) t.equal(event?.[key as keyof SeenEvent], value, `${name}: ${key}`);
  }
});

t.test('MAC addresses, time and packet number', { skip }, async (t) => {
  const rig = Rig.open(t);
  setFlags(rig, 'CONTROL_UNLIMITED');
  install(rig, 'alert ip any any -> any any (msg:"all"; ttl:>0; sid:1;)', 77);
  rig.advance(2.5);
  const seen = rig.send(tcp(v4));
  const [event] = seen.events;
  t.equal(event?.time, rig.now);
  t.equal(event?.packet, 1);
  t.equal(event?.generation, 77);
  const seconds = rig.send(tcp(v4)).events[0];
  t.equal(seconds?.packet, 2);
});

t.test('headers of a frame that does not lie in one piece', { skip }, async (t) => {
  const rig = Rig.open(t);
  setFlags(rig, 'CONTROL_UNLIMITED');
  install(rig, 'alert tcp any any -> any 8080 (msg:"far"; sid:1;)');
  /* The kernel puts what is beyond a page into fragments: here the TCP header with its options. */
  const padding = Array<number>(254).fill(0);
  const long = x.dest(
    Array.from({ length: 7 }, () => [1, 254, ...padding])
      .flat()
      .concat([1, 252, ...Array<number>(252).fill(0)]),
  );
  const options = Uint8Array.of(2, 4, 5, 180, 3, 3, 7, 1);
  const payload = payloadOf(tcp({ ...v6, dport: 8080, tcpOptions: options, payload: 'far away' }));
  const frame = chain6(v6, [long, long], Next.TCP, payload);
  t.ok(frame.length > 4096, `${frame.length} bytes`);
  const seen = rig.send(frame);
  t.same(seen.decodes, {});
  t.match(seen.events, [{ dport: 8080, payloadLen: 8, proto: 6 }]);
  const cutOff = rig.send(patch(frame.slice(0, -20), {}));
  t.same(cutOff.decodes, { DECODE_IP6_TRUNCATED: 1 });
});

t.test('what is not IP raises nothing under an ip rule', { skip }, async (t) => {
  const rig = Rig.open(t);
  setFlags(rig, 'CONTROL_UNLIMITED');
  install(rig, 'alert ip any any -> any any (msg:"all"; ttl:>0; sid:1;)');
  for (const frame of [other(0x0806), other(0x0800), tcp(v4).slice(0, 30)]) t.same(rig.send(frame).events, []);
});
