// SPDX-License-Identifier: Apache-2.0
// Answers out of the raw socket, as the kernel of the other side takes them: a connect that is refused.

import { join } from 'node:path';
import t from 'tap';
import { inNetns, privileged, startInNetns, twoHosts } from '../helpers/privileged.js';

const sender = join(import.meta.dirname, 'support/reply-sender.js');

if (privileged(t)) {
  for (const family of ['ipv4', 'ipv6'] as const) {
    t.test(`a UDP client over ${family} hears that nobody is there`, async (t) => {
      const { victim, attacker } = await twoHosts(t);
      const client = startInNetns(t, attacker.netns, process.execPath, [
        join(import.meta.dirname, 'support/udp-client.js'),
        victim[family],
        '5353',
      ]);
      // The victim's own kernel would answer first: it drops what arrives.
      await inNetns(victim.netns, 'nft', ['-f', '-'], {
        input: 'table inet f { chain c { type filter hook input priority 0; udp dport 5353 drop; }; }',
      });
      const [, port = '0'] = await client.prints(/^port (\d+)$/m);
      await inNetns(victim.netns, process.execPath, [sender, attacker[family], port, victim[family], '5353']);
      await client.prints(/^refused ECONNREFUSED$/m);
      t.pass('ECONNREFUSED');
    });
  }
}
