// SPDX-License-Identifier: Apache-2.0
// Interfaces: several at once, one that somebody else holds, one that is not there; and one daemon for one state.
import { existsSync } from 'node:fs';
import t from 'tap';
import { connect, createNetns, inNetns, privileged, run, twoHosts, until } from '../helpers/privileged.js';
import type { Host } from '../helpers/privileged.js';
import { idsProgram, TestDaemon } from './support/daemon.js';
import { curl, hping, serve } from './support/traffic.js';

TestDaemon.egress = false;

const SYN_FIN = 9000001;

/** Interfaces of which only what comes in is judged. */
const incoming = (...names: string[]) => ({ interfaces: names.map((name) => ({ name, egress: false })) });

/** The id of the XDP program on an interface; undefined if there is none. */
async function programOn(netns: string, device: string): Promise<number | undefined> {
  const { stdout } = await run('ip', ['-n', netns, '-j', 'link', 'show', 'dev', device]);
  const [link] = JSON.parse(stdout) as { xdp?: { prog: { id: number } } }[];
  return link?.xdp?.prog.id;
}

if (privileged(t)) {
  t.test('interfaces', { timeout: 240_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    const netns = await createNetns(t, 'second');
    const second: Host = { netns, device: 'veth0', ipv4: '10.78.0.2', ipv6: 'fd78::2' };
    await connect(
      { netns: victim.netns, name: 'veth1', addresses: ['10.78.0.1/24', 'fd78::1/64'] },
      { netns, addresses: ['10.78.0.2/24', 'fd78::2/64'] },
    );
    await serve(t, victim);
    const daemon = await TestDaemon.start(t, victim, { config: incoming('veth0', 'veth1') });
    const reached = async (): Promise<boolean[]> => [
      (await curl(attacker, 'http://10.77.0.1/')).status === 0,
      (await curl(second, 'http://10.78.0.1/')).status === 0,
    ];

    await t.test('both are judged by the same rules and lists', async (t) => {
      const { interfaces } = await daemon.status();
      t.match(interfaces, [
        { name: 'veth0', mode: 'native' },
        { name: 'veth1', mode: 'native' },
      ]);
      await hping(attacker, '10.77.0.1', '-c', '1', '-S', '-F', '-p', '80');
      await hping(second, '10.78.0.1', '-c', '1', '-S', '-F', '-p', '80');
      await until(() => daemon.alerts(SYN_FIN).length === 2);
      t.same(
        daemon
          .alerts(SYN_FIN)
          .map(({ in_iface, src_ip }) => [in_iface, src_ip])
          .sort(),
        [
          ['veth0', attacker.ipv4],
          ['veth1', second.ipv4],
        ],
      );
      t.same(await reached(), [true, true]);
      await daemon.ids('blocklist', 'add', attacker.ipv4, second.ipv4);
      t.same(await reached(), [false, false]);
      await daemon.ids('blocklist', 'flush');
      t.same(await reached(), [true, true]);
    });

    await t.test(
      'an interface that another XDP program holds is left to it, and one attached before as it was',
      async (t) => {
        await run('ip', ['-n', victim.netns, 'link', 'add', 'veth2', 'type', 'veth', 'peer', 'name', 'veth3']);
        const program = await programOn(victim.netns, 'veth0');
        // The first of its interfaces is judged in both directions by then.
        const foreign = TestDaemon.prepare(t, victim, { config: { interfaces: ['veth2', 'veth0'] } });
        const { status, stderr } = await foreign.refused();
        t.equal(status, 4);
        t.match(
          stderr,
          new RegExp(`^ids: another XDP program \\(id ${program}\\) holds interface veth0: .*bpftool`, 'm'),
        );
        t.notMatch(stderr, /\n\s+at /, 'no stack');
        t.equal(await programOn(victim.netns, 'veth0'), program);
        t.same(await reached(), [true, true]);
        t.equal(await programOn(victim.netns, 'veth2'), undefined);
        t.notOk(existsSync(foreign.pins), 'no pin is left');
      },
    );

    await t.test('an interface that does not exist', async (t) => {
      const lost = TestDaemon.prepare(t, victim, { config: { interfaces: ['nosuch0'] } });
      const { status, stderr } = await lost.refused();
      t.equal(status, 2);
      t.match(stderr, /^ids: .*nosuch0.*$/m);
      t.notMatch(stderr, /\n\s+at /, 'no stack');
    });

    await t.test('a second daemon is refused and does not disturb the first', async (t) => {
      const { pid } = await daemon.status();
      const again = await daemon.refused();
      t.equal(again.status, 1);
      t.match(again.stderr, /^ids: .*already.*\n$/);
      const sameState = await daemon.refused('--socket', `${daemon.socket}.2`);
      t.equal(sameState.status, 1);
      t.match(sameState.stderr, new RegExp(`^ids: process ${pid} runs with the state directory `));
      const sameSocket = TestDaemon.prepare(t, victim, { config: { interfaces: ['veth2'], socket: daemon.socket } });
      const { status, stderr } = await sameSocket.refused();
      t.equal(status, 1);
      t.match(stderr, /^ids: a daemon already answers on /m);
      t.equal((await daemon.status()).pid, pid);
      t.equal((await daemon.cli('status')).status, 0);
      await hping(attacker, '10.77.0.1', '-c', '1', '-S', '-F', '-p', '80');
      await until(() => daemon.alerts(SYN_FIN).length === 3);
    });

    await t.test('who is not root is told so', async (t) => {
      const nobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups', '--', process.execPath, idsProgram];
      const run = await inNetns(victim.netns, 'setpriv', [...nobody, 'run', '-i', 'veth2'], { status: 'any' });
      t.equal(run.status, 4);
      t.match(run.stderr, /^ids: .*root.*\n$/);
      const words = [...nobody, 'status', '--socket', daemon.socket];
      const status = await inNetns(victim.netns, 'setpriv', words, { status: 'any' });
      t.equal(status.status, 4);
      t.match(status.stderr, /^ids: no access to .*\n$/);
    });

    await t.test('an interface that is not configured any more is let go', async (t) => {
      await daemon.ids('stop');
      daemon.configure({ config: incoming('veth0') });
      await daemon.run();
      t.type(await programOn(victim.netns, 'veth0'), 'number');
      t.equal(await programOn(victim.netns, 'veth1'), undefined);
      t.match((await daemon.status()).interfaces, [{ name: 'veth0' }]);
      t.same(await daemon.ids('stop', '--detach'), { daemon: true, detached: ['veth0'] });
    });
  });
}
