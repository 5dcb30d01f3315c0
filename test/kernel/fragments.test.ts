// SPDX-License-Identifier: Apache-2.0
// Fragments of IPv4 and IPv6: put together in every order and judged as one packet, whatever is done to hide it.

import t from 'tap';
import { ControlFlag, Reason } from '../../common/abi.gen.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { icmp, tcp, TCP, udp } from './support/frames.js';
import { type Fragmented, fragment, fragmented, fragments, permutations } from './support/fragments.js';
import { chain6, extension, Next, patch, payloadOf } from './support/packets.js';
import { Rig } from './support/rig.js';
import { allow, block, install, setFlags, sidsOf } from './support/rules.js';

const skip = whyUnprivileged() ?? false;
const [PASS, DROP] = [2, 1];

const v4 = { src: '192.0.2.1', dst: '198.51.100.2' };
const v6 = { src: '2001:db8::1', dst: '2001:db8::2' };
const families = { IPv4: v4, IPv6: v6 };

/** 48 bytes behind the IP header: header and 40 of payload. */
const datagram = (part: typeof v4, id: number, dport = 9, text = 'abcdefgh'.repeat(5)): Fragmented =>
  fragmented(part, 17, udp({ ...part, dport, payload: text }), id);

const rules = [
  'alert udp any any -> any 9 (dsize:40; sid:1;)',
  'drop udp any any -> any 66 (dsize:40; sid:2;)',
  'alert udp any any -> any 10 (dsize:40; sid:3;)',
  'alert tcp any any -> any 80 (flags:S; sid:4;)',
  'alert icmp any any -> any any (itype:8; dsize:>60000; sid:5;)',
  'reject tcp any any -> any 99 (dsize:40; sid:7;)',
];

function open(
  t: Parameters<typeof Rig.open>[0],
  lines: readonly string[] = rules,
): {
  rig: Rig;
  /** What the frames did: verdicts, alerts by sid, and counters. */
  send: (frames: readonly Uint8Array[]) => {
    verdicts: number[];
    alerts: (number | undefined)[];
    stats: Record<string, number>;
    reasons: Record<string, number>;
    decodes: Record<string, number>;
  };
} {
  const rig = Rig.open(t);
  setFlags(rig, 'CONTROL_UNLIMITED');
  const sid = sidsOf(install(rig, lines));
  const sum = (into: Record<string, number>, more: Readonly<Record<string, number>>): void => {
    for (const [name, n] of Object.entries(more)) into[name] = (into[name] ?? 0) + n;
  };
  return {
    rig,
    send: (frames) => {
      const seen = frames.map((frame) => rig.send(frame));
      const out = {
        verdicts: [] as number[],
        alerts: [] as (number | undefined)[],
        stats: {},
        reasons: {},
        decodes: {},
      };
      for (const one of seen) {
        out.verdicts.push(one.verdict);
        out.alerts.push(...one.events.map(({ rule }) => sid(rule)));
        sum(out.stats, one.stats);
        sum(out.reasons, one.reasons);
        sum(out.decodes, one.decodes);
      }
      delete (out.stats as Record<string, number>)['EVENTS'];
      return out;
    },
  };
}

t.test('in every order: one datagram, whose verdict falls on the fragment that completes it', { skip }, async (t) => {
  const { rig, send } = open(t);
  for (const [name, part] of Object.entries(families)) {
    let id = 0;
    for (const cuts of [[16], [16, 32], [8, 16, 40]]) {
      for (const [i, order] of permutations(cuts.concat(48).map((_, n) => n)).entries()) {
        const sent = (dport: number): Uint8Array[] => {
          const pieces = fragments(datagram(part, ++id, dport), cuts);
          return order.flatMap((n) => pieces[n] ?? []);
        };
        const what = `${name} cut at ${cuts.join(', ')}, order ${i}`;
        t.match(send(sent(9)), { alerts: [1], stats: { REASSEMBLED: 1 }, decodes: {} }, what);
        const [frames, before] = [sent(66), order.length - 1];
        const dropped = send(frames);
        t.same(dropped.verdicts, [...Array<number>(before).fill(PASS), DROP], what);
        t.same(dropped.reasons, { CLEAN: before, RULE_DROP: 1 }, what);
        const again = send(frames.slice(-1));
        t.match(again, { verdicts: [DROP], reasons: { FRAGMENT: 1 }, stats: {} }, `${what}: sent again`);
      }
    }
  }
  rig.advance(61);
  t.match(send(fragments(datagram(v4, 4, 66), [16]).slice(1)).verdicts, [PASS], 'the number may be used again');
});

