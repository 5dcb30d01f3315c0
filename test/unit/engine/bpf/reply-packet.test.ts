// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { EventFlag, EventLayout, type EventRecord, readEvent } from '../../../../common/abi.gen.js';
import { parseAddress } from '../../../../common/address.js';
import { buildReply, type ReplyTo } from '../../../../engine/bpf/reply-packet.js';
import { checksum } from '../../../kernel/support/frames.js';

/** An event of the ring with these fields. */
function event(o: { src: string; dst: string } & Partial<Omit<EventRecord, 'src' | 'dst'>>): {
  view: DataView;
  record: EventRecord;
} {
  const bytes = new Uint8Array(EventLayout.SIZE);
  bytes.set(parseAddress(o.src), EventLayout.saddr);
  bytes.set(parseAddress(o.dst), EventLayout.daddr);
  bytes.set([2, 0, 0, 0, 0, 1], EventLayout.ethDst);
  const view = new DataView(bytes.buffer);
  const { src, dst: _dst, ...fields } = o;
  const version = src.includes(':') ? 6 : 4;
  const base = { ...readEvent(view), ipVersion: version, flags: EventFlag.EVENT_L4, ttl: 60 };
  return { view, record: { ...base, ...fields, saddr: EventLayout.saddr, daddr: EventLayout.daddr } };
}

const reply = (...[o, to]: [Parameters<typeof event>[0], ReplyTo?]): ReturnType<typeof buildReply> => {
  const { view, record } = event(o);
  return buildReply(view, record, to);
};

/** Source and destination of an IP packet and its payload. */
function split(packet: Uint8Array): { ends: Uint8Array; body: DataView; protocol: number | undefined } {
  const six = (packet[0] ?? 0) >> 4 === 6;
  const at = six ? 40 : 20;
  const body = packet.subarray(at);
  const ends = six ? packet.subarray(8, 40) : packet.subarray(12, 20);
  return { ends, body: new DataView(body.buffer, body.byteOffset, body.length), protocol: packet[six ? 6 : 9] };
}

/** Zero for a segment whose checksum is right. */
function sumOf(packet: Uint8Array): number {
  const { ends, body, protocol } = split(packet);
  const bytes = new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  if (protocol === 1) return checksum(bytes);
  return checksum(
    ends,
    Uint8Array.of(0, 0, 0, 0, 0, 0, bytes.length >> 8, bytes.length & 255, 0, 0, 0, protocol ?? 0),
    bytes,
  );
}

const tcp = { src: '192.0.2.1', dst: '198.51.100.2', proto: 6, sport: 40000, dport: 80, ipLen: 40 };

t.test('RST to a SYN acknowledges it, with sequence number 0', async (t) => {
  const made = reply({ ...tcp, tcpFlags: 2, seq: 0xffffffff });
  t.ok(made);
  if (!made) return;
  const { body, ends } = split(made.packet);
  t.same([...ends], [198, 51, 100, 2, 192, 0, 2, 1]);
  t.same([...made.target], [192, 0, 2, 1]);
  t.same([body.getUint16(0), body.getUint16(2)], [80, 40000]);
  t.same([body.getUint32(4), body.getUint32(8)], [0, 0], 'SEG.SEQ + 1 wraps around');
  t.equal(body.getUint8(13), 4 | 16);
  t.equal(sumOf(made.packet), 0);
  t.equal(checksum(made.packet.subarray(0, 20)), 0, 'IP checksum');
});

t.test('RST to a segment with ACK takes its place from there', async (t) => {
  const { body } = split(
    reply({ ...tcp, tcpFlags: 24, seq: 100, ack: 777, payloadLen: 10 })?.packet ?? new Uint8Array(40),
  );
  t.same([body.getUint32(4), body.getUint32(8), body.getUint8(13)], [777, 0, 4]);
});

t.test('data, SYN and FIN all count for what is acknowledged', async (t) => {
  const { body } = split(reply({ ...tcp, tcpFlags: 1 | 2, seq: 100, payloadLen: 10 })?.packet ?? new Uint8Array(40));
  t.equal(body.getUint32(8), 112);
});

