// SPDX-License-Identifier: Apache-2.0
// Thresholds as Suricata 8 judges them, packet by packet: which act, which alert, and what a window counts.

import t from 'tap';
import { Action, Threshold, Track, Unique } from '../../common/abi.gen.js';
import { ThresholdTable } from '../../rules/match/windows.js';
import { Random } from '../unit/rules/support/random.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { TCP, tcp, udp } from './support/frames.js';
import { Rig } from './support/rig.js';
import { install, setFlags } from './support/rules.js';

const skip = whyUnprivileged() ?? false;
const a = { src: '192.0.2.1', dst: '10.0.0.1' };
const b = { src: '192.0.2.2', dst: '10.0.0.2' };

let bench: Rig | undefined;
t.teardown(() => bench?.close());

/** The bench of all tests here, to verify the program takes its time; what came before is hours ago. */
function open(rule: string): Rig {
  const rig = (bench ??= Rig.open({ teardown: () => undefined }));
  setFlags(rig, 'CONTROL_UNLIMITED');
  rig.advance(10_000);
  rig.settle();
  reload(rig, rule);
  return rig;
}

const reload = (rig: Rig, rules: string): unknown => install(rig, rules, rig.kernel.generation() + 1);
const rule = (options: string, action = 'drop'): string =>
  `${action} tcp any any -> any any (msg:"t"; ${options}; sid:1;)`;

/** Of each packet: `-` passes unseen, `d` dropped silently, `D` dropped with an alert, `A` alert alone. */
function trace(rig: Rig, frame: Uint8Array, count: number): string {
  let line = '';
  for (let i = 0; i < count; i++) {
    const { verdict, events } = rig.send(frame);
    line += verdict === 1 ? (events.length ? 'D' : 'd') : events.length ? 'A' : '-';
  }
  return line;
}

const cases: Record<string, [options: string, first: string, later: string]> = {
  limit: ['threshold: type limit, track by_src, count 2, seconds 10', 'DDddd', 'DDddd'],
  threshold: ['threshold: type threshold, track by_src, count 3, seconds 10', '--D--D-', '--D--D-'],
  'threshold of one': ['threshold: type threshold, track by_src, count 1, seconds 10', 'DDD', 'DDD'],
  both: ['threshold: type both, track by_src, count 3, seconds 10', '--Dddd', '--Dddd'],
  'both of one': ['threshold: type both, track by_src, count 1, seconds 10', 'Dddd', 'Dddd'],
  detection_filter: ['detection_filter: track by_src, count 3, seconds 10', '---DDD', '---DDD'],
};

for (const [name, [options, first, later]] of Object.entries(cases)) {
  t.test(name, { skip }, async (t) => {
    const rig = open(rule(options));
    t.equal(trace(rig, tcp(a), first.length), first);
    t.equal(trace(rig, tcp(b), first.length), first, 'another source has a window of its own');
    rig.advance(10.000_000_001);
    t.equal(trace(rig, tcp(a), later.length), later, 'the next window');
  });
}

t.test('a window lasts to the nanosecond', { skip }, async (t) => {
  const rig = open(rule('detection_filter: track by_src, count 1, seconds 10'));
  t.equal(trace(rig, tcp(a), 1), '-');
  rig.advance(10);
  t.equal(trace(rig, tcp(a), 1), 'D', 'its last instant');
  rig.advance(0.000_000_001);
  t.equal(trace(rig, tcp(a), 2), '-D', 'a new one begins with the packet that finds it over');
});

t.test('backoff', { skip }, async (t) => {
  const rig = open(rule('threshold: type backoff, track by_flow, count 1, multiplier 10', 'alert'));
  let alerts = '';
  for (let i = 1; i <= 120; i++) if (rig.send(tcp(a)).events.length) alerts += ` ${i}`;
  t.equal(alerts, ' 1 10 100');
  t.equal(trace(rig, tcp({ ...a, sport: 7 }), 2), 'A-', 'another flow');
});