t.test('what is done to fragments', { skip }, async (t) => {
  let id = 1000;
  for (const [name, part] of Object.entries(families)) {
    const { rig, send } = open(t);
    const [four, overlap] = [name === 'IPv4', name === 'IPv4' ? 'DECODE_IP4_FRAG_OVERLAP' : 'DECODE_IP6_FRAG_OVERLAP'];
    const one = (dport?: number, text?: string): Fragmented => datagram(part, id, dport, text);
    const cases: Record<string, { frames: () => Uint8Array[]; want: object }> = {
      duplicates: {
        frames: () => fragments(one(), [16, 32]).flatMap((frame, i) => (i < 2 ? [frame, frame] : [frame])),
        want: { alerts: [1], stats: { REASSEMBLED: 1 }, decodes: {} },
      },
      'an overlap with the same content': {
        frames: () => [
          fragment(one(), { from: 0, to: 24 }),
          fragment(one(), { from: 8, to: 40 }),
          fragment(one(), { from: 16, to: 48 }),
        ],
        want: { alerts: [1], stats: { REASSEMBLED: 1 }, decodes: {} },
      },
      'an overlap with other content: the first wins': {
        frames: () => [
          fragment(one(9), { from: 0, to: 16 }),
          fragment(one(10), { from: 0, to: 16 }),
          fragment(one(9), { from: 16, to: 48 }),
        ],
        want: { alerts: [1], stats: { REASSEMBLED: 1, FRAGMENT_CONFLICTS: 1 }, decodes: { [overlap]: 1 } },
      },
      'the first wins also when it comes later in the datagram': {
        frames: () => [
          fragment(one(10), { from: 16, to: 48 }),
          fragment(one(10), { from: 0, to: 8 }),
          fragment(one(9, 'ABCDEFGH'.repeat(5)), { from: 0, to: 24 }),
        ],
        want: { alerts: [3], stats: { REASSEMBLED: 1, FRAGMENT_CONFLICTS: 1 } },
      },
      'teardrop: the second ends within the first': {
        frames: () => [
          fragment(one(), { from: 0, to: 40, more: true }),
          fragment(one(9, 'ABCDEFGH'.repeat(5)), { from: 24, to: 28, more: false }),
        ],
        want: { alerts: [], stats: { FRAGMENT_CONFLICTS: 1, FRAGMENTS_LOST: 1 }, decodes: { [overlap]: 1 } },
      },
      'bytes behind the end': {
        frames: () => [fragment(one(), { from: 24, to: 48 }), fragment(one(), { from: 40, to: 56, more: true })],
        want: { alerts: [], stats: { FRAGMENT_CONFLICTS: 1, FRAGMENTS_LOST: 1 } },
      },
      'a hole': { frames: () => fragments(one(), [16, 32]).filter((_, i) => i !== 1), want: { alerts: [], stats: {} } },
      'a length that is no multiple of 8, of one in the middle': {
        frames: () => [fragment(one(), { from: 0, to: 21, more: true }), fragment(one(), { from: 16, to: 48 })],
        want: { alerts: [1], stats: { REASSEMBLED: 1 } },
      },
      'no bytes at all': {
        frames: () => [fragment(one(), { from: 16, to: 16, more: true })],
        want: { stats: { FRAGMENTS_LOST: 1 } },
      },
      'another number, another VLAN': {
        frames: () => [
          fragment(one(), { from: 0, to: 24 }),
          fragment({ ...one(), id: 1 }, { from: 24, to: 48 }),
          fragment({ ...one(), vlan: [5] }, { from: 24, to: 48 }),
          fragment({ ...one(), dst: four ? '198.51.100.3' : '2001:db8::3' }, { from: 24, to: 48 }),
        ],
        want: { alerts: [], stats: {} },
      },
      'TCP, 8 bytes a fragment': {
        frames: () => fragments(fragmented(part, 6, tcp({ ...part, dport: 80 }), id), [8, 16]),
        want: { alerts: [4], stats: { REASSEMBLED: 1 } },
      },
      'a header of TCP that the second fragment would rewrite': {
        frames: () => [
          fragment(fragmented(part, 6, tcp({ ...part, flags: TCP.ACK, payload: 'xxxx' }), id), {
            from: 0,
            to: 16,
            more: true,
          }),
          fragment(fragmented(part, 6, tcp({ ...part, flags: TCP.SYN, payload: 'xxxx' }), id), { from: 8, to: 24 }),
        ],
        want: { alerts: [], stats: { REASSEMBLED: 1, FRAGMENT_CONFLICTS: 1 }, decodes: { [overlap]: 1 } },
      },
      'the largest there is, in large pieces': {
        frames: () => {
          const whole = fragmented(part, four ? 1 : 58, icmp({ ...part, payload: new Uint8Array(65507).fill(7) }), id);
          return fragments(whole, [8192, 16384, 24576, 32768, 40960, 49152, 57344]);
        },
        want: { alerts: four ? [5] : [], stats: { REASSEMBLED: 1 } },
      },
      'ping of death': {
        frames: () => [fragment({ ...one(), bytes: new Uint8Array(65600) }, { from: 65528, to: 65560, more: false })],
        want: {
          stats: { FRAGMENTS_LOST: 1 },
          decodes: { [four ? 'DECODE_IP4_FRAG_BIG' : 'DECODE_IP6_FRAG_BIG']: 1 },
        },
      },
    };
    for (const [what, { frames, want }] of Object.entries(cases)) {
      id += 1;
      const seen = send(frames());
      t.match(seen, want, `${name}: ${what}`);
      const { stats, alerts, decodes } = want as Partial<typeof seen>;
      if (stats) t.same(seen.stats, stats, `${name}: ${what}: counters`);
      if (alerts) t.same(seen.alerts, alerts, `${name}: ${what}: alerts`);
      if (decodes)
        t.same(
          Object.keys(seen.decodes).filter((key) => !/TINY/.test(key)),
          Object.keys(decodes),
        );
      rig.advance(0.01);
    }
    // The places are needed again: what never became whole is given up.
    rig.advance(61);
    const after = send(Array.from({ length: 50 }, (_, n) => fragment(datagram(part, 5000 + n), { from: 0, to: 16 })));
    t.equal(after.stats['FRAGMENTS_LOST'], 50 - 16 + 8, 'what timed out and what was displaced is counted');
  }
});

