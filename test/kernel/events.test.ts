// SPDX-License-Identifier: Apache-2.0
// Floods make counts and not events; what is held back or lost is counted; connections of this host are known.

import { once } from 'node:events';
import { createServer, connect, type AddressInfo } from 'node:net';
import t from 'tap';
import { EventFlag, EventType, Reason, Stat } from '../../common/abi.gen.js';
import { interfaceIndex } from '../../engine/bpf/index.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { TCP, tcp } from './support/frames.js';
import { Rig } from './support/rig.js';
import { block, hitsOf, install, setFlags } from './support/rules.js';

const skip = whyUnprivileged() ?? false;
const a = { src: '192.0.2.1', dst: '10.0.0.1' };
const spoofed = (i: number): string => `172.${16 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
const rates = { sourceRate: 10, ruleRate: 50, blockedRate: 5 };

function open(t: Parameters<typeof Rig.open>[0], rules: string | string[]): Rig {
  const rig = Rig.open(t);
  rig.kernel.control.update(rates);
  install(rig, rules);
  return rig;
}

t.test('a flood of one source: as many events as its rate, matches counted exactly', { skip }, async (t) => {
  const rig = open(t, 'alert tcp any any -> any any (msg:"syn"; flags:S; sid:1;)');
  rig.push(tcp(a), { repeat: 100_000 });
  t.equal(rig.drain().events.length, 10, 'a burst of one second');
  t.match(rig.kernel.ruleCounts()[0], { matched: 100_000, events: 10, suppressed: 99_990, lost: 0 });
  t.equal(rig.kernel.stats()[Stat.EVENTS_SUPPRESSED], 99_990);
  rig.advance(0.5);
  rig.push(tcp(a), { repeat: 1_000 });
  t.equal(rig.drain().events.length, 5, 'half a second later half of it');
  rig.advance(3600);
  rig.push(tcp(a), { repeat: 1_000 });
  t.equal(rig.drain().events.length, 10, 'never more than a second has');
});

t.test('a flood of forged sources: as many events as the rule has', { skip }, async (t) => {
  const rig = open(t, [
    'alert tcp any any -> any 80 (msg:"syn"; sid:1;)',
    'alert tcp any any -> any 81 (msg:"other"; sid:2;)',
  ]);
  for (let i = 0; i < 20_000; i++) rig.push(tcp({ ...a, src: spoofed(i) }));
  t.equal(rig.drain().events.length, 50);
  t.match(rig.kernel.ruleCounts()[0], { matched: 20_000, events: 50, suppressed: 19_950 });
  t.equal(rig.send(tcp({ ...a, dport: 81 })).events.length, 1, 'other rules have their own');
});

t.test('a source that is held back does not eat up what the rule has for others', { skip }, async (t) => {
  const rig = open(t, 'alert tcp any any -> any any (msg:"syn"; ttl:>0; sid:1;)');
  rig.push(tcp(a), { repeat: 10_000 });
  for (let i = 0; i < 40; i++) t.equal(rig.push(tcp({ ...a, src: spoofed(i) })).verdict, 2);
  t.equal(rig.drain().events.length, 10 + 40);
});

t.test('a blocklisted source', { skip }, async (t) => {
  const rig = open(t, []);
  block(rig, '192.0.2.0/24', { origin: 3 });
  rig.push(tcp(a), { repeat: 1_000 });
  rig.push(tcp({ ...a, src: '192.0.2.9' }), { repeat: 1_000 });
  const { events } = rig.drain();
  t.same(
    events.map(({ type, src }) => [type, src]),
    [
      ...Array<unknown>(5).fill([EventType.EVENT_BLOCKED, '192.0.2.1']),
      ...Array<unknown>(5).fill([EventType.EVENT_BLOCKED, '192.0.2.9']),
    ],
  );
  t.equal(hitsOf(rig, '192.0.2.0/24').packets, 2_000, 'hits are exact');
  t.equal(rig.kernel.stats()[Stat.BLOCK_EVENTS_SUPPRESSED], 1_990);
});

for (const [what, type, alert] of [
  ['dropped', EventType.EVENT_BLOCKED, false],
  ['told', EventType.EVENT_LISTED, true],
] as const) {
  t.test(`a flood of listed sources that are ${what}: as many events as lists have in all`, { skip }, async (t) => {
    const FLOOD = 20_000;
    const rig = open(t, 'alert tcp any any -> any 81 (msg:"x"; sid:1;)');
    block(rig, '172.16.0.0/12', { origin: 3, alert });
    const reason = alert ? Reason.CLEAN : Reason.BLOCKLIST;
    const judged = (): number => rig.kernel.verdicts().find((row) => row.reason === reason)?.packets ?? 0;
    const stat = (index: number): number => rig.kernel.stats()[index] ?? 0;
    for (let i = 0; i < FLOOD; i++) rig.push(tcp({ ...a, src: spoofed(i) }));
    const { events } = rig.drain();
    t.equal(events.length, 50);
    t.ok(
      events.every((event) => event.type === type),
      'of lists alone',
    );
    t.equal(new Set(events.map(({ src }) => src)).size, 50, 'a source has no more than one while others wait');
    t.equal(judged(), FLOOD, 'every packet is judged');
    t.equal(hitsOf(rig, '172.16.0.0/12').packets, FLOOD, 'and counted for its entry');
    t.equal(rig.kernel.originHits(3).packets, FLOOD, 'and its origin');
    t.equal(stat(Stat.EVENTS) + stat(Stat.BLOCK_EVENTS_SUPPRESSED) + stat(Stat.EVENTS_LOST), FLOOD);
    t.equal(stat(Stat.BLOCK_EVENTS_SUPPRESSED), FLOOD - 50);
    t.equal(rig.send(tcp({ ...a, dport: 81 })).events.length, 1, 'rules have their own');
    rig.advance(0.5);
    for (let i = 0; i < 1_000; i++) rig.push(tcp({ ...a, src: spoofed(i) }));
    t.equal(rig.drain().events.length, 25, 'half a second later half of it');
  });
}

t.test('one listed source that is held back does not eat up what lists have for others', { skip }, async (t) => {
  const rig = open(t, []);
  block(rig, '172.16.0.0/12', { origin: 3 });
  rig.push(tcp({ ...a, src: spoofed(70_000) }), { repeat: 10_000 });
  for (let i = 0; i < 100; i++) rig.push(tcp({ ...a, src: spoofed(i) }));
  const { events } = rig.drain();
  t.equal(events.filter(({ src }) => src === spoofed(70_000)).length, 5);
  t.equal(events.length, 50);
});

t.test(
  'listed sources and a full ring: delivered, suppressed and lost make up what was dropped',
  { skip },
  async (t) => {
    const rig = Rig.open(t, { sizes: { ids_events: 4096 } });
    rig.kernel.control.update(rates);
    block(rig, '172.16.0.0/12', { origin: 3 });
    for (let i = 0; i < 1_000; i++) rig.push(tcp({ ...a, src: spoofed(i) }));
    const kept = rig.drain().events.length;
    t.ok(kept > 0 && kept < 50, `${kept} of 50`);
    const stats = rig.kernel.stats();
    t.equal(stats[Stat.EVENTS], kept);
    t.equal(stats[Stat.EVENTS_LOST], 50 - kept);
    t.equal(stats[Stat.BLOCK_EVENTS_SUPPRESSED], 950);
    t.equal(rig.kernel.verdicts().find((row) => row.reason === Reason.BLOCKLIST)?.packets, 1_000);
  },
);

t.test('no rate, no events; no bound, all events', { skip }, async (t) => {
  const rig = open(t, 'alert tcp any any -> any any (msg:"x"; ttl:>0; sid:1;)');
  rig.kernel.control.update({ sourceRate: 0 });
  t.same(rig.send(tcp(a)).stats, { EVENTS_SUPPRESSED: 1 });
  setFlags(rig, 'CONTROL_UNLIMITED');
  rig.push(tcp(a), { repeat: 5_000 });
  t.equal(rig.drain().events.length, 5_000);
});

t.test('a full ring: lost events are counted by rule and in all', { skip }, async (t) => {
  const rig = Rig.open(t, { sizes: { ids_events: 4096 } });
  setFlags(rig, 'CONTROL_UNLIMITED');
  install(rig, 'alert tcp any any -> any any (msg:"x"; ttl:>0; sid:1;)');
  rig.push(tcp(a), { repeat: 10_000 });
  const kept = rig.drain().events.length;
  t.ok(kept > 20 && kept < 40, `${kept} of 10,000`);
  t.match(rig.kernel.ruleCounts()[0], { matched: 10_000, events: kept, suppressed: 0, lost: 10_000 - kept });
  const stats = rig.kernel.stats();
  t.equal(stats[Stat.EVENTS], kept);
  t.equal(stats[Stat.EVENTS_LOST], 10_000 - kept);
  t.equal(rig.send(tcp(a)).events.length, 1, 'and on it goes');
});

for (const [host, family] of [
  ['127.0.0.1', 4],
  ['::1', 6],
] as const) {
  t.test(`a connection of this host, IPv${family}`, { skip }, async (t) => {
    const rig = open(t, 'alert tcp any any -> any any (msg:"x"; ttl:>0; sid:1;)');
    const server = createServer().listen(0, host);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = connect(port, host);
    const [peer] = await Promise.all([once(server, 'connection'), once(client, 'connect')]);
    t.teardown(() => {
      client.destroy();
      (peer[0] as typeof client).destroy();
      server.close();
    });
    const ifindex = interfaceIndex('lo');
    const packet = { src: host, dst: host, sport: client.localPort ?? 0, dport: port, flags: TCP.ACK };
    const proven = (part: Parameters<typeof tcp>[0]): boolean => {
      const { events } = rig.send(tcp(part), ifindex === undefined ? {} : { ifindex });
      t.equal(events.length, 1);
      return ((events[0]?.flags ?? 0) & EventFlag.EVENT_ESTABLISHED) !== 0;
    };
    setFlags(rig, 'CONTROL_UNLIMITED');
    t.notOk(proven(packet), 'not looked up without the flag');
    setFlags(rig, 'CONTROL_UNLIMITED', 'CONTROL_ESTABLISHED');
    /* Nobody tells the sequence numbers; the window takes 64 KB of them, so steps of less find it. */
    const frame = tcp(packet);
    const seqAt = frame.length - 16;
    const inside: number[] = [];
    for (let seq = 0, n = 0; seq < 2 ** 32; seq += 60_000, n++) {
      new DataView(frame.buffer, frame.byteOffset).setUint32(seqAt, seq);
      rig.push(frame, { ifindex: ifindex ?? 1 });
      if (n % 1000 !== 999 && seq + 60_000 < 2 ** 32) continue;
      inside.push(...rig.drain().events.flatMap((e) => (e.flags & EventFlag.EVENT_ESTABLISHED ? [e.seq] : [])));
    }
    t.ok(inside.length >= 1 && inside.length <= 3, `in the window: ${inside.join(' ')}`);
    const seq = inside[0] ?? 0;
    t.ok(proven({ ...packet, seq }), 'the packet of a connection');
    t.notOk(proven({ ...packet, seq: (seq + 2 ** 31) >>> 0 }), 'a forged sequence number');
    t.notOk(proven({ ...packet, seq, sport: 1 }), 'another port');
    t.notOk(proven({ ...packet, seq, src: family === 4 ? '127.0.0.9' : '::2' }), 'another address');
    t.notOk(proven({ ...packet, seq, src: host, dst: host, sport: 1, dport: port }), 'a listener is not a connection');
  });
}
