// SPDX-License-Identifier: Apache-2.0
// Blocklist, allowlist and cut flows: which entry wins, until when, and what is counted.

import t from 'tap';
import { EventFlag, EventType } from '../../common/abi.gen.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { icmp, ip, TCP, tcp, udp } from './support/frames.js';
import { At, other, patch } from './support/packets.js';
import { Rig } from './support/rig.js';
import { allow, block, cut, hitsOf, install, setFlags } from './support/rules.js';

const skip = whyUnprivileged() ?? false;
const DROP = 1;
const PASS = 2;

/** A bench without rules on which all events are raised. */
function open(t: Parameters<typeof Rig.open>[0]): Rig {
  const rig = Rig.open(t);
  setFlags(rig, 'CONTROL_UNLIMITED');
  install(rig, []);
  return rig;
}
const from = (src: string): Uint8Array => tcp({ src, dst: src.includes(':') ? '2001:db8::ff' : '198.51.100.2' });

t.test('prefixes of any length, IPv4 and IPv6', { skip }, async (t) => {
  const rig = open(t);
  const listed: Record<string, [inside: string[], outside: string[]]> = {
    '192.0.2.7/32': [['192.0.2.7'], ['192.0.2.6', '192.0.2.8']],
    '203.0.113.64/26': [
      ['203.0.113.64', '203.0.113.127'],
      ['203.0.113.63', '203.0.113.128'],
    ],
    '172.16.0.0/13': [
      ['172.16.0.0', '172.23.255.255'],
      ['172.15.255.255', '172.24.0.0'],
    ],
    '2001:db8::1/128': [['2001:db8::1'], ['2001:db8::', '2001:db8::2']],
    '2001:db8:8000::/33': [['2001:db8:8000::', '2001:db8:ffff::1'], ['2001:db8:7fff::1']],
  };
  for (const prefix of Object.keys(listed)) block(rig, prefix);
  for (const [prefix, [inside, outside]] of Object.entries(listed)) {
    for (const src of inside) {
      const seen = rig.send(from(src));
      t.same([seen.verdict, seen.reasons], [DROP, { BLOCKLIST: 1 }], `${src} in ${prefix}`);
    }
    for (const src of outside) {
      const seen = rig.send(from(src));
      t.same([seen.verdict, seen.reasons], [PASS, { CLEAN: 1 }], `${src} not in ${prefix}`);
    }
  }
  t.equal(rig.send(tcp({ src: '10.0.0.1', dst: '192.0.2.7' })).verdict, PASS, 'a destination is not judged');
});

t.test(
  'every kind of packet of a listed source is dropped, also what cannot be read to its end',
  { skip },
  async (t) => {
    const rig = open(t);
    const v4 = { src: '192.0.2.7', dst: '198.51.100.2' };
    block(rig, '192.0.2.7/32');
    const frames = {
      udp: udp(v4),
      icmp: icmp(v4),
      gre: ip(v4, 47, new Uint8Array(4)),
      tagged: tcp({ ...v4, vlan: [5, 6] }),
      'later fragment': ip({ ...v4, fragment: 100 }, 17, new Uint8Array(8)),
      'cut off': tcp(v4).slice(0, 40),
      'bad header length': patch(tcp(v4), { [At.ip]: 0x41 }),
      'short TCP': ip(v4, 6, new Uint8Array(3)),
    };
    for (const [name, frame] of Object.entries(frames)) {
      t.same(rig.send(frame).reasons, { BLOCKLIST: 1 }, name);
    }
    t.same(rig.send(other(0x0806)).reasons, { NOT_IP: 1 }, 'without addresses nothing is listed');
  },
);

t.test('an entry drops while now is below its end, to the second', { skip }, async (t) => {
  const rig = open(t);
  const end = Math.floor(rig.now / 1e9) + 3;
  block(rig, '192.0.2.7/32', { expires: end });
  t.equal(rig.send(from('192.0.2.7')).verdict, DROP);
  rig.advance(2.999_999_999);
  t.equal(rig.send(from('192.0.2.7')).verdict, DROP, 'the last nanosecond');
  rig.advance(0.000_000_001);
  const after = rig.send(from('192.0.2.7'));
  t.equal(after.verdict, PASS, 'the second it ends');
  t.same(after.stats, { EXPIRED_HITS: 1 });
  t.same(after.reasons, { CLEAN: 1 });
});