t.test('what is tracked', { skip }, async (t) => {
  const reverse = { src: a.dst, dst: a.src };
  const tracked: Record<string, [frame: Uint8Array, shares: boolean][]> = {
    by_src: [
      [tcp({ ...a, dst: b.dst }), true],
      [tcp({ ...a, src: b.src }), false],
    ],
    by_dst: [
      [tcp({ ...a, dst: b.dst }), false],
      [tcp({ ...a, src: b.src }), true],
    ],
    by_both: [
      [tcp({ ...a, sport: 9 }), true],
      [tcp(reverse), true],
      [tcp({ ...a, dst: b.dst }), false],
    ],
    by_rule: [
      [tcp(b), true],
      [tcp({ src: '2001:db8::1', dst: '2001:db8::2' }), true],
    ],
    by_flow: [
      [tcp({ ...reverse, sport: 80, dport: 40000 }), true],
      [tcp({ ...a, sport: 9 }), false],
      [tcp({ ...reverse, sport: 40000, dport: 80 }), false],
    ],
  };
  for (const [track, frames] of Object.entries(tracked)) {
    for (const [i, [frame, shares]] of frames.entries()) {
      const rig = open(rule(`threshold: type limit, track ${track}, count 1, seconds 60`, 'alert'));
      t.equal(trace(rig, tcp(a), 1), 'A');
      t.equal(trace(rig, frame, 1), shares ? '-' : 'A', `${track} #${i}`);
    }
  }
});

t.test('unique_on counts distinct values exactly', { skip }, async (t) => {
  const rig = open(rule('detection_filter: track by_src, count 20, seconds 60, unique_on dst_port', 'alert'));
  const probe = (dport: number, src = a.src): number | undefined =>
    rig.send(tcp({ ...a, src, dport })).events[0]?.count;
  for (let round = 0; round < 3; round++) {
    for (let port = 1; port <= 20; port++) t.equal(probe(port), undefined, `port ${port} again`);
  }
  t.equal(probe(21), 21, 'the 21st port');
  t.equal(probe(21), 21, 'every packet from then on');
  t.equal(probe(1), 21);
  t.equal(probe(22), 21, 'nothing more is counted');
  for (let port = 1; port <= 20; port++) t.equal(probe(port, '192.0.2.99'), undefined, 'another source');
  rig.advance(60.1);
  for (let port = 1; port <= 20; port++) t.equal(probe(port), undefined, 'the next window starts from nothing');
  t.equal(probe(500), 21);
});

t.test('unique_on: source ports, and addresses of both versions', { skip }, async (t) => {
  const of: Record<string, [track: string, (i: number) => Uint8Array]> = {
    src_port: ['by_dst', (i) => tcp({ ...a, sport: i + 1 })],
    src_ip: ['by_dst', (i) => tcp({ ...a, src: `192.0.${i}.1` })],
    dst_ip: ['by_src', (i) => tcp({ ...a, dst: `10.0.${i}.1` })],
    'dst_ip ': ['by_src', (i) => tcp({ src: '2001:db8::1', dst: `2001:db8:${i}::9`, flags: TCP.SYN })],
    'src_ip ': ['by_dst', (i) => tcp({ src: `2001:db8:${i}::9`, dst: '2001:db8::1', flags: TCP.SYN })],
  };
  for (const [unique, [track, frame]] of Object.entries(of)) {
    const rig = open(rule(`detection_filter: track ${track}, count 4, seconds 60, unique_on ${unique.trim()}`));
    const line = [0, 1, 0, 2, 3, 3, 4, 0].map((i) => trace(rig, frame(i), 1)).join('');
    t.equal(line, '------DD', unique);
  }
});

t.test('a large set is exact', { skip }, async (t) => {
  const rig = open(rule('detection_filter: track by_src, count 5000, seconds 60, unique_on dst_port', 'alert'));
  for (let port = 1; port <= 5000; port++) {
    rig.push(tcp({ ...a, dport: port }));
    if (port % 100 === 0) rig.push(tcp({ ...a, dport: port }));
  }
  t.same(rig.drain().events, []);
  t.match(rig.send(tcp({ ...a, dport: 5001 })).events, [{ count: 5001 }]);
});

