// SPDX-License-Identifier: Apache-2.0
// Flows as they are told: records of connections that came about and of such that did not, what is logged at run time,
// who carries most, and how TCP fares.
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { FlowRow, Talkers, TcpStats } from '../../engine/api/flows-api.js';
import { inNetns, privileged, twoHosts, until } from '../helpers/privileged.js';
import { Talk } from '../kernel/support/talk.js';
import { lines, TestDaemon } from './support/daemon.js';
import { ports } from './support/ports.js';
import { RawLink, settled } from './support/raw-link.js';
import { acquaint, curl, hping, send, serve } from './support/traffic.js';

/** Ports of the victim where things go wrong, and of the attacker that never hears an answer. */
const [REFUSED, REFUSED_TOO, SILENT, DEAF] = [81, 82, 83, 2000];

interface FlowRecord {
  readonly event_type: string;
  readonly src_ip: string;
  readonly src_port: number;
  readonly dest_ip: string;
  readonly dest_port: number;
  readonly proto: string;
  readonly app_proto?: string;
  readonly flow: Readonly<Record<string, unknown>>;
  readonly tcp?: Readonly<Record<string, unknown>>;
  readonly ids: {
    readonly end: string;
    readonly failed?: string;
    readonly handshake?: { readonly server_us: number; readonly network_us?: number };
    readonly rtt_us?: number;
    readonly retransmissions?: { readonly to_server: number; readonly to_client: number };
    readonly reset_by?: string;
  };
}

/** Connects, says something, and resets the connection when there is an answer. */
const resetting = `
const socket = require('net').connect(${ports.echo}, process.argv[1], () => socket.write('hello'));
socket.on('data', () => socket.resetAndDestroy());`;