t.test(
  'IPv6: whole packets with a fragment header, and what the first fragment says is inside',
  { skip },
  async (t) => {
    const { send } = open(t);
    const atomic = chain6(v6, [extension.fragment(0, false)], Next.UDP, datagram(v6, 1).bytes);
    t.match(send([atomic, atomic]), { alerts: [1, 1], stats: {}, decodes: { DECODE_IP6_USELESS_FH: 2 } });
    const [first, second] = fragments(datagram(v6, 2), [16]) as [Uint8Array, Uint8Array];
    t.match(send([patch(second, { 54: Next.NONE }), first]).alerts, [1], 'a later fragment says something else');
    const inside = chain6(v6, [extension.dest()], Next.UDP, datagram(v6, 3).bytes);
    const whole: Fragmented = { ...v6, id: 3, proto: Next.DEST, bytes: payloadOf(inside) };
    t.match(send(fragments(whole, [8])).alerts, [1], 'an extension header in the fragmented part, alone in the first');
    const nested = chain6(v6, [extension.fragment(0, true, 9)], Next.UDP, datagram(v6, 4).bytes);
    const seen = send(fragments({ ...v6, id: 4, proto: Next.FRAGMENT, bytes: payloadOf(nested) }, [24]));
    t.match(
      seen,
      { alerts: [1], decodes: { DECODE_IP6_DUP_FH: 2 }, stats: { REASSEMBLED: 1 } },
      'a fragment in a fragment',
    );
  },
);

