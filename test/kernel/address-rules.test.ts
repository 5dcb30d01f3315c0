// SPDX-License-Identifier: Apache-2.0
// Rules of nothing but addresses: as lists they say what they say as header rules.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Detection } from '../../alerts/index.js';
import { AllowKind, AllowLayout, ControlFlag } from '../../common/abi.gen.js';
import { parsePrefix } from '../../common/address.js';
import { replayCaptures } from '../../engine/replay/replay.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { AddressBench } from './support/address-bench.js';
import { icmp, ip, TCP, tcp, udp } from './support/frames.js';
import { At, patch } from './support/packets.js';

const skip = whyUnprivileged() ?? false;
t.setTimeout(120_000);
const [DROP, PASS] = [1, 2];

t.test('alerts name their rules, drops are carried out', { skip }, async (t) => {
  const bench = AddressBench.open(t, [
    'alert ip [192.0.2.0/24] any -> $HOME_NET any (msg:"net"; sid:1;)',
    'alert tcp [192.0.2.7,2001:db8:1::7] any -> $HOME_NET any (msg:"tcp"; sid:2;)',
    'drop ip [198.51.100.0/25] any -> any any (msg:"drop"; sid:3;)',
    'alert ip [198.51.100.9] any -> any any (msg:"inside"; sid:4;)',
    'drop ip [203.0.113.5] any -> $HOME_NET any (msg:"home"; sid:5;)',
  ]);
  t.same(bench.compilation.summary.address, 5);
  t.equal(bench.compilation.ruleset.count, 0);
  const sent = (src: string, dst = '10.0.0.1', make = tcp): unknown => {
    const { verdict, alerts, drops } = bench.send(make({ src, dst }), 0);
    return [verdict, alerts, drops];
  };
  t.same(sent('192.0.2.7'), [PASS, ['1 allowed', '2 allowed'], []]);
  t.same(sent('192.0.2.7', '10.0.0.1', udp), [PASS, ['1 allowed'], []]);
  t.same(sent('192.0.2.7', '172.16.0.1'), [PASS, [], []], 'not to HOME_NET');
  t.same(sent('192.0.2.8'), [PASS, ['1 allowed'], []]);
  t.same(sent('192.0.3.8'), [PASS, [], []]);
  t.same(sent('2001:db8:1::7', '2001:db8::1'), [PASS, ['2 allowed'], []]);
  t.same(sent('198.51.100.1'), [DROP, ['3 blocked'], ['3']]);
  t.same(sent('198.51.100.9'), [DROP, ['3 blocked', '4 allowed'], ['3']], 'the alert within the drop');
  t.same(sent('198.51.100.200'), [PASS, [], []]);
  t.same(sent('203.0.113.5'), [DROP, ['5 blocked'], ['5']]);
  t.same(sent('203.0.113.5', '172.16.0.1'), [DROP, [], ['rule:1:5']], 'the list drops it, the rule does not name it');
});

t.test('a pass rule, a drop of a header rule, the allowlist', { skip }, async (t) => {
  const bench = AddressBench.open(t, [
    'alert ip [192.0.2.0/24] any -> any any (msg:"a"; sid:1;)',
    'pass tcp any any -> any 22 (msg:"p"; sid:2;)',
    'drop tcp any any -> any 23 (msg:"d"; sid:3;)',
  ]);
  t.same(
    bench.compilation.rules.map(({ placement }) => placement),
    ['address', 'inline', 'inline'],
  );
  const to = (dport: number, src = '192.0.2.1'): unknown => bench.send(tcp({ src, dst: '10.0.0.1', dport }), 0);
  t.same(to(22), { verdict: PASS, alerts: [], drops: [] });
  t.same(to(23), { verdict: DROP, alerts: ['1 allowed', '3 blocked'], drops: ['3'] });
  t.same(to(24), { verdict: PASS, alerts: ['1 allowed'], drops: [] });

  const spared = AddressBench.open(t, 'drop ip [192.0.2.0/24] any -> any any (msg:"d"; sid:1;)');
  for (const [prefix, kind] of [
    ['192.0.2.1/32', AllowKind.ALLOW_OPERATOR],
    ['192.0.2.2/32', AllowKind.ALLOW_EXEMPT],
  ] as const) {
    const value = new Uint8Array(AllowLayout.SIZE);
    new DataView(value.buffer).setUint32(AllowLayout.kind, kind, true);
    spared.kernel.allowlist.put(parsePrefix(prefix), value);
  }
  const from = (src: string): unknown => spared.send(tcp({ src, dst: '10.0.0.1' }), 0);
  t.same(from('192.0.2.1'), { verdict: PASS, alerts: ['1 allowed'], drops: [] }, 'never dropped, still told');
  t.same(from('192.0.2.2'), { verdict: PASS, alerts: [], drops: [] }, 'an exemption is never address-blocked');
  t.same(from('192.0.2.3'), { verdict: DROP, alerts: ['1 blocked'], drops: ['1'] });
});