if (privileged(t)) {
  t.test('flows', { timeout: 120_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    await acquaint(victim, attacker);
    await serve(t, victim);
    const dropped = (netns: string, what: string): Promise<unknown> =>
      inNetns(netns, 'nft', ['-f', '-'], {
        input: `table inet quiet {\n chain in {\n type filter hook input priority 0\n ${what} drop\n }\n }\n`,
      });
    await dropped(victim.netns, `tcp dport ${SILENT}`);
    await dropped(attacker.netns, `tcp dport ${DEAF}`);
    // The SYN-ACK that nobody acknowledges comes twice.
    await inNetns(victim.netns, 'sysctl', ['-qw', 'net.ipv4.tcp_synack_retries=1']);
    const daemon = TestDaemon.prepare(t, victim);
    daemon.configure({
      rules: 'alert tcp any any -> any 7 (msg:"echo"; flow:established,to_server; sid:1;)',
      config: {
        outputs: [{ type: 'file', path: daemon.eveFile, events: ['flow'] }],
        flows: { timeouts: { tcp_new: '2s', udp_new: '1s', udp_established: '1s' } },
      },
    });
    await daemon.run();
    const stats = (): Promise<TcpStats> => daemon.ids<TcpStats>('stats', 'tcp');
    const begun = await stats();
    const found = (wanted: (record: FlowRecord) => boolean): FlowRecord[] =>
      lines(daemon.eveFile)
        .map((line) => JSON.parse(line) as FlowRecord)
        .filter((record) => record.event_type === 'flow' && wanted(record));
    /** The only record of a connection to a port of the server. */
    const told = async (port: number, server = victim.ipv4): Promise<FlowRecord> => {
      const of = (): FlowRecord[] => found(({ dest_ip: ip, dest_port: to }) => ip === server && to === port);
      const [record, ...more] = await until(() => of().length > 0 && of(), {
        deadline: 20_000,
        message: `port ${port}`,
      });
      t.same(more, [], `port ${port}: one record`);
      if (!record) throw new Error('no record');
      return record;
    };
    const url = (port: number): string => `http://${victim.ipv4}:${port}/`;

    const links = { up: await RawLink.open(t, attacker), down: await RawLink.open(t, victim) };
    const talk = new Talk({ client: '10.77.0.98', server: '10.77.0.99', cport: 4000, sport: 99 });
    const carried = { up: { packets: 0, bytes: 0 }, down: { packets: 0, bytes: 0 } };
    const say = async (side: 'up' | 'down', frame: Uint8Array, pause = 0): Promise<void> => {
      const [from, to] = side === 'up' ? [links.up, links.down] : [links.down, links.up];
      from.send(frame, to);
      carried[side].packets++;
      carried[side].bytes += frame.length;
      await settled(from, to);
      await sleep(pause); // what is to be measured
    };
    const [network, server] = [30, 60];
    const first = performance.now();
    await say('up', talk.syn(), server);
    await say('down', talk.answer(), network);
    await say('up', talk.up());
    const took = (performance.now() - first) * 1000;
    const question = talk.up({ payload: 'question' });
    await say('up', question);
    await say('up', question, network);
    await say('down', talk.down({ payload: 'answer' }));
    await say('up', talk.up());
    await say('down', talk.fin('down'));
    await say('up', talk.fin('up'));
    await say('down', talk.down());

    t.equal((await curl(attacker, url(ports.web))).status, 0);
    t.equal((await curl(attacker, url(REFUSED))).status, 7);
    await inNetns(attacker.netns, process.execPath, ['-e', resetting, victim.ipv4]);
    const [, unanswered] = await Promise.all([
      hping(attacker, victim.ipv4, '-c', '1', '-S', '-p', String(ports.web), '-s', String(DEAF)),
      curl(attacker, url(SILENT), '--connect-timeout', '2'),
    ]);
    t.equal(unanswered.status, 28);

    await t.test('a connection, packet by packet', async (t) => {
      const { ids, flow, tcp } = await told(99, '10.77.0.99');
      t.match(flow, {
        pkts_toserver: carried.up.packets,
        pkts_toclient: carried.down.packets,
        bytes_toserver: carried.up.bytes,
        bytes_toclient: carried.down.bytes,
        state: 'closed',
        reason: 'timeout',
        alerted: false,
      });
      t.match(tcp, { tcp_flags_ts: '1b', tcp_flags_tc: '1b', syn: true, fin: true, ack: true, state: 'closed' });
      t.match(ids, { end: 'fin', retransmissions: { to_server: 1, to_client: 0 } });
      t.notMatch(ids, { failed: String });
      const { server_us: ofServer = 0, network_us: ofNetwork = 0 } = ids.handshake ?? {};
      t.ok(ofServer >= server * 1000, `the server's part: ${ofServer} µs`);
      t.ok(ofNetwork >= network * 1000, `the network's part: ${ofNetwork} µs`);
      t.ok(ofServer + ofNetwork <= took, `both within ${took} µs`);
    });

    await t.test('a request', async (t) => {
      const record = await until(() => found((one) => one.dest_port === ports.web && one.src_port !== DEAF)[0]);
      t.match(record, { src_ip: attacker.ipv4, proto: 'TCP', app_proto: 'http', flow: { state: 'closed' } });
      t.match(record.ids, { end: 'fin', retransmissions: { to_server: 0, to_client: 0 } });
      const { server_us: ofServer = 0, network_us: ofNetwork = 0 } = record.ids.handshake ?? {};
      t.ok(ofServer > 0 && ofNetwork > 0 && Number(record.ids.rtt_us) > 0, JSON.stringify(record.ids));
      t.equal(found(({ dest_port: port, src_port: from }) => port === ports.web && from !== DEAF).length, 1);
    });

    await t.test('refused, reset, unanswered, half open', async (t) => {
      const refused = await told(REFUSED);
      t.match(refused.ids, { end: 'rst', failed: 'refused', reset_by: 'server' });
      t.match(refused.flow, { pkts_toserver: 1, pkts_toclient: 1, state: 'closed', reason: 'timeout' });
      t.notOk(refused.ids.handshake);
      const reset = await told(ports.echo);
      t.match(reset, { flow: { state: 'closed', alerted: true }, ids: { end: 'rst', reset_by: 'client' } });
      t.notOk(reset.ids.failed);
      t.ok(reset.ids.handshake?.network_us);
      const silent = await told(SILENT);
      t.match(silent.ids, { end: 'timeout', failed: 'unanswered' });
      t.match(silent, { flow: { pkts_toclient: 0, state: 'new', reason: 'timeout' }, tcp: { state: 'syn_sent' } });
      const half = await until(() => found(({ src_port: port }) => port === DEAF)[0], { deadline: 20_000 });
      t.match(half.ids, { end: 'timeout', failed: 'half_open', retransmissions: { to_server: 0, to_client: 1 } });
      t.match(half, { flow: { pkts_toserver: 1, pkts_toclient: 2, state: 'new' }, tcp: { state: 'syn_recv' } });
      t.ok(half.ids.handshake?.server_us, 'the server has answered');
      t.notOk(half.ids.handshake?.network_us);
    });

    await t.test('failed connections alone, by subnet and port', async (t) => {
      await daemon.ids('log', 'flow', '--failed', '--net', '10.77.0.0/24', '--port', String(REFUSED_TOO));
      const before = found(() => true).length;
      const [four, six] = [url(REFUSED_TOO), `http://[${victim.ipv6}]:${REFUSED_TOO}/`];
      for (const one of [url(ports.web), url(REFUSED), six, four]) await curl(attacker, one);
      const more = (): FlowRecord[] => found(() => true).slice(before);
      await until(() => more().length > 0);
      // When this one is told, all places were looked at once more.
      await curl(attacker, four);
      await until(() => more().length > 1);
      const wanted = { src_ip: attacker.ipv4, dest_port: REFUSED_TOO, ids: { failed: 'refused' } };
      t.match(more(), [wanted, wanted]);
      t.equal(more().length, 2);
    });

    await t.test('how TCP fares', async (t) => {
      const now = await stats();
      t.equal(now.refused - begun.refused, 5);
      t.equal(now.resets - begun.resets, 1);
      t.ok(now.retransmissions - begun.retransmissions >= 3, 'segment, SYN-ACK and SYN');
      // The raw one, two requests, the one that was reset.
      t.equal(now.handshakes - begun.handshakes, 4, `${now.handshakes} handshakes`);
      for (const time of ['server', 'network', 'rtt'] as const) {
        const { count, p50Us = 0, p90Us = 0, p99Us = 0 } = now[time];
        t.ok(count > 0 && p50Us <= p90Us && p90Us <= p99Us, `${time}: ${JSON.stringify(now[time])}`);
      }
      t.ok(Number(now.server.p99Us) >= server * 1000, 'the slow answer is among them');
      t.match((await daemon.cli('stats', 'tcp')).stdout, /refused +5\b/);
    });

    await t.test('who carries most', async (t) => {
      const open = await send(t, attacker, 'tcp', { from: attacker.ipv4, to: victim.ipv4, port: ports.echo });
      await until(async () => (await open.figures()).received > 50);
      t.match(await daemon.ids('top', 'flows', '-n', '1', '--by', 'packets'), [{ state: 'established' }]);
      // It stays in the table for a while, and is the same whenever it is looked at.
      await open.finish();
      const [most, ...others] = await daemon.ids<FlowRow[]>('top', 'flows', '-n', '3', '--by', 'packets');
      t.match(most, { proto: 'TCP', client: attacker.ipv4, server: victim.ipv4, serverPort: ports.echo });
      t.ok(Number(most?.packets) > 100 && most?.rttUs, JSON.stringify(most));
      t.equal(most?.packets, Number(most?.toServer.packets) + Number(most?.toClient.packets));
      t.equal(others.length, 2);
      t.ok(others.every(({ packets }) => packets <= Number(most?.packets)));
      const talkers = await daemon.ids<Talkers>('top', 'talkers', '--by', 'packets');
      t.match(talkers.sources[0], { name: attacker.ipv4 });
      t.match(talkers.destinations[0], { name: victim.ipv4 });
      t.match(talkers.ports[0], { name: `TCP/${ports.echo}` });
      t.ok(Number(talkers.sources[0]?.packets) >= Number(most?.packets));
      t.match((await daemon.cli('top', 'flows')).stdout, /^ *BYTES +PACKETS +PROTO .*\n.* 10\.77\.0\.1:7 /);
      t.match((await daemon.cli('top', 'talkers')).stdout, /TCP\/7\n/);
    });
  });
}
