// SPDX-License-Identifier: Apache-2.0
// The ground that the live suite stands on: namespaces that can talk, and leave nothing behind.
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { inNetns, privileged, start, startInNetns, twoHosts, until } from '../helpers/privileged.js';

const namespaces = (pid: number): string[] => {
  try {
    return readdirSync('/run/netns').filter((name) => name.includes(`-${pid}-`));
  } catch {
    return [];
  }
};

if (privileged(t)) {
  t.test('two hosts reach each other over IPv4 and IPv6 at once, and are gone afterwards', async (t) => {
    await t.test('inside', async (t) => {
      const { victim, attacker } = await twoHosts(t);
      for (const address of [victim.ipv4, victim.ipv6]) {
        const ping = await inNetns(attacker.netns, 'ping', ['-c', '1', '-W', '2', address]);
        t.match(ping.stdout, / 0% packet loss/, address);
      }
      const server = startInNetns(t, victim.netns, 'nc', ['-l', '-p', '7000']);
      await until(async () => (await inNetns(victim.netns, 'ss', ['-Hltn'])).stdout.includes(':7000'));
      await inNetns(attacker.netns, 'nc', ['-N', victim.ipv4, '7000'], { input: 'hello\n' });
      t.match((await server.prints(/hello/)).index, 0);
      t.equal(namespaces(process.pid).length, 2);
    });
    t.same(namespaces(process.pid), []);
  });

  for (const end of ['SIGTERM', 'SIGINT', 'crash'] as const) {
    t.test(`nothing is left behind after ${end}`, async (t) => {
      const helpers = fileURLToPath(new URL('../helpers/privileged.js', import.meta.url));
      const script = `
        import { twoHosts, startInNetns } from ${JSON.stringify(helpers)};
        const { victim } = await twoHosts({ teardown() {} });
        startInNetns({ teardown() {} }, victim.netns, 'sleep', ['60']);
        console.log('ready');
        process.stdin.resume();
        setTimeout(() => ${end === 'crash' ? `{ throw new Error('crash'); }` : '{}'}, ${end === 'crash' ? 50 : 60000});`;
      const child = start(t, process.execPath, ['--input-type=module', '-e', script]);
      await child.prints(/ready/);
      if (end !== 'crash') {
        t.equal(namespaces(child.pid).length, 2);
        process.kill(child.pid, end);
      }
      t.not(await child.ended, 0);
      t.same(namespaces(child.pid), []);
    });
  }
}