t.test('in monitor mode nothing is dropped, everything is told', { skip }, async (t) => {
  const bench = AddressBench.open(t, 'drop ip [192.0.2.0/24] any -> any any (msg:"d"; sid:1;)');
  bench.kernel.control.update({ flags: ControlFlag.CONTROL_UNLIMITED | ControlFlag.CONTROL_MONITOR });
  const seen = bench.send(tcp({ src: '192.0.2.1', dst: '10.0.0.1' }), 0);
  t.same(seen, { verdict: PASS, alerts: ['1 allowed'], drops: ['1'] });
});

/** A capture of frames at their seconds. */
function pcap(frames: readonly (readonly [number, Uint8Array])[]): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(65535, 16);
  head.writeUInt32LE(1, 20);
  const records = frames.flatMap(([seconds, frame]) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(1_700_000_000 + seconds, 0);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    return [record, Buffer.from(frame)];
  });
  return Buffer.concat([head, ...records]);
}

t.test('a replay loads the lists too: sids, limits on the time of the capture', { skip }, async (t) => {
  const path = join(t.testdir({}), 'listed.pcap');
  const home = '192.168.1.1';
  const of = (src: string, make = tcp): Uint8Array => make({ src, dst: home });
  writeFileSync(
    path,
    pcap([
      [0, of('198.51.100.7')],
      [10, of('198.51.100.7')],
      [20, of('198.51.100.8')],
      [61, of('198.51.100.7')],
      [62, of('203.0.113.1', udp)],
      [63, of('203.0.113.1')],
      [64, of('192.0.2.1')],
      [65, of('192.0.2.9')],
    ]),
  );
  const limit = 'threshold:type limit, track by_src, seconds 60, count 1;';
  const text = [
    `alert ip [198.51.100.7,198.51.100.8] any -> $HOME_NET any (msg:"a"; ${limit} sid:1;)`,
    'alert tcp [203.0.113.0/24] any -> $HOME_NET any (msg:"b"; sid:2;)',
    'drop ip [192.0.2.0/29] any -> $HOME_NET any (msg:"c"; sid:3;)',
  ].join('\n');
  const detections: Detection[] = [];
  const summary = replayCaptures({
    sources: [{ file: 'a.rules', text }],
    captures: [path],
    redact: false,
    inline: false,
    onDetection: (detection) => detections.push(detection),
  });
  t.match(summary.rules, { address: 3, inline: 0 });
  t.same(
    summary.alerts.map(({ sid, count }) => [sid, count]),
    [
      [1, 3],
      [2, 1],
      [3, 1],
    ],
  );
  t.same(
    detections.map(({ kind, pcapCnt, rule, origin }) => [kind, pcapCnt, rule?.sid, rule?.action, origin]),
    [
      ['alert', 1, 1, 'allowed', 'rule:1:1'],
      ['alert', 3, 1, 'allowed', 'rule:1:1'],
      ['alert', 4, 1, 'allowed', 'rule:1:1'],
      ['alert', 6, 2, 'allowed', 'rule:1:2'],
      ['alert', 7, 3, 'blocked', 'rule:1:3'],
      ['drop', 7, 3, 'blocked', 'rule:1:3'],
    ],
  );
  t.match(summary.reasons, [
    { reason: 'clean', packets: 7 },
    { reason: 'blocklist', packets: 1 },
  ]);
});