t.test('RST to the destination looks like the sender’s next segment', async (t) => {
  for (const [to, seq] of [
    ['destination', 100],
    ['behind', 105],
  ] as const) {
    const made = reply({ ...tcp, tcpFlags: 24, seq: 100, ack: 777, payloadLen: 5 }, to);
    const { body, ends } = split(made?.packet ?? new Uint8Array(40));
    t.same([...ends], [192, 0, 2, 1, 198, 51, 100, 2]);
    t.same([body.getUint16(0), body.getUint32(4), body.getUint32(8), body.getUint8(13)], [40000, seq, 777, 20]);
  }
});

t.test('UDP gets port unreachable that quotes its ports, over IPv4 and IPv6', async (t) => {
  const four = reply({ ...tcp, proto: 17, sport: 5000, dport: 53, ipLen: 38, payloadLen: 10, ipId: 99 });
  const one = split(four?.packet ?? new Uint8Array(60));
  t.same([one.body.getUint8(0), one.body.getUint8(1)], [3, 3]);
  t.equal(one.body.getUint16(8 + 4), 99, 'the quoted IP id');
  t.same([one.body.getUint16(28), one.body.getUint16(30), one.body.getUint16(32)], [5000, 53, 18]);
  t.equal(sumOf(four?.packet ?? new Uint8Array(60)), 0);
  const six = reply({
    src: '2001:db8::1',
    dst: '2001:db8::2',
    proto: 17,
    sport: 5000,
    dport: 53,
    ipLen: 58,
    payloadLen: 10,
  });
  const two = split(six?.packet ?? new Uint8Array(90));
  t.same([two.body.getUint8(0), two.body.getUint8(1)], [1, 4]);
  t.equal(two.body.getUint16(48), 5000);
  t.equal(sumOf(six?.packet ?? new Uint8Array(90)), 0);
});

t.test('other protocols get "administratively prohibited"', async (t) => {
  const { body } = split(
    reply({ ...tcp, proto: 1, sport: 8, dport: 0, ipLen: 28, icmpId: 7, icmpSeq: 9 })?.packet ?? new Uint8Array(60),
  );
  t.same([body.getUint8(0), body.getUint8(1)], [3, 13]);
  t.same([body.getUint8(28), body.getUint16(32), body.getUint16(34)], [8, 7, 9], 'the quoted echo request');
});

t.test('nobody is answered who must not be', async (t) => {
  t.equal(reply({ ...tcp, tcpFlags: 4 }), undefined, 'RST to RST');
  for (const type of [3, 4, 5, 11, 12])
    t.equal(reply({ ...tcp, proto: 1, sport: type }), undefined, `ICMP error ${type}`);
  t.equal(reply({ src: 'fe80::1', dst: 'fe80::2', proto: 58, sport: 1 }), undefined, 'ICMPv6 error');
  for (const address of ['224.0.0.1', '255.255.255.255', '0.0.0.0', '127.0.0.1', '240.0.0.1']) {
    t.equal(reply({ ...tcp, src: address, tcpFlags: 2 }), undefined, `from ${address}`);
    t.equal(reply({ ...tcp, dst: address, tcpFlags: 2 }), undefined, `to ${address}`);
  }
  for (const address of ['::', '::1', 'ff02::1']) {
    t.equal(reply({ src: address, dst: '2001:db8::1', proto: 6, tcpFlags: 2 }), undefined, `from ${address}`);
  }
  t.equal(reply({ ...tcp, flags: 0, tcpFlags: 2 }), undefined, 'a fragment without its header');
  const { view, record } = event({ ...tcp, tcpFlags: 2 });
  view.setUint8(EventLayout.ethDst, 0x01);
  t.equal(reply({ ...tcp, tcpFlags: 24, layer: 1 }), undefined, 'in a tunnel');
  t.equal(buildReply(view, record), undefined, 'a link-layer group');
});