t.test('an expired entry does not hide shorter ones', { skip }, async (t) => {
  const rig = open(t);
  const past = 1;
  block(rig, '192.0.2.7/32', { expires: past });
  block(rig, '192.0.2.0/28', { expires: past });
  block(rig, '192.0.2.0/24');
  const seen = rig.send(from('192.0.2.7'));
  t.equal(seen.verdict, DROP);
  t.same(seen.stats['EXPIRED_HITS'], 1, 'counted once a packet');
  t.equal(hitsOf(rig, '192.0.2.0/24').packets, 1, 'the live one is hit');
  t.equal(hitsOf(rig, '192.0.2.7/32').packets, 0);
  t.equal(rig.send(from('192.0.3.7')).verdict, PASS);
  for (let length = 1; length <= 32; length++) block(rig, `192.0.2.7/${length}`, { expires: past });
  t.equal(rig.send(from('192.0.2.7')).verdict, PASS, 'every length is there and has ended');
  block(rig, '128.0.0.0/1');
  t.equal(rig.send(from('192.0.2.7')).verdict, DROP, 'behind thirty-one');
});

t.test('an entry that alerts lets through, unless one that drops covers the same address', { skip }, async (t) => {
  const rig = open(t);
  block(rig, '192.0.2.7/32', { alert: true, origin: 5 });
  block(rig, '2001:db8::7/128', { alert: true, origin: 5 });
  for (const src of ['192.0.2.7', '2001:db8::7']) {
    const seen = rig.send(from(src));
    t.same([seen.verdict, seen.reasons], [PASS, { CLEAN: 1 }]);
    t.match(seen.events, [{ type: EventType.EVENT_LISTED, origin: 5, src }]);
  }
  t.equal(hitsOf(rig, '192.0.2.7/32').packets, 1);
  block(rig, '192.0.2.0/25');
  t.same(rig.send(from('192.0.2.7')).reasons, { BLOCKLIST: 1 });
  block(rig, '192.0.2.0/25', { expires: 1 });
  t.equal(rig.send(from('192.0.2.7')).verdict, PASS, 'not by one that has ended');
});

t.test('hits of the entry and of its origin', { skip }, async (t) => {
  const rig = open(t);
  block(rig, '192.0.2.7/32', { origin: 4 });
  block(rig, '192.0.2.8/32', { origin: 4 });
  const frame = from('192.0.2.7');
  rig.send(frame);
  rig.advance(1);
  const seen = rig.send(frame);
  rig.send(from('192.0.2.8'));
  t.match(hitsOf(rig, '192.0.2.7/32'), { packets: 2, lastSeen: Math.floor(rig.now / 4e9) * 4 });
  t.match(hitsOf(rig, '192.0.2.8/32'), { packets: 1 });
  t.match(rig.kernel.originHits(4), { packets: 3, bytes: 3 * frame.length, lastSeen: rig.now });
  t.match(seen.events, [{ type: EventType.EVENT_BLOCKED, origin: 4, verdict: 1, src: '192.0.2.7', dport: 80 }]);
});

