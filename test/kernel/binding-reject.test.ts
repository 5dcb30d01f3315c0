// SPDX-License-Identifier: Apache-2.0
// A rejected client hears at once that it is refused, whichever way the answer has to take: XDP_TX where the probe says
// that it reaches the peer, the engine's raw socket where it does not.

import { join } from 'node:path';
import t from 'tap';
import { type Background, inNetns, privileged, startInNetns, twoHosts } from '../helpers/privileged.js';

const support = join(import.meta.dirname, 'support');
const rules = ['tcp', 'udp']
  .map((proto, i) => `reject ${proto} any any -> any 9999 (msg:"no"; sid:${i + 1};)`)
  .join('\n');

interface Attached {
  attachment: { mode: string; tx: boolean };
  problems: number;
}

async function json(running: Background, key: string): Promise<unknown> {
  const [line] = await running.prints(new RegExp(`^\\{"${key}".*\\}$`, 'm'), 20_000);
  return JSON.parse(line);
}

const ways = [
  { name: 'native, the peer has no XDP: by the engine', mode: 'native', peer: false, tx: false },
  // The driver counts such a frame as sent, and nobody wakes the peer for it.
  { name: 'native, the peer has GRO and no XDP: by the engine', mode: 'native', peer: false, gro: true, tx: false },
  { name: 'native, the peer has XDP: by XDP_TX', mode: 'native', peer: true, tx: true },
  { name: 'generic: by XDP_TX', mode: 'generic', peer: false, tx: true },
];

if (privileged(t)) {
  for (const { name, mode, peer, gro, tx } of ways) {
    t.test(name, async (t) => {
      const { victim, attacker } = await twoHosts(t);
      const agent = (netns: string, ...args: string[]): Background => {
        return startInNetns(t, netns, process.execPath, [join(support, 'reject-agent.js'), 'veth0', ...args]);
      };
      if (gro) await inNetns(attacker.netns, 'ethtool', ['-K', 'veth0', 'gro', 'on']);
      if (peer) await json(agent(attacker.netns, 'native'), 'attachment');
      const running = agent(victim.netns, mode, rules);
      const { attachment, problems } = (await json(running, 'attachment')) as Attached;
      t.match(attachment, { mode, tx });
      t.equal(problems, 0);
      for (const address of [victim.ipv4, victim.ipv6]) {
        for (const proto of ['tcp', 'udp']) {
          const { stdout } = await inNetns(attacker.netns, process.execPath, [
            join(support, 'connect.js'),
            proto,
            address,
            '9999',
          ]);
          t.equal(stdout.trim(), 'ECONNREFUSED', `${proto} to ${address}`);
        }
      }
      await running.stop();
      t.match(await json(running, 'sent'), { sent: tx ? 0 : 4, failed: 0 });
    });
  }
}