t.test('many spoofed sources do not make somebody else overcount', { skip }, async (t) => {
  const rig = open(rule('detection_filter: track by_src, count 3, seconds 600, unique_on dst_port', 'alert'));
  let alerts = 0;
  for (let i = 0; i < 40_000; i++) {
    const src = `172.${16 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
    rig.push(tcp({ src, dst: a.dst, dport: (i % 3) + 1 }));
    if (i % 1000 === 0) {
      for (let port = 1; port <= 3; port++) rig.push(tcp({ ...a, dport: port }));
      alerts += rig.drain().events.length;
    }
  }
  alerts += rig.drain().events.length;
  t.equal(alerts, 0, 'nobody touched four ports');
});

t.test('a full table lets go of expired entries first, then of the lowest counts, and says so', { skip }, async (t) => {
  const rig = open(
    'alert udp any any -> any any (msg:"t"; detection_filter: track by_src, count 50, seconds 600; sid:1;)',
  );
  for (let i = 0; i < 50; i++) rig.push(udp(a));
  const flood = (from: number, to: number): void => {
    for (let i = from; i < to; i++) rig.push(udp({ ...a, src: `172.${16 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}` }));
  };
  flood(0, 200_000);
  const seen = rig.send(udp(a));
  t.equal(seen.events.length, 1, 'who has counted most stays');
  t.ok((seen.stats['THRESHOLD_EVICTED'] ?? 0) > 50_000, JSON.stringify(seen.stats));
  rig.advance(601);
  flood(200_000, 210_000);
  t.same(rig.send(udp(b)).stats, {}, 'expired ones are displaced without a word');
});

t.test('state survives a reload of the same rule', { skip }, async (t) => {
  const text = rule('detection_filter: track by_src, count 3, seconds 60', 'alert');
  const rig = open(text);
  t.equal(trace(rig, tcp(a), 3), '---');
  reload(rig, `alert udp any any -> any 9 (msg:"other"; sid:9;)\n${text}`);
  t.equal(trace(rig, tcp(a), 1), 'A');
  reload(rig, rule('detection_filter: track by_src, count 2, seconds 60', 'alert'));
  t.equal(trace(rig, tcp(a), 1), '-', 'another threshold counts for itself');
});

t.test('silent matches are counted as such', { skip }, async (t) => {
  const rig = open(rule('threshold: type limit, track by_src, count 2, seconds 10'));
  trace(rig, tcp(a), 10);
  t.match(rig.kernel.ruleCounts()[0], { matched: 10, silenced: 8, events: 2, suppressed: 0 });
});

t.test('a rate filter changes what the rule does, as the engine has it', { skip }, async (t) => {
  const rig = open(rule('ttl:64', 'alert'));
  const line = (count: number, seconds: number, action: string, timeout: number): string =>
    `rate_filter gen_id 1, sig_id 1, track by_src, count ${count}, seconds ${seconds}, new_action ${action}, timeout ${timeout}`;
  const filter = (action: string, text: string): unknown =>
    install(rig, rule('ttl:64', action), rig.kernel.generation() + 1, text);
  filter('alert', line(2, 10, 'drop', 30));
  t.equal(trace(rig, tcp(a), 5), 'AADDD');
  t.equal(trace(rig, tcp(b), 3), 'AAD', 'another source has a window of its own');
  rig.advance(31);
  t.equal(trace(rig, tcp(a), 4), 'AAAD', 'the one that ends it is not counted');
  filter('drop', line(1, 10, 'alert', 30));
  t.equal(trace(rig, tcp(a), 3), 'DAA');
  filter('drop', line(1, 10, 'pass', 30));
  t.equal(trace(rig, tcp(a), 3), 'D--');
  const random = new Random(7);
  for (let round = 0; round < 40; round++) {
    const [count, seconds, timeout] = [1 + random.int(4), random.int(20), random.int(20)];
    filter('alert', line(count, seconds, 'drop', timeout));
    const engine = new ThresholdTable();
    const spec = {
      ...{ name: 'r', type: Threshold.RATE, track: Track.SRC, unique: Unique.NONE, count, seconds, multiplier: 0 },
      rate: { action: Action.DROP, timeout },
    };
    rig.advance(1000);
    let [ours, theirs, now] = ['', '', rig.now];
    for (let i = 0; i < 60; i++) {
      ours += trace(rig, tcp(a), 1);
      theirs +=
        engine.check(spec, { src: 1n, dst: 2n, sport: 1, dport: 1, proto: 6 }, now).outcome === 'rated' ? 'D' : 'A';
      const step = random.int(6) + random.pick([0, 0.25]);
      rig.advance(step);
      now += step * 1e9;
    }
    t.equal(ours, theirs, `${count} in ${seconds} s, for ${timeout} s`);
  }
});

t.test('suppressed packets are not counted and raise nothing; the rule acts all the same', { skip }, async (t) => {
  const rig = open(rule('ttl:64'));
  const text = 'threshold: type both, track by_rule, count 2, seconds 60';
  const suppress = 'suppress gen_id 1, sig_id 1, track by_src, ip 192.0.2.1';
  install(rig, rule(text), rig.kernel.generation() + 1, suppress);
  t.equal(trace(rig, tcp(b), 1), '-');
  t.equal(trace(rig, tcp(a), 3), 'DDD', 'silent to all but the record of the drop');
  t.equal(trace(rig, tcp(b), 3), 'Ddd', 'the second one that counts');
  install(rig, rule(text, 'alert'), rig.kernel.generation() + 1, suppress.replace('by_src', 'by_either'));
  rig.advance(100);
  t.equal(trace(rig, tcp({ src: b.src, dst: a.src }), 3), '---', 'either end');
  t.equal(trace(rig, tcp(b), 2), '-A');
});