/** Repeatable numbers below a bound. */
function dice(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Dice = ReturnType<typeof dice>;

const source4 = (d: Dice): string => `192.0.${d(4)}.${d(256)}`;
const source6 = (d: Dice): string => `2001:db8:${8 + d(4)}::${d(64).toString(16)}`;

function prefixOf(d: Dice): string {
  if (d(4) === 0) return `${source6(d)}/${[46, 47, 48, 64, 120, 126, 128][d(7)]}`;
  return `${source4(d)}/${[16, 22, 24, 25, 28, 30, 31, 32, 32, 32][d(10)]}`;
}

function ruleOf(d: Dice, sid: number): string {
  const drops = d(5) === 0;
  const sources = Array.from({ length: 1 + d(8) }, () =>
    d(6) === 0 ? `192.0.1.${d(99)}-192.0.1.${100 + d(99)}` : prefixOf(d),
  );
  const protocol = drops ? 'ip' : ['ip', 'tcp', 'udp', 'icmp'][d(4)];
  const to = drops || d(2) === 0 ? 'any' : '$HOME_NET';
  const track = ['by_src', 'by_dst', 'by_rule', 'by_both'][d(4)];
  const limit = d(2) === 0 ? '' : ` threshold:type limit,track ${track},seconds ${5 + d(60)},count ${1 + d(3)};`;
  return `${drops ? 'drop' : 'alert'} ${protocol} [${sources.join(',')}] any -> ${to} any (msg:"r";${limit} priority:${1 + d(3)}; sid:${sid};)`;
}

/** The `number`th frame, of a flow of its own: a header rule alerts once in each direction of one. */
function frameOf(d: Dice, number: number): Uint8Array {
  const six = d(4) === 0;
  const src = six ? source6(d) : source4(d);
  const dst = six ? ['2001:db8::1', '2001:db9::1'][d(2)] : ['10.0.0.1', '10.9.9.9', '172.16.0.1'][d(3)];
  const part = { src, dst: dst ?? '10.0.0.1', vlan: [1 + number] };
  switch (d(6)) {
    case 0:
      return udp(part);
    case 1:
      return icmp(part);
    case 2:
      return ip(part, 47, new Uint8Array(20));
    case 3:
      return six ? tcp(part) : ip({ ...part, fragment: 100 }, 6, new Uint8Array(64));
    default:
      return tcp({ ...part, flags: TCP.ACK });
  }
}

t.test('as lists and as header rules they say the same', { skip }, async (t) => {
  for (let seed = 1; seed <= 4; seed++) {
    const d = dice(seed);
    const rules = Array.from({ length: 20 }, (_, i) => ruleOf(d, i + 1));
    const lists = AddressBench.open(t, rules);
    const inline = AddressBench.open(t, rules, 'inline');
    if (lists.compilation.summary.address !== 20) t.fail('a rule is no list', lists.compilation.summary);
    let [alerts, drops, clock, wrong] = [0, 0, 0, 0];
    for (let i = 0; i < 600 && wrong === 0; i++) {
      const frame = frameOf(d, i);
      clock += d(8) / 4;
      const [got, wanted] = [lists.send(frame, clock), inline.send(frame, clock)];
      // Of a drop whose alert is silenced, the list keeps the record.
      const same = got.verdict === wanted.verdict && got.alerts.join() === wanted.alerts.join();
      if (same && (wanted.drops.length === 0 || got.drops.join() === wanted.drops.join())) {
        alerts += got.alerts.length;
        drops += got.drops.length;
        continue;
      }
      wrong++;
      t.same(got, wanted, `seed ${seed}, frame ${i}`, { rules, frame: Buffer.from(frame).toString('hex') });
    }
    t.ok(wrong > 0 || (alerts > 20 && drops > 20), `${alerts} alerts and ${drops} drops with seed ${seed}`);
    lists.close();
    inline.close();
  }
});

t.test('what has no readable protocol matches no rule', { skip }, async (t) => {
  const rules = 'alert ip [192.0.2.0/24,2001:db8:1::/48] any -> any any (msg:"a"; sid:1;)';
  const lists = AddressBench.open(t, rules);
  const inline = AddressBench.open(t, rules, 'inline');
  const four = tcp({ src: '192.0.2.1', dst: '10.0.0.1' });
  const six = tcp({ src: '2001:db8:1::1', dst: '2001:db8::1' });
  const frames: Uint8Array[] = [
    patch(four, { [At.ip]: 0x44 }),
    patch(four, { [At.ip + 2]: [0, 10] }),
    patch(four, { [At.ip + 2]: [0x20, 0] }),
    patch(four, { [At.ip4Payload + 12]: 0x40 }),
    patch(six, { [At.ip + 4]: [0x20, 0] }),
    patch(six, { [At.ip + 6]: 43 }),
  ];
  for (const frame of [four, six]) for (let n = 14; n < frame.length; n++) frames.push(frame.subarray(0, n));
  for (const [i, frame] of frames.entries()) {
    const [got, wanted] = [lists.send(frame, i), inline.send(frame, i)];
    if (JSON.stringify(got) !== JSON.stringify(wanted)) t.same(got, wanted, Buffer.from(frame).toString('hex'));
  }
  t.same(lists.send(four, 99).alerts, ['1 allowed']);
});