t.test('two promises: the operator is never dropped, the exempt are not unless forced', { skip }, async (t) => {
  const rig = open(t);
  block(rig, '192.0.2.0/24');
  block(rig, '192.0.2.66/32', { forced: true });
  allow(rig, '192.0.2.1/32', 'ALLOW_OPERATOR');
  allow(rig, '192.0.2.64/28', 'ALLOW_EXEMPT');
  const operator = rig.send(from('192.0.2.1'));
  t.same([operator.verdict, operator.reasons], [PASS, { ALLOWLIST: 1 }]);
  const exempt = rig.send(from('192.0.2.65'));
  t.same([exempt.verdict, exempt.reasons, exempt.stats], [PASS, { CLEAN: 1 }, { EXEMPTED: 1 }]);
  t.equal(rig.send(from('192.0.2.66')).verdict, DROP, 'forced');
  block(rig, '192.0.2.64/29', { forced: true });
  block(rig, '192.0.2.65/32');
  t.equal(rig.send(from('192.0.2.65')).verdict, DROP, 'forced by a shorter one');
  t.equal(rig.send(from('192.0.2.2')).verdict, DROP, 'on neither list');
  allow(rig, '192.0.2.66/32', 'ALLOW_OPERATOR', 'ALLOW_EXEMPT');
  t.equal(rig.send(from('192.0.2.66')).verdict, PASS, 'the operator wins over force');
  block(rig, '192.0.2.70/32');
  block(rig, '192.0.2.70/31', { alert: true });
  t.equal(rig.send(from('192.0.2.70')).verdict, DROP, 'forced by the /29');
  block(rig, '192.0.2.74/32');
  block(rig, '192.0.2.74/31', { alert: true });
  const told = rig.send(from('192.0.2.74'));
  t.same([told.verdict, told.events.map(({ type }) => type)], [PASS, [EventType.EVENT_LISTED]], 'spared and reported');
});

t.test('the allowlist keeps from rule drops too, and alerts are raised', { skip }, async (t) => {
  const rig = open(t);
  install(rig, 'drop tcp any any -> any 80 (msg:"no"; sid:1;)');
  allow(rig, '192.0.2.1/32', 'ALLOW_OPERATOR');
  allow(rig, '192.0.2.2/32', 'ALLOW_EXEMPT');
  const kept = rig.send(from('192.0.2.1'));
  t.same([kept.verdict, kept.reasons], [PASS, { ALLOWLIST: 1 }]);
  t.equal(kept.events.length, 1);
  t.ok((kept.events[0]?.flags ?? 0) & EventFlag.EVENT_ALLOWLISTED);
  t.equal(kept.events[0]?.verdict, 0);
  t.equal(rig.send(from('192.0.2.2')).verdict, DROP, 'an exemption is from the blocklist alone');
});

t.test('cut flows are dropped in both directions', { skip }, async (t) => {
  const rig = open(t);
  setFlags(rig, 'CONTROL_UNLIMITED', 'CONTROL_CUTS');
  const [a, b] = ['192.0.2.1', '198.51.100.2'];
  cut(
    rig,
    [
      [a, 5000],
      [b, 80],
    ],
    6,
  );
  const there = tcp({ src: a, dst: b, sport: 5000, dport: 80, flags: TCP.ACK });
  const back = tcp({ src: b, dst: a, sport: 80, dport: 5000, flags: TCP.ACK });
  const seen = rig.send(there);
  t.same([seen.verdict, seen.reasons], [DROP, { FLOW_CUT: 1 }]);
  t.match(seen.events, [{ type: EventType.EVENT_CUT }]);
  t.same(rig.send(back).reasons, { FLOW_CUT: 1 });
  t.equal(rig.send(tcp({ src: a, dst: b, sport: 5001, dport: 80 })).verdict, PASS, 'another port');
  t.equal(rig.send(udp({ src: a, dst: b, sport: 5000, dport: 80 })).verdict, PASS, 'another protocol');
  setFlags(rig, 'CONTROL_UNLIMITED');
  t.equal(rig.send(there).verdict, PASS, 'not asked without the flag');
  setFlags(rig, 'CONTROL_UNLIMITED', 'CONTROL_CUTS');
  const end = Math.floor(rig.now / 1e9) + 5;
  cut(
    rig,
    [
      ['2001:db8::1', 1],
      ['2001:db8::1', 2],
    ],
    17,
    end,
  );
  const self = udp({ src: '2001:db8::1', dst: '2001:db8::1', sport: 2, dport: 1 });
  t.same(rig.send(self).reasons, { FLOW_CUT: 1 }, 'equal addresses: the smaller port comes first');
  rig.advance(5);
  t.equal(rig.send(self).verdict, PASS, 'expired');
  allow(rig, '192.0.2.1/32', 'ALLOW_OPERATOR');
  t.same(rig.send(there).reasons, { ALLOWLIST: 1 });
  t.same(rig.send(back).reasons, { FLOW_CUT: 1 }, "the promise is the source's");
});
