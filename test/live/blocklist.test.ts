// SPDX-License-Identifier: Apache-2.0
// The list at run time: an address that is added is stopped at once, one that is removed or expires is let in again.
import t from 'tap';
import type { BlockEntry, PrefixOutcome } from '../../engine/api/api.js';
import { privileged, twoHosts, until } from '../helpers/privileged.js';
import { TestDaemon } from './support/daemon.js';
import { ports } from './support/ports.js';
import { addAddresses, curl, send, serve, shutOut } from './support/traffic.js';

TestDaemon.egress = false;

const RECOVERY_MS = 60_000;

if (privileged(t)) {
  t.test('the blocklist at run time', { timeout: 240_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    await addAddresses(attacker, '10.77.0.66', '10.77.0.67', 'fd77::66', 'fd77:0:0:0:66::1');
    const service = await serve(t, victim);
    const daemon = await TestDaemon.start(t, victim);
    const url = (address: string): string => `http://${address.includes(':') ? `[${address}]` : address}/`;
    const out = (source: string, target: string): Promise<boolean> => shutOut(attacker, source, url(target));
    const served = async (source: string, target: string): Promise<boolean> =>
      (await curl(attacker, url(target), '--interface', source)).status === 0;

    for (const [version, source, target, other] of [
      ['IPv4', '10.77.0.66', victim.ipv4, '10.77.0.67'],
      ['IPv6', 'fd77::66', victim.ipv6, 'fd77::2'],
    ] as const) {
      await t.test(
        `${version}: an address that is added is stopped at once, and let in when it is removed`,
        async (t) => {
          const talk = await send(t, attacker, 'tcp', { from: source, to: target, port: ports.echo });
          const flow = await send(t, attacker, 'udp', { from: source, to: target, port: ports.sink });
          const received = async (): Promise<{ tcp: number; udp: number }> => {
            const { tcp, udp } = await service.seen();
            return { tcp: tcp[source] ?? 0, udp: udp[source] ?? 0 };
          };
          await until(async () => (await received()).tcp > 10 && (await received()).udp > 10);

          const added = await daemon.ids<PrefixOutcome[]>('blocklist', 'add', source, '--reason', 'live test');
          const before = await received();
          t.same(added, [{ prefix: source, outcome: 'added' }]);
          await until(async () => (await daemon.dropped(source)) > 100, { message: 'packets dropped' });
          t.same(await received(), before, 'nothing of established traffic arrives any more');
          t.ok(await out(source, target), 'a new connection gets no answer');
          t.ok(await served(other, target), 'its neighbour is served');
          t.same(await received(), before);

          const { stdout, status } = await daemon.cli('blocklist', 'check', source);
          t.equal(status, 0);
          t.match(stdout, new RegExp(`${source} is blocked`));
          const [entry] = await daemon.ids<BlockEntry[]>('blocklist', 'list');
          t.match(entry, { prefix: source, origin: 'manual', reason: 'live test' });
          t.ok((entry?.packets ?? 0) > 100 && entry?.lastSeen !== undefined, 'hits are counted for the entry');

          t.same(await daemon.ids('blocklist', 'remove', source), [{ prefix: source, outcome: 'removed' }]);
          t.ok(await served(source, target), 'a new connection is served');
          await until(async () => (await received()).tcp > before.tcp && (await received()).udp > before.udp, {
            deadline: RECOVERY_MS,
            message: 'the old connection to go on',
          });
          t.equal((await daemon.cli('blocklist', 'remove', source)).status, 1, 'it is not there twice');
          t.equal((await daemon.cli('blocklist', 'check', source)).status, 1);
          await talk.process.stop('SIGKILL');
          await flow.process.stop('SIGKILL');
        },
      );
    }

    await t.test('a prefix stops what it covers and nothing else', async (t) => {
      await daemon.ids('blocklist', 'add', '10.77.0.66/31', 'fd77:0:0:0:66::/80');
      t.same(
        await Promise.all([
          out('10.77.0.66', victim.ipv4),
          out('10.77.0.67', victim.ipv4),
          out('fd77:0:0:0:66::1', victim.ipv6),
          served('fd77::66', victim.ipv6),
          served('10.77.0.2', victim.ipv4),
        ]),
        [true, true, true, true, true],
      );
      const removed = await daemon.ids('blocklist', 'remove', '10.77.0.66/31', 'fd77:0:0:0:66::/80');
      t.match(removed, [{ outcome: 'removed' }, { outcome: 'removed' }]);
      t.ok(await served('10.77.0.67', victim.ipv4));
      t.ok(await served('fd77:0:0:0:66::1', victim.ipv6));
      await daemon.ids('blocklist', 'add', '198.51.100.0/24', '198.51.100.0/28', '198.51.100.7');
      t.same(await daemon.ids('blocklist', 'remove', '198.51.100.7'), [
        { prefix: '198.51.100.7', outcome: 'removed', cause: 'still blocked by 198.51.100.0/24' },
      ]);
      t.same(
        await daemon.ids('blocklist', 'remove', '198.51.100.0/28', '198.51.100.0/24'),
        [
          { prefix: '198.51.100.0/28', outcome: 'removed' },
          { prefix: '198.51.100.0/24', outcome: 'removed' },
        ],
        'one that goes with it blocks it no more',
      );
    });

    await t.test('what was imported is exported, and can be imported again', async (t) => {
      const list = Array.from({ length: 70_000 }, (_, i) => `198.${18 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`);
      const many = daemon.file('many.txt', `${list.join('\n')}\n2001:db8:66::/48\n`);
      t.equal((await daemon.cli('blocklist', 'import', many)).status, 0);
      for (const format of ['plain', 'netset', 'nft', 'json']) {
        const exported = await daemon.cli('blocklist', 'export', '--format', format);
        t.equal(exported.status, 0, exported.stderr);
        const file = daemon.file(`many.${format}`, exported.stdout);
        const again = await daemon.cli('blocklist', 'diff', file, '--replace');
        t.equal(again.status, 0, `${format}: nothing would be added or removed, ${again.stdout}${again.stderr}`);
      }
      t.equal((await daemon.cli('blocklist', 'flush')).status, 0);
    });

    await t.test('an entry with a ttl stops dropping by itself', async (t) => {
      const flow = await send(t, attacker, 'udp', { from: '10.77.0.66', to: victim.ipv4, port: ports.sink });
      const received = async (): Promise<number> => (await service.seen()).udp['10.77.0.66'] ?? 0;
      await daemon.ids('blocklist', 'add', '10.77.0.66', '--ttl', '2s');
      await until(async () => (await daemon.dropped('10.77.0.66')) > 0);
      const before = await received();
      await until(async () => (await received()) > before, { deadline: 15_000, message: 'expiry' });
      t.ok(await served('10.77.0.66', victim.ipv4));
      t.equal((await daemon.cli('blocklist', 'check', '10.77.0.66')).status, 1);
      await flow.process.stop('SIGKILL');
    });

    await t.test('the kernel judges expiry also when no daemon lives', async (t) => {
      await daemon.ids('blocklist', 'add', '10.77.0.67');
      const flow = await send(t, attacker, 'udp', { from: '10.77.0.66', to: victim.ipv4, port: ports.sink });
      const other = await send(t, attacker, 'udp', { from: '10.77.0.67', to: victim.ipv4, port: ports.sink });
      await daemon.ids('blocklist', 'add', '10.77.0.66', '--ttl', '3s');
      const { udp } = await service.seen();
      await until(async () => (await daemon.dropped('10.77.0.66')) > 0);
      await daemon.kill();
      await until(async () => ((await service.seen()).udp['10.77.0.66'] ?? 0) > (udp['10.77.0.66'] ?? 0), {
        deadline: 15_000,
        message: 'expiry in the kernel',
      });
      t.ok((await other.figures()).sent > 0);
      t.equal((await service.seen()).udp['10.77.0.67'] ?? 0, 0, 'an entry without a ttl stays');
      await flow.process.stop('SIGKILL');
      await other.process.stop('SIGKILL');
    });
  });
}
