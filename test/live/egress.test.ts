// SPDX-License-Identifier: Apache-2.0
// What leaves is judged as well, by tcx and by the older clsact: from the list to the kill of the daemon, its successor
// and the end of all of it; and where its VLAN tag is not among the bytes of the packet yet.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { connect, createNetns, inNetns, privileged, run, twoHosts, until } from '../helpers/privileged.js';
import type { Host } from '../helpers/privileged.js';
import { udp } from '../kernel/support/frames.js';
import { TestDaemon } from './support/daemon.js';
import { RawLink, settled } from './support/raw-link.js';
import { acquaint, addAddresses, shutOut, serve } from './support/traffic.js';

const listed = ['10.77.0.66', 'fd77::66'] as const;
const attach = fileURLToPath(new URL('support/attach-clsact.js', import.meta.url));

/** The attacker's side counts what arrives, by destination. */
const counters = ['listed4', 'listed6', 'others'] as const;
type Arrived = Record<(typeof counters)[number], number>;
const witness = `
table inet witness {
  ${counters.map((name) => `counter ${name} { }`).join('\n  ')}
  chain arrived {
    type filter hook input priority 0;
    ip daddr ${listed[0]} counter name listed4
    ip6 daddr ${listed[1]} counter name listed6
    ip daddr 10.77.0.2 udp dport 9 counter name others
  }
}
`;

async function arrived({ netns }: Host): Promise<Arrived> {
  const { stdout } = await inNetns(netns, 'nft', ['-j', 'list', 'counters']);
  const { nftables } = JSON.parse(stdout) as { nftables: { counter?: { name: string; packets: number } }[] };
  const rows = nftables.flatMap(({ counter }) => (counter ? [[counter.name, counter.packets] as const] : []));
  return Object.fromEntries(rows) as Arrived;
}

/** Sends a datagram to each listed address, then one to somebody else; what of it has arrived. */
async function sent(from: Host, to: Host): Promise<Arrived> {
  const before = await arrived(to);
  const ends = [...listed, to.ipv4].map((address) => `${address}/9`);
  // A program that drops what leaves makes the write fail, which is the writer's affair.
  const words = ends.map((end) => `(echo x >/dev/udp/${end}) 2>/dev/null`).join('; ');
  await inNetns(from.netns, 'bash', ['-c', `${words}; true`]);
  return until(async () => {
    const now = await arrived(to);
    if (now.others === before.others) return undefined;
    return Object.fromEntries(counters.map((name) => [name, now[name] - before[name]])) as Arrived;
  });
}

/** What is attached where packets leave: the pinned link, or the filter. */
async function inPlace(daemon: TestDaemon): Promise<string> {
  const [folder = ''] = readdirSync(daemon.pins).filter((name) => /^[0-9a-f]+$/.test(name));
  const pins = readdirSync(join(daemon.pins, folder)).filter((name) => /^(xdp|link|egress)_/.test(name));
  const links = await Promise.all(
    pins.map((name) => run('bpftool', ['link', 'show', 'pinned', join(daemon.pins, folder, name)])),
  );
  const filters = await inNetns(daemon.host.netns, 'tc', ['filter', 'show', 'dev', daemon.host.device, 'egress']);
  return links.map(({ stdout }) => /^\d+: /.exec(stdout)?.[0]).join() + filters.stdout;
}

