// SPDX-License-Identifier: Apache-2.0
// Real clients notice a reject at once, and say what they were told.

import { fileURLToPath } from 'node:url';
import t from 'tap';
import { inNetns, startInNetns, twoHosts, until, whyUnprivileged } from '../helpers/privileged.js';

const guard = fileURLToPath(new URL('reject-guard.js', import.meta.url));
const rules = [
  'reject tcp any any -> any 8080 (msg:"syn"; flags:S; sid:1;)',
  'reject tcp any any -> any 8081 (msg:"data"; flags:PA; sid:2;)',
  'reject udp any any -> any 9000 (msg:"udp"; sid:3;)',
  'reject icmp any any -> any any (msg:"ping"; itype:8; sid:4;)',
  'reject icmpv6 any any -> any any (msg:"ping6"; itype:128; sid:5;)',
];

for (const mode of ['generic', 'native']) {
  t.test(
    `curl, ping and UDP clients are told, ${mode} mode`,
    { skip: whyUnprivileged() ?? false, timeout: 120_000 },
    async (t) => {
      const { victim, attacker } = await twoHosts(t);
      // XDP_TX of a native veth is delivered only where the peer has an XDP program too.
      if (mode === 'native') {
        const idle = 'alert tcp any any -> any 1 (msg:"never"; sid:1;)';
        const peer = startInNetns(t, attacker.netns, process.execPath, [guard, attacker.device, mode, idle]);
        await peer.prints(/^ready /m, 30_000);
      }
      const server = startInNetns(t, victim.netns, process.execPath, [
        '-e',
        `require('http').createServer((q, r) => r.end('hello')).listen({ port: 8081, host: '::' }, () => console.log('up'));
     require('http').createServer((q, r) => r.end('hello')).listen({ port: 8080, host: '::' });
     require('http').createServer((q, r) => r.end('hello')).listen({ port: 8082, host: '::' });`,
      ]);
      await server.prints(/up/);
      const program = startInNetns(t, victim.netns, process.execPath, [guard, victim.device, mode, ...rules]);
      await program.prints(/^ready .*"tx":true/m, 30_000);
      const outside = (command: string, args: string[]) => inNetns(attacker.netns, command, args, { status: 'any' });
      // The first packet may fall to a neighbour that is not resolved yet.
      await until(async () => (await outside('curl', ['-sm2', `http://${victim.ipv4}:8082/`])).stdout === 'hello');

      for (const host of [victim.ipv4, `[${victim.ipv6}]`]) {
        const passed = await outside('curl', ['-sm5', `http://${host}:8082/`]);
        t.equal(passed.stdout, 'hello', `${host}: what no rule rejects passes`);

        let started = performance.now();
        const refused = await outside('curl', ['-sSm10', `http://${host}:8080/`]);
        t.equal(refused.status, 7, `${host}: SYN: ${refused.stderr}`);
        t.match(refused.stderr, /refused|connect to server/i);
        t.ok(performance.now() - started < 3000, 'at once');

        started = performance.now();
        const reset = await outside('curl', ['-sSm10', `http://${host}:8081/`]);
        t.equal(reset.status, 56, `${host}: request: ${reset.stderr}`);
        t.match(reset.stderr, /reset by peer/i);
        t.ok(performance.now() - started < 3000, 'at once');

        const address = host.replace(/[[\]]/g, '');
        const udp = await outside('bash', ['-c', `exec 3<>/dev/udp/${address}/9000 && echo x >&3; timeout 5 cat <&3`]);
        t.match(udp.stderr, /refused/i, `${host}: UDP`);

        const ping = await outside('ping', ['-c1', '-W5', address]);
        t.match(ping.stdout, /Packet filtered|administratively prohibited/i, `${host}: ping`);
      }
      t.equal(await program.stop(), 0);
      const { sent, limited } = JSON.parse(program.output.stdout.split('\n').at(-2) ?? '{}') as Record<string, number>;
      t.ok((sent ?? 0) >= 8, `${sent} answers`);
      t.equal(limited, 0);
    },
  );
}
