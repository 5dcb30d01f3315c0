// SPDX-License-Identifier: Apache-2.0
// Rejects of the running daemon reach real clients, also where the interface cannot send from XDP.
import t from 'tap';
import { inNetns, privileged, startInNetns, twoHosts, until } from '../helpers/privileged.js';
import { TestDaemon } from './support/daemon.js';
import { ports } from './support/ports.js';
import { curl, serve } from './support/traffic.js';

const rules = `
reject tcp any any -> any ${ports.echo} (msg:"SYN"; flags:S; sid:1;)
reject udp any any -> any ${ports.sink} (msg:"datagram"; sid:2;)
reject icmp any any -> any any (msg:"ping"; itype:8; sid:3;)
reject icmpv6 any any -> any any (msg:"ping6"; itype:128; sid:4;)
reject http any any -> any any (msg:"agent"; http.user_agent; content:"evil"; sid:5;)
reject tcp any any -> any 8081 (msg:"data"; dsize:>15; sid:6;)
reject tcp any any -> any 8082 (msg:"payload"; flow:to_server; content:"evil"; sid:7;)
`;

/**
 * Says on which port, over which IP version, a connection has ended. Its client never gets to end it. What comes together
 * with data Node takes for an ordinary end and not for an error.
 */
const server = `
for (const port of [8081, 8082])
  require('net')
    .createServer((s) => {
      const version = s.localAddress.includes('.') ? 4 : 6;
      s.on('error', () => {}).on('close', () => console.log(port, version, 'closed')).resume();
    })
    .listen({ port, host: '::' }, () => console.log('up', port));
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
      const ends = startInNetns(t, victim.netns, process.execPath, ['-e', server]);
      await ends.prints(/up 8082/);
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
        for (const port of [8081, 8082]) {
          const script = `exec 3<>/dev/tcp/${address}/${port} && printf '\\1evil, and much more' >&3; timeout 10 cat <&3`;
          const tcp = await inNetns(attacker.netns, 'bash', ['-c', script], { status: 'any' });
          t.match(tcp.stderr, /reset by peer/i, `${host}: data to ${port}`);
          await ends.prints(new RegExp(`^${port} ${address === victim.ipv4 ? 4 : 6} closed`, 'm'), 10_000);
        }
        const ping = await inNetns(attacker.netns, 'ping', ['-c1', '-W10', address], { status: 'any' });
        t.match(ping.stdout, /Packet filtered|administratively prohibited/i, `${host}: ping`);
      }
      await until(() => [1, 2, 3, 4, 5, 6, 7].every((sid) => daemon.alerts(sid).length > 0));
    });
  }
}
