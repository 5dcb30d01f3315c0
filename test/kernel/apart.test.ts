// SPDX-License-Identifier: Apache-2.0
// Segments that belong to no stream, what is picked up without a handshake, and rules that alert once a direction.

import t from 'tap';
import { BytesFlag, ControlFlag, EventType, L7Setting } from '../../common/abi.gen.js';
import { dnsMessage, question } from '../helpers/dns-bytes.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { hello, records, sniExtension, u16 } from '../helpers/tls-bytes.js';
import { TCP, udp } from './support/frames.js';
import { install, structure } from './support/http-rig.js';
import { setLayer7 } from './support/layer7-rig.js';
import { Rig, type SeenBytes } from './support/rig.js';
import { Talk } from './support/talk.js';

const when = { skip: whyUnprivileged() ?? false };
const { ACK, PSH, RST, SYN } = TCP;
const UNLIMITED = ControlFlag.CONTROL_UNLIMITED;

function open(t: Parameters<typeof Rig.open>[0], rules: string, flags = 0): Rig {
  const rig = Rig.open(t, { sizes: { ids_bulk: 1 << 20 } });
  rig.kernel.control.update({ flags: UNLIMITED | flags });
  install(rig, rules);
  rig.kernel.writeStructure(structure());
  setLayer7(rig, L7Setting.L7_HTTP | L7Setting.L7_TLS | L7Setting.L7_DNS | L7Setting.L7_ALL_QUERIES, {
    depth: [8192, 8192],
  });
  return rig;
}

/** Payload that was handed over: as a packet or as part of a stream, from which side, its text. */
const told = ({ bytes }: { bytes: readonly SeenBytes[] }): unknown[] =>
  bytes
    .filter(({ event }) => event.type === EventType.EVENT_PAYLOAD)
    .map(({ flags, event, bytes }) => [
      flags & BytesFlag.BYTES_PACKET ? 'packet' : 'stream',
      event.direction === 0 ? 'up' : 'down',
      bytes.toString('latin1'),
    ]);

t.test('what belongs to no stream is looked at by itself', when, async (t) => {
  const rules = 'alert ip any any -> any any (msg:"x"; content:"evil"; sid:1;)';
  const rig = open(t, rules);
  const seen = (frame: Uint8Array): unknown[] => told(rig.send(frame));
  const talk = new Talk();
  t.same(seen(talk.syn({ payload: Buffer.from('in the SYN') })), [['packet', 'up', 'in the SYN']]);
  const unseen = new Talk({ cport: 40_001 });
  t.same(seen(unseen.up({ payload: Buffer.from('GET / no hands') })), [['packet', 'up', 'GET / no hands']]);
  t.same(seen(unseen.down({ payload: Buffer.from('were shaken') })), [['packet', 'down', 'were shaken']]);

  const fast = new Talk({ cport: 40_002 });
  const cookie = Uint8Array.of(34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1);
  t.same(seen(fast.syn({ payload: Buffer.from('\x01fast open'), tcpOptions: cookie })), [
    ['stream', 'up', '\x01fast open'],
  ]);

  const known = new Talk({ cport: 40_003 });
  for (const frame of known.handshake()) rig.push(frame);
  t.same(seen(known.up({ payload: Buffer.from('\x01the first') })), [['stream', 'up', '\x01the first']]);
  // Looks like a request that goes on: as a message it waits.
  t.same(seen(known.down({ payload: Buffer.from('Please wa') })), [['stream', 'down', 'Please wa']]);
  t.same(
    seen(known.rst('up', { flags: RST | ACK, payload: Buffer.from('in the RST') })),
    [['packet', 'up', 'in the RST']],
    'a RST brings no stream',
  );
  // The client has not had the RST: the message goes on where it was.
  t.same(seen(known.down({ payload: Buffer.from('it\n') })), [['stream', 'down', 'it\n']]);
  t.same(
    seen(new Talk({ cport: 9 }).rst('down', { payload: Buffer.from('of nothing') })),
    [['packet', 'up', 'of nothing']],
    'a packet without a flow has no direction',
  );

  const masked = open(t, rules, ControlFlag.CONTROL_REDACT);
  const hidden = masked.send(new Talk().up({ payload: Buffer.from('GET / no hands') }));
  t.same([told(hidden), hidden.stats], [[], { UNINSPECTED: 14 }], 'it could be the middle of a value to be masked');
});

