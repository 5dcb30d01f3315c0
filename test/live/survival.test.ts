// SPDX-License-Identifier: Apache-2.0
// Enforcement outlives the daemon: killed, stopped or started anew, no packet of a blocked address gets through.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { BlockEntry, RulesList } from '../../engine/api/api.js';
import { inNetns, privileged, run, twoHosts, until } from '../helpers/privileged.js';
import type { Host } from '../helpers/privileged.js';
import { TestDaemon } from './support/daemon.js';
import { ports } from './support/ports.js';
import { acquaint, addAddresses, curl, send, serve, shutOut, transmitted } from './support/traffic.js';

TestDaemon.egress = false;

const LISTED = '10.77.0.66';
const SENT_MORE = 400;

/** True if an XDP program is attached to the host's interface. */
async function hasXdp({ netns, device }: Host): Promise<boolean> {
  const { stdout } = await run('ip', ['-n', netns, '-j', 'link', 'show', 'dev', device]);
  const [link] = JSON.parse(stdout) as { xdp?: unknown }[];
  const net = await inNetns(netns, 'bpftool', ['-j', 'net', 'show', 'dev', device]);
  const [{ xdp = [] } = {}] = JSON.parse(net.stdout) as { xdp?: unknown[] }[];
  if ((link?.xdp !== undefined) !== xdp.length > 0) throw new Error('ip and bpftool disagree');
  return xdp.length > 0;
}

const pinsOf = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

if (privileged(t)) {
  t.test('enforcement outlives the daemon', { timeout: 240_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    await addAddresses(attacker, LISTED, 'fd77::66');
    await acquaint(victim, attacker);
    const service = await serve(t, victim);
    const daemon = await TestDaemon.start(t, victim);
    const blocklistList = (): Promise<BlockEntry[]> => daemon.ids<BlockEntry[]>('blocklist', 'list');
    await daemon.ids('blocklist', 'add', LISTED, '--reason', 'survives');
    await daemon.ids('blocklist', 'add', 'fd77::66', '--ttl', '1h');
    await daemon.ids('allowlist', 'add', '198.51.100.0/24', '--reason', 'survives too');
    const before = await blocklistList();

    const flows = [
      await send(t, attacker, 'udp', { from: LISTED, to: victim.ipv4, port: ports.sink }),
      await send(t, attacker, 'udp', { from: 'fd77::66', to: victim.ipv6, port: ports.sink }),
    ];
    const sent = async (): Promise<number[]> => Promise.all(flows.map(async (flow) => (await flow.figures()).sent));
    const sendMore = async (): Promise<void> => {
      const start = await sent();
      await until(async () => (await sent()).every((now, i) => now >= (start[i] ?? 0) + SENT_MORE));
    };
    const leaked = async (): Promise<number> => {
      const { udp } = await service.seen();
      return (udp[LISTED] ?? 0) + (udp['fd77::66'] ?? 0);
    };
    const served = async (): Promise<boolean> => (await curl(attacker, `http://${victim.ipv4}/`)).status === 0;

    await t.test('kill -9 leaves dropping in place', async (t) => {
      await daemon.kill();
      await sendMore();
      t.equal(await leaked(), 0);
      t.ok(await served(), 'others are served without a daemon');
      t.ok(await hasXdp(victim));
    });

    await t.test('a restarted daemon takes over, with everything that was listed', async (t) => {
      await daemon.run();
      await sendMore();
      t.equal(await leaked(), 0);
      const { kernel, interfaces, mode } = await daemon.status();
      t.equal(kernel.adopted, true);
      t.equal(interfaces.length, 1);
      t.equal(mode, 'prevent');
      const after = await blocklistList();
      t.same(
        after.map(({ prefix, origin, reason, created, expires }) => ({ prefix, origin, reason, created, expires })),
        before.map(({ prefix, origin, reason, created, expires }) => ({ prefix, origin, reason, created, expires })),
      );
      t.ok(
        after.every(({ packets }) => packets > SENT_MORE),
        'what was dropped meanwhile is counted',
      );
      const allowed = await daemon.ids<{ prefix: string; reason: string }[]>('allowlist', 'list');
      t.match(
        allowed.find(({ prefix }) => prefix === '198.51.100.0/24'),
        { kind: 'allowlist', reason: 'survives too' },
      );
    });

    await t.test('ids stop leaves dropping in force, and a start takes over again', async (t) => {
      t.same(await daemon.ids('stop'), { daemon: true, detached: [] });
      t.equal(await daemon.process.ended, 0);
      await sendMore();
      t.equal(await leaked(), 0);
      t.ok(await hasXdp(victim));
      t.equal((await daemon.cli('status')).status, 3, 'no daemon answers');
      await daemon.run();
      await sendMore();
      t.equal(await leaked(), 0);
    });

    await t.test('every datagram of all this time was judged and counted, none twice', async (t) => {
      const total = (await Promise.all(flows.map((flow) => flow.finish()))).reduce((sum, count) => sum + count, 0);
      const { dropped } = await transmitted(attacker);
      const judged = async (): Promise<number> => (await daemon.dropped(LISTED)) + (await daemon.dropped('fd77::66'));
      t.equal((await judged()) + dropped, total, `${total} datagrams`);
      t.equal(await leaked(), 0);
    });

    await t.test('ids stop --detach takes out everything', async (t) => {
      t.ok(pinsOf(daemon.pins).length > 0);
      t.same(await daemon.ids('stop', '--detach'), { daemon: true, detached: [victim.device] });
      t.equal(await daemon.process.ended, 0);
      t.notOk(await hasXdp(victim));
      t.same(pinsOf(daemon.pins), []);
      t.equal((await curl(attacker, `http://${victim.ipv4}/`, '--interface', LISTED)).status, 0);
    });

    await t.test('… also after the death of the daemon', async (t) => {
      await daemon.run();
      t.equal((await daemon.status()).kernel.adopted, false);
      t.ok(await shutOut(attacker, LISTED, `http://${victim.ipv4}/`), 'the list is enforced');
      t.equal(
        (await daemon.ids<RulesList>('rules', 'list')).origin,
        'config',
        'rules of the configuration are in force again',
      );
      await daemon.kill();
      t.ok(await hasXdp(victim));
      t.same(await daemon.ids('stop', '--detach', '--config', daemon.configFile), {
        daemon: false,
        detached: [victim.device],
      });
      const log = ['--file', join(daemon.folder, 'state', 'audit.log')];
      t.match(await daemon.ids('audit', 'show', '-n', '3', ...log), [
        { action: 'stop', actor: { uid: 0 }, what: { daemon: false }, after: { detached: [victim.device] } },
        { action: 'detach', actor: { uid: 0 }, what: { interface: victim.device } },
        { action: 'checkpoint', what: { at: 'detach' } },
      ]);
      t.match(await daemon.ids('audit', 'verify', ...log), { intact: true });
      t.notOk(await hasXdp(victim));
      t.same(pinsOf(daemon.pins), []);
      t.equal((await curl(attacker, `http://${victim.ipv4}/`, '--interface', LISTED)).status, 0);
      const again = await daemon.cli('stop', '--detach', '--pin-dir', daemon.pins);
      t.equal(again.status, 0);
      t.match(again.stdout, /nothing (was attached|to take out)/);
    });
  });
}