t.test('header fields of the datagram, and what is not said twice', { skip }, async (t) => {
  const { rig, send } = open(t, [
    'alert ip any any -> any any (sid:10;)',
    'alert udp any any -> any 9 (sid:11;)',
    'alert udp any any -> any 9 (ttl:7; dsize:40; sid:12;)',
    'alert udp any any -> any any (fragbits:!M; fragoffset:0; dsize:40; sid:13;)',
    'alert ip any any -> any any (decode-event:ipv4.frag_overlap; sid:14;)',
    'drop ip any any -> 203.0.113.9 any (fragoffset:>0; sid:15;)',
  ]);
  const whole = { ...datagram(v4, 1), ttl: 7 };
  const [first, middle, last] = fragments(whole, [16, 32]) as [Uint8Array, Uint8Array, Uint8Array];
  t.same(send([first, middle, patch(last, { 22: 64 })]).alerts, [10, 11, 10, 10, 12, 13]);
  t.same(
    send([middle, fragment(datagram(v4, 1, 9, 'X'.repeat(40)), { from: 16, to: 32, more: true })]).alerts,
    [10, 10, 14],
  );
  const seen = rig.send(fragments({ ...datagram(v4, 2), ttl: 3 }, [16])[0] ?? first);
  t.match(seen.events[0], { ipLen: 36, ttl: 3 });
  const events = rig.send(fragments({ ...datagram(v4, 2) }, [16])[1] ?? last).events;
  t.match(events.at(-1), { ipLen: 68, payloadLen: 40, dport: 9, ttl: 3 }, 'the event is about the datagram');
  const elsewhere = { ...datagram(v4, 3), dst: '203.0.113.9' };
  const [begin, end] = fragments(elsewhere, [16]) as [Uint8Array, Uint8Array];
  t.match(send([begin, end, begin]), { verdicts: [PASS, DROP, PASS], stats: {} }, 'a dropped fragment is not kept');
});

t.test('what there is no room for passes, or with hold is dropped', { skip }, async (t) => {
  const { rig, send } = open(t);
  const starts = (from: number, count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, n) => fragment(datagram(v4, from + n), { from: 16, to: 32, more: true }));
  t.match(
    send(starts(1, 400)),
    { reasons: { CLEAN: 400 }, stats: { FRAGMENTS_LOST: 384 } },
    '16 places, the oldest go',
  );
  rig.kernel.control.flag(ControlFlag.CONTROL_HOLD_FRAGMENTS, true);
  t.match(send(starts(1000, 10)), { reasons: { FRAGMENT: 10 }, stats: { FRAGMENTS_LOST: 10 } }, 'none is displaced');
  rig.advance(61);
  const whole = fragments(datagram(v4, 2000, 9), [16, 32]);
  t.match(send(whole), { verdicts: [PASS, PASS, PASS], alerts: [1] }, 'what can be judged passes');
  const impossible = fragment({ ...datagram(v4, 1), bytes: new Uint8Array(65600) }, { from: 65528, to: 65560 });
  t.match(send([impossible]), { verdicts: [DROP], reasons: { FRAGMENT: 1 } }, 'one that no datagram can hold');
  rig.kernel.control.flag(ControlFlag.CONTROL_MONITOR, true);
  const would = rig.send(impossible);
  t.match(would, { verdict: PASS, reasons: { FRAGMENT: 1 } });
  t.equal(rig.kernel.verdicts().find(({ reason }) => reason === Reason.FRAGMENT)?.would, 1);
  rig.kernel.control.flag(ControlFlag.CONTROL_MONITOR, false);
  allow(rig, '192.0.2.1/32', 'ALLOW_OPERATOR');
  t.match(send([impossible]), { verdicts: [PASS], reasons: { ALLOWLIST: 1 } }, 'nothing drops what is allowed');
  t.match(send(fragments(datagram(v4, 3000, 66), [16])), { verdicts: [PASS, PASS], reasons: { ALLOWLIST: 1 } });
});

t.test(
  'a listed source is dropped fragment by fragment, and a datagram is answered as a packet is',
  { skip },
  async (t) => {
    const { rig, send } = open(t);
    const rejected = fragmented(v4, 6, tcp({ ...v4, dport: 99, flags: TCP.ACK, payload: 'x'.repeat(40) }), 7);
    t.match(send(fragments(rejected, [24])), { verdicts: [PASS, DROP], reasons: { RULE_REJECT: 1 } });
    block(rig, '192.0.2.1/32');
    t.match(send(fragments(datagram(v4, 1), [16])), { reasons: { BLOCKLIST: 2 }, stats: {} });
  },
);
