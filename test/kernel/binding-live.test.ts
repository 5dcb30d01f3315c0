// SPDX-License-Identifier: Apache-2.0
// Enforcement outlives its daemon: a killed one leaves dropping in place, the next one takes over, and `detachAll` ends it.

import { join } from 'node:path';
import t from 'tap';
import { Kernel } from '../../engine/bpf/index.js';
import { type Background, inNetns, privileged, startInNetns, twoHosts, undoAfter } from '../helpers/privileged.js';

const agent = join(import.meta.dirname, 'support/binding-agent.js');

interface Report {
  adopted: boolean;
  entries: number;
  attachment: { name: string; ifindex: number; mode: string; tx: boolean; vlanStripped: boolean };
  verdicts: { reason: number; packets: number }[];
}

async function report(running: Background): Promise<Report> {
  const [line] = await running.prints(/^\{.*\}$/m, 20_000);
  return JSON.parse(line) as Report;
}

if (privileged(t)) {
  t.test('kill -9 leaves dropping in place; a successor takes over; detachAll ends it', async (t) => {
    const { victim, attacker } = await twoHosts(t);
    const pinDir = `/sys/fs/bpf/ids-live-${process.pid}`;
    undoAfter(t, () => void Kernel.detachAll(pinDir));
    const ping = async (): Promise<boolean> => {
      const { status } = await inNetns(attacker.netns, 'ping', ['-c1', '-W1', victim.ipv4], { status: 'any' });
      return status === 0;
    };
    const run = (action: string): Background => {
      return startInNetns(t, victim.netns, process.execPath, [agent, pinDir, victim.device, action, attacker.ipv4]);
    };
    t.equal(await ping(), true);
    const first = run('block');
    t.match(await report(first), {
      adopted: false,
      entries: 0,
      attachment: { name: 'veth0', mode: 'native', tx: false },
    });
    t.equal(await ping(), false);
    await first.stop('SIGKILL');
    t.equal(await ping(), false, 'nobody is left, and still it drops');
    const second = run('allow');
    const found = await report(second);
    t.match(found, { adopted: true, entries: 1 }, 'the list is still there');
    t.ok(
      found.verdicts.some(({ packets }) => packets > 0),
      'and so are the counters',
    );
    t.equal(await ping(), true);
    await second.stop('SIGKILL');
    t.same(Kernel.detachAll(pinDir), ['veth0'], 'also from another network namespace');
    const { stdout } = await inNetns(victim.netns, 'ip', ['link', 'show', victim.device]);
    t.notMatch(stdout, /xdp/);
  });
}
