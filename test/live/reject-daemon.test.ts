// SPDX-License-Identifier: Apache-2.0
// Rejects of the running daemon reach real clients, also where the interface cannot send from XDP.
import t from 'tap';
import { inNetns, privileged, twoHosts, until } from '../helpers/privileged.js';
import { TestDaemon } from './support/daemon.js';
import { ports } from './support/ports.js';
import { curl, serve } from './support/traffic.js';

const rules = `
reject tcp any any -> any ${ports.echo} (msg:"SYN"; flags:S; sid:1;)
reject udp any any -> any ${ports.sink} (msg:"datagram"; sid:2;)
reject icmp any any -> any any (msg:"ping"; itype:8; sid:3;)
reject icmpv6 any any -> any any (msg:"ping6"; itype:128; sid:4;)
reject http any any -> any any (msg:"agent"; http.user_agent; content:"evil"; sid:5;)
`;

if (privileged(t)) {
  for (const [mode, means] of [
    // The peer has no XDP program: what a native veth sends back would be lost.
    ['native', 'raw-socket'],
    ['generic', 'xdp'],
  ] as const) {
    t.test(`clients are told, ${mode} mode`, { timeout: 120_000 }, async (t) => {
      const { victim, attacker } = await twoHosts(t);
      await serve(t, victim);
      const config = { interfaces: [{ name: victim.device, mode }], reject_rate: 1000 };
      const daemon = await TestDaemon.start(t, victim, { rules, config });
      const [attached] = (await daemon.status()).interfaces;
      t.match(attached, { name: victim.device, mode, reject: means });

      for (const address of [victim.ipv4, victim.ipv6]) {
        const host = address.includes(':') ? `[${address}]` : address;
        t.equal((await curl(attacker, `http://${host}/`)).stdout, 'hello\n', `${host}: what no rule rejects is served`);
        const refused = await curl(attacker, `http://${host}:${ports.echo}/`);
        t.equal(refused.status, 7, `${host}: SYN: ${refused.stderr}`);
        const reset = await curl(attacker, `http://${host}/large`, '-o', '/dev/null', '-A', 'evil');
        t.equal(reset.status, 56, `${host}: request: ${reset.stderr}`);
        const script = `exec 3<>/dev/udp/${address}/${ports.sink} && echo x >&3; timeout 10 cat <&3`;
        const udp = await inNetns(attacker.netns, 'bash', ['-c', script], { status: 'any' });
        t.match(udp.stderr, /refused/i, `${host}: datagram`);
        const ping = await inNetns(attacker.netns, 'ping', ['-c1', '-W10', address], { status: 'any' });
        t.match(ping.stdout, /Packet filtered|administratively prohibited/i, `${host}: ping`);
      }
      await until(() => [1, 2, 3, 4, 5].every((sid) => daemon.alerts(sid).length > 0));
    });
  }
}
