// SPDX-License-Identifier: Apache-2.0
// Packets that are handed over whole: contents in headers, and in the payload of what is neither TCP nor UDP.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { replayCaptures, type ReplayOptions, type ReplaySummary } from '../../engine/replay/replay.js';
import { pcap } from '../helpers/pcap.js';
import { privileged } from '../helpers/privileged.js';
import { benchKernels } from './support/bench-pool.js';
import { fragmented, fragments } from './support/fragments.js';
import { icmp, ip, tcp, TCP, udp, type IpPart } from './support/frames.js';
import { chain6, extension, Next, payloadOf } from './support/packets.js';
import { gre, packetOf } from './support/tunnels.js';

const there: IpPart = { src: '192.0.2.7', dst: '10.0.0.1' };
const six: IpPart = { src: '2001:db8::7', dst: '2001:db8::1' };
const other: IpPart = { src: '192.0.2.8', dst: '10.0.0.1' };

if (privileged(t)) {
  const folder = mkdtempSync(join(tmpdir(), 'ids-whole-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));

  const replay = (
    rules: string,
    frames: readonly Uint8Array[],
    options: Partial<ReplayOptions> = {},
  ): { alerts: [sid: number | undefined, packet: number | undefined][]; summary: ReplaySummary } => {
    const capture = join(folder, 'capture.pcap');
    writeFileSync(capture, pcap(frames.map((frame, i) => [i, frame])));
    const alerts: [number | undefined, number | undefined][] = [];
    const summary = replayCaptures({
      sources: [{ file: 'test.rules', text: rules }],
      captures: [capture],
      redact: false,
      inline: false,
      kernels: benchKernels,
      onDetection: ({ kind, rule, pcapCnt }) => {
        if (kind === 'alert') alerts.push([rule?.sid, pcapCnt]);
      },
      ...options,
    });
    return { alerts, summary };
  };

  t.test('contents in the payload of ICMP and of other protocols', async (t) => {
    const rules = `
alert icmp any any -> any any (msg:"both"; itype:8; content:"needle"; depth:6; sid:1;)
alert icmpv6 any any -> any any (msg:"six"; content:"needle"; offset:1; sid:2;)
alert ip any any -> 10.0.0.0/8 any (msg:"any"; content:"needle"; sid:3;)
alert ip any any -> any any (msg:"pim"; ip_proto:103; content:"needle"; startswith; sid:4;)
alert sctp any any -> any any (msg:"sctp"; content:"needle"; startswith; sid:5;)
alert icmp 192.0.2.8 any -> any any (msg:"address"; content:"needle"; sid:6;)
alert icmp any any -> any any (msg:"negated"; itype:8; content:!"needle"; sid:7;)`;
    const sctp = (text: string): Uint8Array => Buffer.from(`${'\0'.repeat(12)}${text}`);
    const { alerts, summary } = replay(rules, [
      icmp({ ...there, payload: 'needle here' }),
      icmp({ ...there, payload: ' needle here' }),
      icmp({ ...there, type: 0, payload: 'needle' }),
      icmp({ ...six, payload: 'needle' }),
      icmp({ ...six, payload: 'a needle' }),
      icmp({ ...other, payload: 'a needle' }),
      icmp({ ...there, payload: '' }),
      ip(there, 103, Buffer.from('needle')),
      ip(there, 103, Buffer.from('a needle')),
      ip(there, 132, sctp('needle')),
      udp({ ...there, dport: 9, payload: 'needle' }),
    ]);
    const expected = [
      [1, 1],
      [3, 1],
      [3, 2],
      [3, 3],
      [2, 5],
      [3, 6],
      [6, 6],
      [4, 8],
      [3, 8],
      [3, 9],
      [5, 10],
      [3, 10],
      [3, 11],
    ];
    const order = (list: readonly (readonly (number | undefined)[])[]): string[] => list.map(String).sort();
    t.same(order(alerts), order(expected));
    t.match(summary.rules, { engine: 7, unsupported: 0 });
  });

  t.test('contents in headers', async (t) => {
    const mss = Buffer.from([2, 4, 2, 0]);
    const rules = `
alert tcp any any -> any any (msg:"mss"; flags:S,12; tcp.hdr; content:"|02 04|"; offset:20; byte_test:2,<,536,0,big,relative; sid:1;)
alert udp any any -> any any (msg:"empty"; udp.hdr; content:"|00 08|"; offset:4; depth:2; sid:2;)
alert ip any any -> any any (msg:"options"; ipv4.hdr; content:"|94 04|"; offset:20; bsize:24; sid:3;)
alert ip any any -> any any (msg:"chain"; ipv6.hdr; content:"|3a 00|"; offset:40; depth:2; bsize:48; sid:4;)
alert icmp any any -> any any (msg:"stamp"; icmpv4.hdr; content:"|0d|"; startswith; bsize:20; sid:5;)
alert icmpv6 any any -> any any (msg:"router"; itype:134; icmpv6.hdr; content:"|00 00|"; offset:6; depth:2; bsize:8; sid:6;)
alert udp any any -> any any (msg:"two"; udp.hdr; content:"|00 09|"; startswith; pkt_data; content:"needle"; sid:7;)
alert udp any any -> any any (msg:"field"; ipopts:rr; content:"needle"; sid:8;)
alert tcp any any -> any any (msg:"data"; flow:established,to_server; tcp.hdr; content:"|50 18|"; offset:12; sid:9;)
alert icmpv6 any any -> any any (msg:"mtu"; icmpv6.mtu:<1280; sid:10;)`;
    const big = (mtu: number, code = 0): Uint8Array =>
      icmp({ ...six, type: 2, code, icmpId: mtu >>> 16, seq: mtu & 0xffff, payload: 'x'.repeat(48) });
    const data = { ...there, flags: TCP.ACK | TCP.PSH, seq: 1001, ack: 501, payload: 'x' };
    const back = { src: there.dst, dst: there.src, sport: 80, dport: 40000 };
    const { alerts, summary } = replay(rules, [
      tcp({ ...there, sport: 1, tcpOptions: mss }),
      tcp({ ...there, sport: 2, tcpOptions: Buffer.from([2, 4, 5, 180]) }),
      udp(there),
      udp({ ...there, payload: '1' }),
      udp({ ...there, options: Buffer.from([0x94, 4, 0, 0]), payload: '1' }),
      chain6(six, [extension.hop()], Next.ICMP6, payloadOf(icmp({ ...six, payload: 'x' }))),
      icmp({ ...there, type: 13, payload: 'x'.repeat(12) }),
      icmp({ ...six, type: 134, seq: 0, payload: 'x'.repeat(8) }),
      icmp({ ...six, type: 134, seq: 1, payload: 'x'.repeat(8) }),
      udp({ ...there, sport: 9, payload: 'a needle' }),
      udp({ ...there, sport: 10, payload: 'a needle' }),
      udp({ ...there, sport: 11, options: Buffer.from([7, 7, 4, 0, 0, 0, 0, 0]), payload: 'a needle' }),
      tcp({ ...there, flags: TCP.SYN, seq: 1000 }),
      tcp({ ...back, flags: TCP.SYN | TCP.ACK, seq: 500, ack: 1001 }),
      tcp({ ...data, flags: TCP.ACK, payload: '' }),
      tcp(data),
      tcp({ ...data, seq: 1002 }),
      big(1279),
      big(1280),
      big(1279, 1),
    ]);
    t.match(summary.rules, { inline: 1, engine: 9, unsupported: 0 });
    t.same(alerts, [
      [1, 1],
      [2, 3],
      [3, 5],
      [4, 6],
      [5, 7],
      [6, 8],
      [7, 10],
      [8, 12],
      [9, 16],
      [9, 17],
      [10, 18],
    ]);
  });

  t.test('pass comes first, and a threshold counts what the engine found', async (t) => {
    const rules = `
pass icmp 192.0.2.8 any -> any any (msg:"p"; itype:8; sid:1;)
alert icmp any any -> any any (msg:"a"; content:"needle"; threshold:type threshold, track by_src, count 2, seconds 60; sid:2;)`;
    const ping = (from: IpPart, payload: string): Uint8Array => icmp({ ...from, payload });
    const frames = [
      ...[ping(other, 'needle'), ping(other, 'needle'), ping(there, 'needle')],
      ...[ping(there, 'nothing'), ping(there, 'needle'), ping(there, 'needle'), ping(there, 'needle')],
    ];
    t.same(replay(rules, frames).alerts, [
      [2, 5],
      [2, 7],
    ]);
  });

  t.test('fragments are judged as the datagram that they are put together to', async (t) => {
    const rules = 'alert icmp any any -> any any (msg:"a"; content:"needle"; sid:1;)';
    const whole = icmp({ ...there, payload: `${'x'.repeat(60)}needle${'y'.repeat(60)}` });
    const pieces = fragments(fragmented(there, 1, whole), [40, 72]);
    t.same(replay(rules, pieces).alerts, [[1, 3]]);
  });

  t.test('the packet in a tunnel is handed over, the tunnel as what it is', async (t) => {
    const rules = `
alert icmp any any -> any any (msg:"inner"; content:"needle"; sid:1;)
alert ip any any -> any any (msg:"outer"; ip_proto:47; content:"needle"; sid:2;)
alert ip any any -> any any (msg:"header"; ip_proto:47; ipv4.hdr; content:"|0a 00 00 01|"; offset:16; sid:3;)`;
    const tunnel = gre(there, 0, 0x0800, [], packetOf(icmp({ ...other, payload: 'needle' })));
    t.same(
      replay(rules, [tunnel])
        .alerts.map(([sid]) => sid)
        .sort(),
      [1, 3],
    );
  });

  t.test('what an ICMP error quotes of TCP is not handed over where values are masked', async (t) => {
    const rules = `
alert icmp any any -> any any (msg:"quoted"; itype:3; content:"S3CRET"; sid:1;)
alert icmp any any -> any any (msg:"port"; itype:3; content:"|1f 90|"; sid:2;)
alert icmp any any -> any any (msg:"echo"; itype:8; content:"S3CRET"; sid:3;)`;
    const lost = packetOf(tcp({ ...there, dport: 8080, flags: TCP.ACK, payload: 'GET / HTTP/1.1\r\nCookie: S3CRET' }));
    const frames = [
      icmp({ ...there, type: 3, code: 1, payload: lost }),
      icmp({ ...there, payload: 'x'.repeat(60) + 'S3CRET' }),
    ];
    t.same(
      replay(rules, frames).alerts.map(([sid]) => sid),
      [1, 2, 3],
    );
    t.same(
      replay(rules, frames, { redact: true }).alerts.map(([sid]) => sid),
      [2, 3],
    );
  });
}