t.test('picked up by its first segment: TLS and DNS as well as HTTP', when, async (t) => {
  const rules = 'alert tls any any -> any any (msg:"x"; tls.sni; content:"a.example"; sid:1;)';
  const rig = open(t, rules, ControlFlag.CONTROL_MIDSTREAM);
  const message = dnsMessage({ questions: [question('a.example')] });
  const dns = Buffer.concat([u16(message.length), message]);
  const client = records(hello({ extensions: [sniExtension('a.example')] }));
  const types = (frame: Uint8Array): number[] => rig.send(frame).bytes.map(({ event }) => event.type);
  t.same(types(new Talk({ cport: 1 }).up({ payload: dns })), [EventType.EVENT_DNS]);
  t.same(types(new Talk({ cport: 2 }).up({ payload: client })), [EventType.EVENT_TLS]);
  const alone = new Talk({ cport: 4 });
  t.same(
    [types(alone.syn()), types(alone.up()), types(alone.up({ payload: client }))],
    [[], [], [EventType.EVENT_TLS]],
  );
  const late = new Talk({ cport: 3 });
  t.same(types(late.up({ payload: Buffer.from('\0\0 in the middle of something') })), []);
  t.same(types(late.up({ payload: dns })), [], 'no later one is taken for it');
});

t.test('rules of addresses alone alert once in each direction of a flow', when, async (t) => {
  const rig = open(t, 'alert ip any any -> any any (msg:"x"; sid:1;)');
  const alerts = (...frames: readonly Uint8Array[]): number[] => frames.map((frame) => rig.send(frame).events.length);
  const talk = new Talk();
  const conversation = (): Uint8Array[] => [talk.up(), talk.up(), talk.down(), talk.down(), talk.up()];
  t.same(alerts(...talk.handshake(), ...conversation()), [1, 1, 0, 0, 0, 0, 0, 0]);
  t.same(alerts(new Talk({ cport: 1 }).syn({ flags: SYN | PSH })), [1], 'another flow');
  install(rig, 'alert ip any any -> any any (msg:"x"; sid:1;)');
  t.same(alerts(...conversation()), [1, 0, 1, 0, 0], 'and so does the next rule set');
  const way = { src: '192.0.2.1', dst: '10.0.0.1' };
  t.same(alerts(udp(way), udp(way)), [1, 0]);
  const nowhere = { ...way, fragment: 0x2000, payload: new Uint8Array(64) };
  t.same(alerts(udp(nowhere), udp(nowhere)), [1, 1], 'packets without a flow each');
  for (const rule of [
    'alert ip !192.0.2.9 any -> any any (msg:"negated"; sid:1;)',
    'alert tcp any any -> any 80 (msg:"port"; sid:1;)',
    'alert ip any any -> any any (msg:"header"; ttl:>0; sid:1;)',
    'alert ip any any -> any any (msg:"counts"; threshold: type threshold, track by_src, count 1, seconds 9; sid:1;)',
  ]) {
    install(rig, rule);
    t.same(alerts(talk.up(), talk.up()), [1, 1], rule);
  }
  install(rig, 'drop ip any any -> any any (msg:"drop"; sid:1;)');
  t.same(alerts(talk.up(), talk.up()), [1, 1], 'what is dropped is told of every packet');
});

t.test('a section that waits is not given up', when, async (t) => {
  const rig = open(t, 'alert tcp any any -> any any (msg:"x"; content:"evil"; sid:1;)');
  const texts = (frame: Uint8Array): string[] =>
    rig.send(frame).http.map(({ section }) => Buffer.from(section).toString());
  setLayer7(rig, L7Setting.L7_HTTP | L7Setting.L7_ALL_HEADS, { depth: [8192, 8192] });
  const talk = new Talk();
  for (const frame of talk.handshake()) rig.push(frame);
  const first = 'GET /1 HTTP/1.1\r\n\r\n';
  t.same(texts(talk.up({ payload: first })), [first]);
  t.same(texts(talk.up({ payload: 'GET /2 HT' })), []);
  t.same(texts(talk.up({ payload: first, seq: 1001 })), [], 'for what came before it and comes again');
  t.same(texts(talk.up({ payload: 'TP/1.1\r\n\r\n' })), ['GET /2 HTTP/1.1\r\n\r\n']);
  // What a lenient server takes for a version is none to us; its header lines are to come all the same.
  for (const line of ['GET   HTTP/1.1\r\n', 'GET /x\tHTTP/1.1\r\n', 'GET /x http/1.1\n']) {
    t.same(texts(talk.up({ payload: line })), [], JSON.stringify(line));
    t.same(texts(talk.up({ payload: 'User-Agent: evil\r\n\r\n' })), [`${line}User-Agent: evil\r\n\r\n`]);
  }
  t.same(texts(talk.up({ payload: 'GET /x\r\n' })), ['GET /x\r\n'], 'of HTTP/0.9 there is no more');
});
