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
    /** Echo requests that have reached the attacker. */
    const echoes = async (): Promise<number> => {
      await inNetns(victim.netns, 'ping', ['-c1', '-W0.2', attacker.ipv4], { status: 'any' });
      const { stdout } = await inNetns(attacker.netns, 'awk', ['/^Icmp: [0-9]/ { print $10 }', '/proc/net/snmp']);
      return Number(stdout);
    };
    t.equal(await ping(), true);
    t.equal(await echoes(), 1);
    const first = run('block');
    t.match(await report(first), {
      adopted: false,
      entries: 0,
      attachment: { name: 'veth0', mode: 'native', egress: 'tcx', tx: false },
    });
    t.equal(await ping(), false);
    await first.stop('SIGKILL');
    t.equal(await ping(), false, 'nobody is left, and still it drops');
    t.equal(await echoes(), 1, 'also what leaves for a listed address');
    const second = run('allow');
    const found = await report(second);
    t.match(found, { adopted: true, entries: 1 }, 'the list is still there');
    t.ok(
      found.verdicts.some(({ packets }) => packets > 0),
      'and so are the counters',
    );
    t.equal(await ping(), true);
    t.equal(await echoes(), 2);
    await second.stop('SIGKILL');
    t.same(Kernel.detachAll(pinDir), ['veth0'], 'also from another network namespace');
    const { stdout } = await inNetns(victim.netns, 'ip', ['link', 'show', victim.device]);
    t.notMatch(stdout, /xdp/);
  });
}
