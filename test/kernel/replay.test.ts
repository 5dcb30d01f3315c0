// SPDX-License-Identifier: Apache-2.0
// Captures through the real program and the judge: what is raised, when, for which packet, and what is cut.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Detection } from '../../alerts/index.js';
import { eveLine } from '../../alerts/eve.js';
import { replayCaptures, type ReplayOptions, type ReplaySummary } from '../../engine/replay/replay.js';
import { mmdb } from '../helpers/mmdb.js';
import { EPOCH, pcap, type Timed } from '../helpers/pcap.js';
import { privileged } from '../helpers/privileged.js';
import { benchKernels } from './support/bench-pool.js';
import { tcp, TCP, udp } from './support/frames.js';
import { Talk } from './support/talk.js';

const client = { src: '192.0.2.7', dst: '10.0.0.1', sport: 40000, dport: 80 };
const server = { src: '10.0.0.1', dst: '192.0.2.7', sport: 80, dport: 40000 };
const request = (agent: string): string =>
  `GET /x HTTP/1.1\r\nHost: h\r\nCookie: k=S3CRET\r\nUser-Agent: ${agent}\r\n\r\n`;

const filled = Buffer.from('\x01x');

if (privileged(t)) {
  const folder = mkdtempSync(join(tmpdir(), 'ids-replay-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));

  const replay = (
    rules: string,
    packets: readonly Timed[] | Buffer,
    options: Partial<ReplayOptions> = {},
  ): { detections: Detection[]; summary: ReplaySummary } => {
    const capture = join(folder, 'capture.pcap');
    writeFileSync(capture, Buffer.isBuffer(packets) ? packets : pcap(packets));
    const detections: Detection[] = [];
    const summary = replayCaptures({
      sources: [{ file: 'test.rules', text: rules }],
      captures: [capture],
      redact: false,
      inline: false,
      kernels: benchKernels,
      onDetection: (detection) => detections.push(detection),
      ...options,
    });
    return { detections, summary };
  };

  t.test('an alert shows what a data set of JSON has of its address', async (t) => {
    const text =
      'alert udp any any -> any any (content:"x"; ip.src; dataset:isset,bad,type ip,load a.json,format json,value_key ip,' +
      'context_key threat; sid:1;)';
    const data = { 'a.json': { text: '[{"ip":"192.0.2.7","why":"scan"}]' } };
    const frames = [udp({ ...client, payload: 'x' }), udp({ ...client, src: '192.0.2.8', payload: 'x' })];
    const { detections } = replay(
      '',
      frames.map((frame, i): Timed => [i, frame]),
      { sources: [{ file: 'test.rules', text, data }] },
    );
    t.match(detections, [{ src: '192.0.2.7', context: { threat: { ip: '192.0.2.7', why: 'scan' } } }]);
    t.equal(detections.length, 1);
    t.match(JSON.parse(eveLine(detections[0] as Detection)), { alert: { context: { threat: { why: 'scan' } } } });
  });

  t.test('countries and reputation are addresses to the kernel', async (t) => {
    const data = {
      countries: { file: 'c.mmdb', bytes: mmdb({ '192.0.2.0/24': 'DE', '198.51.100.0/24': 'FR' }) },
      reputation: {
        categories: { file: 'categories.txt', text: '1,BadHosts\n' },
        lists: [{ file: 'bad.list', text: '192.0.2.7,1,80\n' }],
      },
    };
    const rules = [
      'alert tcp any any -> any 80 (geoip:src,DE; sid:1;)',
      'alert tcp any any -> any 80 (geoip:src,FR; sid:2;)',
      'alert tcp any any -> any 80 (iprep:any,BadHosts,>,50; sid:3;)',
      'alert http any any -> any any (iprep:src,BadHosts,>,50; http.user_agent; content:"probe"; sid:4;)',
      'alert http any any -> any any (geoip:src,!DE; http.user_agent; content:"probe"; sid:5;)',
      'alert ip any any -> $HOME_NET any (geoip:src,DE; sid:6;)',
    ].join('\n');
    const talk = new Talk({ client: '192.0.2.7' });
    const packets = [tcp({ ...client, flags: TCP.SYN }), tcp({ ...client, src: '198.51.100.9', flags: TCP.SYN })];
    const timed = packets.map((frame, i): Timed => [i, frame]);
    const { detections } = replay(rules, timed, { data });
    t.same(detections.map(({ src, rule }) => `${src} ${rule?.sid}`).sort(), [
      '192.0.2.7 1',
      '192.0.2.7 3',
      '192.0.2.7 6',
      '198.51.100.9 2',
    ]);
    const http = [...talk.handshake(), talk.up({ payload: request('probe') })].map((frame, i): Timed => [i, frame]);
    const { detections: heads } = replay(rules, http, { data });
    t.ok(heads.some(({ rule }) => rule?.sid === 4));
    t.notOk(heads.some(({ rule }) => rule?.sid === 5));
  });

  t.test('a segment that is sent again is a packet once more, and nothing new in its stream', async (t) => {
    const talk = new Talk();
    const frames = [...talk.handshake(), talk.up({ payload: Buffer.from('\x01evil') })];
    const again = frames.at(-1) ?? new Uint8Array(0);
    const packets = [...frames, again, talk.up({ payload: Buffer.from('more') })].map((one, i): Timed => [i, one]);
    const rules = [
      'alert tcp-pkt any any -> any any (content:"evil"; sid:1;)',
      'alert tcp any any -> any any (content:"evil"; sid:2;)',
      'alert tcp-stream any any -> any any (content:"evil"; sid:3;)',
      'alert tcp any any -> any any (content:"evil"; dsize:5; sid:4;)',
    ].join('\n');
    const seen = replay(rules, packets).detections.map(({ rule, pcapCnt }) => `${rule?.sid}:${pcapCnt}`);
    t.strictSame(seen.sort(), ['1:4', '1:5', '2:4', '3:4', '4:4', '4:5']);
  });

  t.test('payload is inspected 1 MiB deep, or as deep as is said', async (t) => {
    const talk = new Talk();
    const filler = Buffer.alloc(1400, 1);
    const frames = [...talk.handshake(), ...Array.from({ length: 50 }, () => talk.up({ payload: filler }))];
    frames.push(talk.up({ payload: Buffer.from('evil') }));
    const packets = frames.map((one, i): Timed => [i / 10, one]);
    const rules = 'alert tcp any any -> any any (content:"evil"; sid:1;)';
    t.equal(replay(rules, packets).detections.length, 1);
    t.equal(
      replay(rules, packets, { inspect: { to_server: 8192, to_client: 8192, shallow_ports: [] } }).detections.length,
      0,
    );
  });

  t.test('inline, a drop of addresses drops the flow as any other rule does', async (t) => {
    const talk = new Talk();
    const packets = [...talk.handshake(), talk.up({ payload: filled })].map((one, i): Timed => [i, one]);
    const rules = 'drop ip 192.0.2.1 any -> any any (msg:"listed"; sid:1;)';
    const told = (inline: boolean): string[] =>
      replay(rules, packets, { inline }).detections.map(({ kind, reason, pcapCnt }) => `${pcapCnt} ${kind} ${reason}`);
    const flow = ['2 drop flow-drop', '3 drop flow-drop', '4 drop flow-drop'];
    t.strictSame(told(true), ['1 alert rule-drop', '1 drop rule-drop', ...flow]);
    t.match(told(false), ['1 alert blocklist', '1 drop blocklist', '3 alert blocklist']);
  });

  t.test('records carry the packet number and the time of the capture', async (t) => {
    const { detections, summary } = replay('alert udp any any -> any 53 (msg:"dns"; sid:7; rev:3;)', [
      [0.5, tcp({ ...client, flags: TCP.SYN })],
      [1.25, udp({ ...client, dport: 53 })],
      [7.000001, udp({ ...client, dport: 53 })],
    ]);
    t.same(
      detections.map(({ pcapCnt, timeUs, rule, src, dport, kind }) => [
        pcapCnt,
        timeUs,
        rule?.sid,
        rule?.rev,
        src,
        dport,
        kind,
      ]),
      [
        [2, EPOCH * 1e6 + 1_250_000, 7, 3, '192.0.2.7', 53, 'alert'],
        [3, EPOCH * 1e6 + 7_000_001, 7, 3, '192.0.2.7', 53, 'alert'],
      ],
    );
    t.match(summary, {
      packets: 3,
      reasons: [{ reason: 'clean', packets: 3 }],
      alerts: [{ sid: 7, count: 2, msg: 'dns' }],
    });
  });

  t.test('thresholds run on the clock of the capture, which never goes backwards', async (t) => {
    const rule = 'alert udp any any -> any 53 (msg:"many"; detection_filter:track by_src, count 2, seconds 10; sid:1;)';
    const at = (...times: number[]): Timed[] => times.map((time) => [time, udp({ ...client, dport: 53 })]);
    const counts = (...times: number[]): (number | undefined)[] =>
      replay(rule, at(...times)).detections.map(({ pcapCnt }) => pcapCnt);
    t.same(counts(0, 1, 2, 3), [3, 4], 'within the window');
    t.same(counts(0, 1, 30, 31, 32), [5], 'a new window after a pause that takes no real time');
    t.same(counts(100, 101, 50, 102), [3, 4], 'a packet from the past counts as now');
  });

  t.test('a drop is a verdict, an alert and a drop record', async (t) => {
    const { detections, summary } = replay('drop tcp any any -> $HOME_NET 23 (msg:"telnet"; sid:5;)', [
      [0, tcp({ ...client, dport: 23 })],
      [1, tcp({ ...client, dport: 24 })],
    ]);
    t.same(
      detections.map(({ kind, verdict, reason, would }) => [kind, verdict, reason, would]),
      [
        ['alert', 'drop', 'rule-drop', false],
        ['drop', 'drop', 'rule-drop', false],
      ],
    );
    t.equal(detections[0]?.rule?.action, 'blocked');
    t.same(summary.reasons, [
      { reason: 'clean', packets: 1 },
      { reason: 'rule-drop', packets: 1 },
    ]);
  });

  t.test('flows are told at their end, with what is known of them', async (t) => {
    const lines: Record<string, unknown>[] = [];
    const talk = new Talk({ client: '192.0.2.7', server: '10.0.0.1' });
    const refused = new Talk({ cport: 2, sport: 81 });
    const [syn, answer, ack] = talk.handshake() as [Uint8Array, Uint8Array, Uint8Array];
    const { detections } = replay(
      'alert tcp any any -> any any (msg:"m"; flow:established,to_server; dsize:4; sid:5;)',
      [
        [0, syn],
        [0.02, answer],
        [0.05, ack],
        [0.06, talk.up({ payload: 'ping' })],
        [0.07, talk.down({ payload: 'pong' })],
        [1, talk.fin('up')],
        [1, talk.fin('down')],
        [2, refused.syn()],
        [2, refused.rst('down', { flags: TCP.RST | TCP.ACK, seq: 0 })],
        [3, udp({ ...client, sport: 5, dport: 53, vlan: [7] })],
        [99, tcp({ ...client, sport: 3, flags: TCP.SYN })],
      ],
      {
        logs: ['flow'],
        onLines: ({ bytes }) =>
          Buffer.from(bytes)
            .toString()
            .trim()
            .split('\n')
            .forEach((line) => lines.push(JSON.parse(line) as Record<string, unknown>)),
      },
    );
    t.match(detections, [{ pcapCnt: 4 }]);
    const byPort = (port: number): Record<string, unknown> | undefined => lines.find((one) => one['src_port'] === port);
    t.equal(lines.length, 4);
    t.match(byPort(40_000), {
      event_type: 'flow',
      ...{ src_ip: '192.0.2.7', dest_ip: '10.0.0.1', dest_port: 80, proto: 'TCP', ip_v: 4 },
      community_id: /^1:/,
      flow: {
        ...{ pkts_toserver: 4, pkts_toclient: 3, bytes_toserver: 4 * 54 + 4, bytes_toclient: 3 * 54 + 4, age: 1 },
        ...{ start: '2023-11-14T22:13:20.000000+0000', end: '2023-11-14T22:13:21.000000+0000' },
        ...{ state: 'closed', reason: 'timeout', alerted: true },
      },
      tcp: {
        tcp_flags: '1b',
        tcp_flags_ts: '1b',
        tcp_flags_tc: '1b',
        syn: true,
        fin: true,
        ack: true,
        state: 'closed',
      },
      ids: { end: 'fin', handshake: { server_us: 20_000, network_us: 30_000 }, rtt_us: 125_000 },
    });
    t.match(byPort(2), { flow: { state: 'closed' }, ids: { end: 'rst', failed: 'refused', reset_by: 'server' } });
    t.match(byPort(5), { proto: 'UDP', vlan: [7], flow: { state: 'new', pkts_toclient: 0 }, ids: { end: 'timeout' } });
    t.match(byPort(3), { flow: { reason: 'shutdown' }, tcp: { state: 'syn_sent' }, ids: { failed: 'unanswered' } });
  });

  t.test('inline: a drop drops the rest of its flow; mid-stream: none is needed to know one', async (t) => {
    const talk = new Talk();
    const frames = [...talk.handshake(), talk.up({ payload: 'attack' }), talk.up({ payload: 'more' }), talk.down()];
    const packets = frames.map((frame, i): Timed => [i, frame]);
    const rule = 'drop:flow tcp any any -> any any (msg:"d"; flow:established,to_server; dsize:6; sid:5;)';
    const reasons = (from: number, options: Partial<ReplayOptions>): unknown =>
      replay(rule, packets.slice(from), options).summary.reasons;
    const [clean, drop] = [(n: number) => ({ reason: 'clean', packets: n }), { reason: 'rule-drop', packets: 1 }];
    t.same(reasons(0, {}), [clean(5), drop]);
    t.same(reasons(0, { inline: true }), [clean(3), drop, { reason: 'flow-drop', packets: 2 }]);
    t.same(reasons(3, { inline: true }), [clean(3)]);
    t.same(reasons(3, { inline: true, midstream: true }), [drop, { reason: 'flow-drop', packets: 2 }]);
  });

  t.test('HOME_NET as asked for', async (t) => {
    const rule = 'alert tcp any any -> $HOME_NET any (msg:"in"; sid:5;)';
    const sent = (homeNet?: string): number =>
      replay(
        rule,
        [
          [0, tcp(client)],
          [1, tcp(server)],
        ],
        homeNet === undefined ? {} : { homeNet },
      ).detections.length;
    t.equal(sent(), 1, 'the private networks');
    t.equal(sent('192.0.2.0/24'), 1);
    t.equal(sent('[192.0.2.0/24, 10.0.0.0/8]'), 2);
    t.equal(sent('198.51.100.0/24'), 0);
  });

  t.test('HTTP requests: matched, described, redacted on demand', async (t) => {
    const rules = 'alert http any any -> any any (msg:"scanner"; http.user_agent; content:"sqlmap"; sid:9;)';
    const packets: Timed[] = [[0, tcp({ ...client, flags: TCP.ACK, payload: request('sqlmap/1.7') })]];
    const { detections } = replay(rules, packets, { midstream: true });
    t.same(replay(rules, packets).detections, [], 'as long as there was no handshake it is nothing');
    t.match(detections, [
      { rule: { sid: 9 }, http: { hostname: 'h', url: '/x', method: 'GET', userAgent: 'sqlmap/1.7' } },
    ]);
    const cookie = 'alert http any any -> any any (msg:"any"; http.method; content:"GET"; sid:9;)';
    t.notMatch(JSON.stringify(replay(cookie, packets, { redact: true, midstream: true }).detections), /S3CRET/);
  });

  t.test('an engine-placed drop cuts the rest of its flow with --inline alone', async (t) => {
    // Two buffers: what the kernel judges by itself looks into one.
    const options = 'http.method; content:"GET"; http.user_agent; content:"sqlmap"';
    const rules = `drop http any any -> any any (msg:"tool"; ${options}; sid:9;)`;
    const packets: Timed[] = [
      [0, tcp({ ...client, flags: TCP.ACK, payload: request('sqlmap') })],
      [1, tcp({ ...client, flags: TCP.ACK, payload: 'more' })],
      [2, tcp({ ...server, flags: TCP.ACK, payload: 'answer' })],
      [3, tcp({ ...client, sport: 40001, flags: TCP.ACK })],
    ];
    t.same(replay(rules, packets, { midstream: true }).summary.reasons, [{ reason: 'clean', packets: 4 }]);
    const { summary, detections } = replay(rules, packets, { inline: true, midstream: true });
    t.same(summary.reasons, [
      { reason: 'clean', packets: 2 },
      { reason: 'flow-cut', packets: 2 },
    ]);
    t.same(
      detections.map(({ kind, pcapCnt }) => [kind, pcapCnt]),
      [
        ['alert', 1],
        ['drop', 2],
        ['drop', 3],
      ],
    );
  });

  t.test('packets that cannot be judged are counted, damage ends the run', async (t) => {
    const short = replay('', [
      [0, new Uint8Array(13)],
      [1, tcp(client)],
    ]);
    t.match(short.summary, { packets: 1, skipped: { short: 1, linkType: 0, long: 0 } });
    const foreign = replay('', pcap([[0, tcp(client)]], 147));
    t.match(foreign.summary, { packets: 0, skipped: { linkType: 1 } });
    const whole = pcap([
      [0, tcp(client)],
      [1, tcp(client)],
    ]);
    t.throws(() => replay('', whole.subarray(0, whole.length - 3)), { code: 'CAPTURE_INVALID', message: /cut off/ });
    t.throws(() => replay('', [], { captures: [join(folder, 'absent')] }), { code: 'FILE_UNREADABLE' });
  });
}