if (privileged(t)) {
  for (const hook of ['tcx', 'clsact'] as const) {
    t.test(hook, { timeout: 120_000 }, async (t) => {
      const { victim, attacker } = await twoHosts(t);
      await addAddresses(attacker, ...listed);
      // Neighbours are known, also those whose answers would be dropped.
      await acquaint(victim, attacker);
      await acquaint(victim, { ...attacker, ipv4: listed[0], ipv6: listed[1] });
      await inNetns(attacker.netns, 'nft', ['-f', '-'], { input: witness });
      await serve(t, victim);
      const all = { listed4: 1, listed6: 1, others: 1 };
      const none = { listed4: 0, listed6: 0, others: 1 };
      t.same(await sent(victim, attacker), all, 'everything arrives');

      const daemon = TestDaemon.prepare(t, victim, { rules: '' });
      // What an earlier run on an older kernel has left is taken over as it is.
      if (hook === 'clsact') await inNetns(victim.netns, process.execPath, [attach, daemon.pins, victim.device]);
      await daemon.run();
      t.match((await daemon.status()).interfaces, [{ name: victim.device, mode: 'native', egress: hook }]);
      await daemon.ids('blocklist', 'add', ...listed);
      t.same(await sent(victim, attacker), none, 'nothing is sent to a listed address');
      const drops = () => daemon.eve().filter(({ drop }) => drop?.reason === 'blocklist');
      await until(() => drops().length === listed.length, { message: () => JSON.stringify(daemon.eve()) });
      t.same(
        drops()
          .map(({ src_ip, dest_ip, in_iface }) => [src_ip, dest_ip, in_iface])
          .sort(),
        [
          [victim.ipv4, listed[0], victim.device],
          [victim.ipv6, listed[1], victim.device],
        ],
      );
      t.equal(await daemon.packets('blocklist'), 2);
      for (const address of listed) t.equal(await daemon.dropped(address), 1, address);

      const before = await inPlace(daemon);
      t.match(before, hook === 'tcx' ? /^\d+: ,\d+: $/ : /^\d+: filter .*ids_egress/s);
      await daemon.kill();
      t.same(await sent(victim, attacker), none, 'killed: what leaves is still judged');
      t.ok(await shutOut(attacker, listed[0], `http://${victim.ipv4}/`), 'and so is what comes in');
      await daemon.run();
      t.equal(await inPlace(daemon), before, 'the successor has taken over what was there');
      t.match((await daemon.status()).interfaces, [{ mode: 'native', egress: hook }]);
      t.ok((await daemon.packets('blocklist')) > 4, 'what nobody watched was counted');
      await daemon.ids('blocklist', 'remove', ...listed);
      t.same(await sent(victim, attacker), all);

      await daemon.ids('blocklist', 'add', ...listed);
      t.same(await daemon.ids('stop', '--detach'), { daemon: true, detached: [victim.device] });
      t.same(await sent(victim, attacker), all, 'detached: nothing is judged');
      t.notMatch((await run('ip', ['-n', victim.netns, 'link', 'show', victim.device])).stdout, /xdp/);
      const qdiscs = await inNetns(victim.netns, 'tc', ['qdisc', 'show', 'dev', victim.device]);
      t.notMatch(qdiscs.stdout, /clsact/, 'nor is its queueing discipline left');
      t.throws(() => readdirSync(daemon.pins), { code: 'ENOENT' });
    });
  }

  t.test('a tag that the device has yet to write', { timeout: 60_000 }, async (t) => {
    // A bridge hands on what came in with its tag beside the packet.
    const [bridge, left, right] = [
      await createNetns(t, 'bridge'),
      await createNetns(t, 'left'),
      await createNetns(t, 'right'),
    ];
    await run('ip', ['-n', bridge, 'link', 'add', 'br0', 'type', 'bridge']);
    for (const [name, netns] of [
      ['p0', left],
      ['p1', right],
    ] as const) {
      await connect({ netns: bridge, name }, { netns });
      await run('ip', ['-n', bridge, 'link', 'set', name, 'master', 'br0']);
    }
    await run('ip', ['-n', bridge, 'link', 'set', 'br0', 'up']);
    const host = (netns: string, device: string): Host => ({ netns, device, ipv4: '', ipv6: '' });
    const rules = `
      drop udp any any -> any 1001 (msg:"one tag"; vlan.layers:1; vlan.id:5,0; sid:1;)
      drop udp any any -> any 1002 (msg:"two tags"; vlan.layers:2; vlan.id:5,0; vlan.id:6,1; sid:2;)
      drop udp any any -> any 1003 (msg:"no tag"; vlan.layers:0; sid:3;)
    `;
    const daemon = await TestDaemon.start(t, host(bridge, 'p1'), { rules });
    const audit = await daemon.ids('audit', 'show', '--file', join(daemon.folder, 'state', 'audit.log'));
    t.match(audit, [{ action: 'attach', what: { interface: 'p1', egress: /^(tcx|clsact)$/ } }, { action: 'start' }]);
    await daemon.ids('blocklist', 'add', '10.79.0.66');
    const from = await RawLink.open(t, host(left, 'veth0'));
    const to = await RawLink.open(t, host(right, 'veth0'));
    const tags = { 'no tag': [], 'one tag': [5], 'two tags': [5, 6], 'other tags': [6, 5] };
    for (const [name, vlan] of Object.entries(tags)) {
      for (const [dst, dport] of [
        ['10.79.0.2', 1001],
        ['10.79.0.2', 1002],
        ['10.79.0.2', 1003],
        ['10.79.0.66', 1004],
      ] as const) {
        from.send(udp({ src: '10.79.0.1', dst, sport: 999, dport, vlan, payload: `${name} to ${dport}.` }), to);
      }
    }
    await settled(from, to);
    const came = to.frames.flatMap((frame) => /[a-z]+ tags? to 100\d\./.exec(frame.toString('latin1')) ?? []);
    const dropped = ['no tag to 1003.', 'one tag to 1001.', 'two tags to 1002.'];
    const wanted = Object.keys(tags).flatMap((name) => [1001, 1002, 1003].map((port) => `${name} to ${port}.`));
    t.same(came.sort(), wanted.filter((name) => !dropped.includes(name)).sort());
    await until(() => [1, 2, 3].every((sid) => daemon.alerts(sid).length === 1));
    t.match(
      [1, 2, 3].map((sid) => daemon.alerts(sid)[0]),
      [{ vlan: [5] }, { vlan: [5, 6] }, {}],
    );
    t.same(await daemon.packets('rule-drop'), 3);
    t.equal(await daemon.packets('blocklist'), 4);
  });
}
