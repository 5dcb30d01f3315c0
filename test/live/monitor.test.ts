// SPDX-License-Identifier: Apache-2.0
// Monitor mode: everything is judged, counted and told as what would be done, and nothing is done.
import t from 'tap';
import { inNetns, privileged, twoHosts, until } from '../helpers/privileged.js';
import { TestDaemon } from './support/daemon.js';
import { ports } from './support/ports.js';
import { acquaint, addAddresses, curl, send, serve, transmitted } from './support/traffic.js';

TestDaemon.egress = false;

const listed = '10.77.0.66';
const rules = `
drop udp any any -> any ${ports.sink} (msg:"datagram"; sid:1;)
reject:flow tcp any any -> any ${ports.echo} (msg:"echo"; flags:S; sid:2;)
reject icmp any any -> any any (msg:"ping"; itype:8; sid:3;)
drop http any any -> any any (msg:"agent"; http.user_agent; content:"evil"; sid:4;)
`;

if (privileged(t)) {
  t.test('monitor mode', { timeout: 240_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    await addAddresses(attacker, listed);
    await acquaint(victim, attacker);
    const service = await serve(t, victim);
    const response = { rules: [{ match: { action: ['drop', 'reject'] }, block: '1h' }], trust: 'unproven' };
    const daemon = TestDaemon.prepare(t, victim, { rules, config: { response } });
    await daemon.run('--monitor');
    await daemon.ids('blocklist', 'add', listed);

    const flow = await send(t, attacker, 'udp', { from: attacker.ipv4, to: victim.ipv4, port: ports.sink });
    const talk = await send(t, attacker, 'tcp', { from: attacker.ipv4, to: victim.ipv4, port: ports.echo });
    await until(async () => (await talk.figures()).received > 20);
    const ping = await inNetns(attacker.netns, 'ping', ['-c', '3', '-i', '0.2', '-W', '5', victim.ipv4]);
    t.match(ping.stdout, / 0% packet loss/);
    for (const args of [
      ['--interface', listed],
      ['-A', 'evil'],
      ['-A', 'evil'],
    ]) {
      const { status, stdout } = await curl(attacker, `http://${victim.ipv4}/`, ...args);
      t.same([status, stdout], [0, 'hello\n'], args.join(' '));
    }
    const sent = await flow.finish();
    const { dropped: noRoom } = await transmitted(attacker);
    await until(async () => ((await service.seen()).udp[attacker.ipv4] ?? 0) + noRoom === sent, {
      message: `all of ${sent} datagrams to arrive`,
    });

    const status = await until(async () => {
      const now = await daemon.status();
      return (now.response['would-block'] ?? 0) > 0 && now;
    });
    t.equal(status.mode, 'monitor');
    t.equal(status.packets.dropped, 0);
    const would = new Map(status.reasons.map(({ reason, packets, would }) => [reason, { packets, would }]));
    t.same(would.get('rule-drop'), { packets: sent - noRoom + 2, would: sent - noRoom + 2 }, 'datagrams, two requests');
    // A flow that is established when a rule rejects is dropped from then on: that is what the last ping meets.
    const [rejected = 0, followed = 0] = ['rule-reject', 'flow-drop'].map((reason) => would.get(reason)?.would);
    t.ok(rejected >= 2 && rejected <= 4 && rejected + followed >= 4, 'one SYN, three pings');
    t.ok((would.get('blocklist')?.would ?? 0) >= 5, 'the packets of one fetch');
    t.equal(
      status.packets.would,
      [...would.values()].reduce((sum, row) => sum + row.would, 0),
    );
    t.equal(status.response['blocked'], 0);
    t.same(
      (await daemon.api.blocklistList()).map(({ prefix }) => prefix),
      [listed],
    );

    await until(() => [1, 2, 3, 4].every((sid) => daemon.alerts(sid).length > 0));
    const records = daemon.eve();
    t.ok(records.every(({ ids }) => ids.would === true));
    t.ok(records.every(({ alert }) => alert?.action !== 'blocked'));
    t.equal(daemon.alerts(4).length, 2);
    t.match((await daemon.cli('status')).stdout, /mode monitor/);
  });
}
