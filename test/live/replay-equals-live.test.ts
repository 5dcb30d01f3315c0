// SPDX-License-Identifier: Apache-2.0
// Replay is the same engine: what was captured of live traffic gives the same alerts and the same verdicts.
import { join } from 'node:path';
import t from 'tap';
import type { ReplaySummary } from '../../engine/replay/replay.js';
import { inNetns, privileged, run, startInNetns, twoHosts, until } from '../helpers/privileged.js';
import { lines, TestDaemon } from './support/daemon.js';
import type { EveRecord } from './support/daemon.js';
import { acquaint, curl, hping, serve } from './support/traffic.js';

const home = '[10.77.0.1,fd77::1]';
const rules = `
drop tcp any any -> $HOME_NET any (msg:"SYN and FIN"; flags:SF+; sid:1;)
drop tcp any any -> $HOME_NET any (msg:"no flag"; flags:0; sid:2;)
alert tcp any any -> $HOME_NET any (msg:"scan"; flags:S,12; detection_filter:track by_src, count 10, seconds 600, unique_on dst_port; sid:3;)
alert http any any -> $HOME_NET any (msg:"agent"; http.user_agent; content:"evil"; sid:4;)
alert http any any -> $HOME_NET any (msg:"uri"; http.uri; content:"/admin"; startswith; sid:5;)
pass icmp any any -> any any (msg:"small ping"; itype:8; dsize:<100; sid:6;)
alert icmp any any -> any any (msg:"ping"; itype:8; sid:7;)
reject udp any any -> any 69 (msg:"tftp"; sid:8;)
alert icmpv6 any any -> any any (msg:"ping6"; itype:128; sid:9;)
alert tcp any any -> any 80 (msg:"limited"; flags:S; threshold:type limit, track by_src, count 2, seconds 600; sid:10;)
alert ip any any -> any any (msg:"fragment"; fragbits:M; sid:11;)
`;

/** How often each rule raised an alert. */
function bySid(records: readonly EveRecord[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { event_type: type, alert } of records) {
    if (type === 'alert' && alert) counts[alert.signature_id] = (counts[alert.signature_id] ?? 0) + 1;
  }
  return counts;
}

if (privileged(t)) {
  t.test('a replayed capture and the live traffic agree', { timeout: 240_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    await acquaint(victim, attacker);
    await serve(t, victim);
    // The capture holds what arrives, and so is nothing else judged.
    const interfaces = [{ name: victim.device, egress: false }];
    const daemon = await TestDaemon.start(t, victim, { rules, config: { home_net: home, interfaces } });
    const pcap = join(daemon.folder, 'live.pcap');
    // What the attacker sends is what the victim's program sees. Multicast listener reports come at their own time.
    const filter = 'not (ip6 and ip6[6] = 0)';
    // A small snap length leaves room for many packets in the capture's buffer.
    const from = ['-i', attacker.device, '-Q', 'out', '-s', '2048', '-B', '8192', '--immediate-mode'];
    const capture = ['-Z', 'root', ...from, '-U', '-w', pcap];
    const tcpdump = startInNetns(t, attacker.netns, 'tcpdump', [...capture, filter]);
    await tcpdump.prints(/listening on/);
    const reasons = async (): Promise<Map<string, number>> =>
      new Map((await daemon.status()).reasons.map(({ reason, packets }) => [reason, packets]));
    const before = await reasons();

    await hping(attacker, victim.ipv4, '-c', '20', '-S', '-F', '-p', '80');
    await hping(attacker, victim.ipv4, '-c', '10', '-p', '81');
    await hping(attacker, victim.ipv4, '-c', '30', '-S', '-p', '++200');
    const scan = ['-sS', '-Pn', '-n', '-T4', '--max-retries', '0', '--host-timeout', '20s', '-p', '1-60'];
    await inNetns(attacker.netns, 'nmap', ['-6', ...scan, victim.ipv6], { deadline: 60_000 });
    for (const host of [victim.ipv4, `[${victim.ipv6}]`]) {
      await curl(attacker, `http://${host}/admin/login`, '-A', 'evil');
      await curl(attacker, `http://${host}/index.html`);
      await curl(attacker, `http://${host}/a/../admin`, '--path-as-is');
    }
    await inNetns(attacker.netns, 'ping', ['-q', '-c', '3', '-i', '0.2', victim.ipv4]);
    await inNetns(attacker.netns, 'ping', ['-q', '-c', '3', '-i', '0.2', '-s', '500', victim.ipv4]);
    await inNetns(attacker.netns, 'ping', ['-q', '-c', '2', '-i', '0.2', '-s', '4000', victim.ipv4]);
    await inNetns(attacker.netns, 'ping', ['-q', '-c', '2', '-i', '0.2', victim.ipv6]);
    await hping(attacker, victim.ipv4, '-c', '5', '--udp', '-p', '69', '-d', '20');

    // Connections that are closed say so a little later.
    const { netns } = attacker;
    const open = async (): Promise<string[]> =>
      (await run('ss', ['-N', netns, '-Htan'])).stdout.split('\n').filter((line) => !/^(TIME-WAIT|$)/.test(line));
    await until(async () => (await open()).length === 0, { message: 'the connections to end' });
    const after = await reasons();
    const live: Record<string, number> = {};
    for (const [reason, packets] of after) {
      const more = packets - (before.get(reason) ?? 0);
      if (more > 0) live[reason] = more;
    }
    await tcpdump.stop('SIGINT');
    t.match(tcpdump.output.stderr, /\b0 packets dropped by kernel/);

    const eve = join(daemon.folder, 'replay.json');
    // One side alone was captured; live the host's sockets say what is established.
    const words = [
      'replay',
      '--midstream',
      '--rules',
      join(daemon.folder, 'local.rules'),
      '--home-net',
      home,
      '--eve',
      eve,
    ];
    const summary = await daemon.ids<ReplaySummary>(...words, pcap);
    const replayed = lines(eve).map((line) => JSON.parse(line) as EveRecord);
    const alerts = bySid(replayed);
    t.same(
      Object.keys(alerts)
        .map(Number)
        .sort((a, b) => a - b),
      [1, 2, 3, 4, 5, 7, 8, 9, 10, 11],
      'every rule but the pass rule has something to say',
    );
    t.same(Object.fromEntries(summary.alerts.map(({ sid, count }) => [sid, count])), alerts);
    await until(() => JSON.stringify(bySid(daemon.eve())) !== '{}' && daemon.eve().length === replayed.length, {
      message: () => `${replayed.length} records, as in replay: ${JSON.stringify([bySid(daemon.eve()), alerts])}`,
    });
    t.same(bySid(daemon.eve()), alerts, 'the same alerts');
    const packets = Object.fromEntries(summary.reasons.map(({ reason, packets }) => [reason, packets]));
    t.same(packets, live, 'the same verdicts');
    const drops = (records: readonly EveRecord[]): unknown =>
      records
        .filter(({ event_type: type }) => type === 'drop')
        .map(({ src_ip, src_port, drop }) => [src_ip, src_port, drop?.reason]);
    t.same(drops(replayed), drops(daemon.eve()), 'the same packets are dropped, in this order');
  });
}
