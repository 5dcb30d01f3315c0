// SPDX-License-Identifier: Apache-2.0
// Who is put onto the blocklist by a rule, and who is not: proven attackers, forged sources, those who are promised more.
import t from 'tap';
import type { BlockCheck, BlockEntry } from '../../engine/api/api.js';
import { inNetns, privileged, run, twoHosts, until } from '../helpers/privileged.js';
import { concurrently } from './support/concurrently.js';
import { idsProgram, TestDaemon } from './support/daemon.js';
import { ports } from './support/ports.js';
import { acquaint, addAddresses, curl, hping, send, serve, shutOut } from './support/traffic.js';

const client = '10.77.0.3';
const stranger = '10.77.0.4';
const intruder = '10.77.0.5';
const scanner = '10.77.0.6';
const friend = '10.77.0.7';
const gateway = '10.77.0.8';
const colleague = '10.77.0.9';

const sid = { synFin: 1, agent: 2, scan: 3, datagram: 4 } as const;
const rules = `
drop tcp any any -> any any (msg:"SYN and FIN"; flags:SF+; sid:${sid.synFin};)
drop http any any -> any any (msg:"bad agent"; http.user_agent; content:"evil"; sid:${sid.agent};)
alert tcp any any -> any any (msg:"scan"; flags:S,12; detection_filter:track by_src, count 5, seconds 60, unique_on dst_port; sid:${sid.scan};)
drop udp any any -> any ${ports.sink} (msg:"datagram"; sid:${sid.datagram};)
`;
const response = {
  rules: [
    { match: { sid: sid.scan }, block: '1h', trust: 'unproven' },
    { match: { sid: [sid.synFin, sid.agent] }, block: '2s', escalate: { factor: 2, max: '1h', memory: '1h' } },
  ],
};

if (privileged(t)) {
  t.test('the response', { timeout: 240_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    await addAddresses(attacker, client, stranger, intruder, scanner, friend, gateway, colleague);
    await acquaint(victim, attacker);
    await run('ip', ['-n', victim.netns, 'route', 'add', 'default', 'via', gateway]);
    const service = await serve(t, victim);
    const allowlist = [friend];
    const daemon = await TestDaemon.start(t, victim, { rules, config: { response, allowlist } });
    const url = `http://${victim.ipv4}/`;
    const reached = async (from: string): Promise<boolean> =>
      (await curl(attacker, url, '--interface', from)).status === 0;
    const misbehave = (from: string): Promise<unknown> =>
      curl(attacker, url, '-m', '1', '-A', 'evil', '--interface', from);
    const forge = (from: string, ...args: string[]): Promise<number> =>
      hping(attacker, victim.ipv4, '-c', '1', '-S', '-F', '-p', '80', '-a', from, ...args);
    const check = (address: string): Promise<BlockCheck> => daemon.api.blocklistCheck(address);
    const counted = async (what: string): Promise<number> => (await daemon.status()).response[what] ?? 0;
    const alertsOf = (rule: number, source: string): number =>
      daemon.alerts(rule).filter(({ src_ip }) => src_ip === source).length;

    await t.test('one forged packet does not harm the client in whose name it comes', async (t) => {
      const talk = await send(t, attacker, 'tcp', { from: client, to: victim.ipv4, port: ports.echo });
      await until(async () => (await talk.figures()).received > 0);
      await forge(client);
      await until(() => alertsOf(sid.synFin, client) === 1);
      t.equal(await counted('withheld unproven'), 1);
      // Even one that knows the connection, but not where it stands.
      const { stdout } = await inNetns(attacker.netns, 'ss', ['-Htn', 'src', client, 'dport', '=', `:${ports.echo}`]);
      const port = /:(\d+)\s+\S+:7\b/.exec(stdout)?.[1] ?? '';
      t.match(port, /^\d+$/);
      await hping(
        attacker,
        victim.ipv4,
        '-c',
        '1',
        '-S',
        '-F',
        '-k',
        '-s',
        port,
        '-p',
        String(ports.echo),
        '-a',
        client,
      );
      await until(() => alertsOf(sid.synFin, client) === 2);
      t.equal(await counted('withheld unproven'), 2);
      t.equal((await daemon.cli('blocklist', 'check', client)).status, 1);
      t.ok(await reached(client), 'a new connection');
      const { received } = await talk.figures();
      await until(async () => (await talk.figures()).received > received, { message: 'its old connection to go on' });
      await talk.process.stop('SIGKILL');
    });

    await t.test('a source that a handshake has proven is blocked, longer each time', async (t) => {
      for (const [time, seconds] of [2, 4, 8].entries()) {
        await until(() => reached(intruder), { deadline: 30_000, message: 'the last block to end' });
        // The request never arrives: who sent it waits for a second.
        const asked = misbehave(intruder);
        const [entry] = await until(async () => {
          const { blocked, entries } = await check(intruder);
          return blocked && entries;
        });
        await asked;
        t.match(entry, { origin: `rule:${sid.agent}`, prefix: intruder });
        t.match(entry?.reason, time === 0 ? /\(proven\)$/ : new RegExp(`\\(proven, ${time + 1}\\. time\\)$`));
        t.equal(Date.parse(entry?.expires ?? '') - Date.parse(entry?.created ?? ''), seconds * 1000);
      }
      t.ok(await shutOut(attacker, intruder, url));
      t.equal(alertsOf(sid.agent, intruder), 3);
    });

    await t.test('a rule that trusts unproven sources blocks a scanner', async (t) => {
      await hping(attacker, victim.ipv4, '-c', '8', '-S', '-p', '++1000', '-a', scanner);
      const { entries } = await until(async () => {
        const found = await check(scanner);
        return found.blocked && found;
      });
      t.match(entries, [{ origin: `rule:${sid.scan}`, reason: /unproven/ }]);
      t.ok(await shutOut(attacker, scanner, url));
    });

    await t.test('the operator’s allowlist: alerts, and no packet is dropped', async (t) => {
      const blocked = await daemon.cli('blocklist', 'add', friend);
      t.equal(blocked.status, 2);
      t.match(blocked.stderr, /allowlist.*--force/);
      await daemon.ids('blocklist', 'add', friend, '--force');
      t.ok(await reached(friend), 'it wins over the blocklist');
      await misbehave(friend);
      await until(() => alertsOf(sid.agent, friend) === 1);
      const flow = await send(t, attacker, 'udp', { from: friend, to: victim.ipv4, port: ports.sink });
      await until(async () => ((await service.seen()).udp[friend] ?? 0) > 0);
      await flow.process.stop('SIGKILL');
      await until(() => alertsOf(sid.datagram, friend) > 0);
      t.ok(daemon.alerts(sid.datagram).every(({ alert }) => alert?.action === 'allowed'));
      t.ok(await counted('withheld allowlisted'));
      t.ok(await reached(friend));
      t.notOk(daemon.eve().some(({ event_type, src_ip }) => event_type === 'drop' && src_ip === friend));
    });

    await t.test('the default gateway is never blocked by a rule, but rules judge its packets', async (t) => {
      await misbehave(gateway);
      await until(async () => (await counted('withheld exempt')) > 0);
      t.match(await check(gateway), { blocked: false, kept: { kind: 'exemption' } });
      t.ok(await reached(gateway));
      const flow = await send(t, attacker, 'udp', { from: gateway, to: victim.ipv4, port: ports.sink });
      await until(() => alertsOf(sid.datagram, gateway) > 0);
      await flow.process.stop('SIGKILL');
      t.equal((await service.seen()).udp[gateway], undefined, 'no datagram of it has arrived');
    });

    await t.test('a prefix that would lock somebody out is refused, unless forced', async (t) => {
      const prefixes = [gateway, '10.77.0.0/28', victim.ipv4, '0.0.0.0/0', '64.0.0.0/7', '::/0', '2000::/15'];
      const answers = await concurrently(prefixes, (prefix) => daemon.cli('blocklist', 'add', prefix));
      for (const [i, { status, stdout, stderr }] of answers.entries()) {
        t.equal(status, 2, `${prefixes[i]}: ${stderr}`);
        t.equal(stdout, '');
        t.match(stderr, /^ids: .*--force.*\n$/);
      }
      const session = { SSH_CONNECTION: `${colleague} 50000 ${victim.ipv4} 22` };
      const words = ['blocklist', 'add', colleague, '--socket', daemon.socket];
      const peer = await inNetns(victim.netns, idsProgram, words, { env: session, status: 'any' });
      t.equal(peer.status, 2);
      t.match(peer.stderr, /SSH session.*--force/);
      await daemon.ids('blocklist', 'add', gateway, '--force');
      t.ok(await shutOut(attacker, gateway, url));
      await daemon.ids('blocklist', 'remove', gateway);
      t.ok(await reached(gateway));
    });

    await t.test('unproven sources for minutes, but none that has a connection', async (t) => {
      await daemon.ids('stop');
      const hour = { match: { action: 'drop' }, block: '1h' };
      const unproven = { rules: [hour], unproven: { ttl: '2m' } };
      daemon.configure({ rules, config: { response: unproven, allowlist } });
      await daemon.run();
      const talk = await send(t, attacker, 'tcp', { from: client, to: victim.ipv4, port: ports.echo });
      await until(async () => (await talk.figures()).received > 0);
      await forge(client);
      let decided: unknown;
      await until(async () => (decided = (await daemon.status()).response)['withheld established'] === 1, {
        message: () => `an established client to be left alone: ${JSON.stringify(decided)}`,
      });
      t.notOk((await check(client)).blocked);
      await forge(stranger);
      const { entries } = await until(async () => {
        const found = await check(stranger);
        return found.blocked && found;
      });
      const [entry] = entries as [BlockEntry];
      t.match(entry, { origin: `rule:${sid.synFin}`, reason: /\(unproven\)/ });
      t.ok(Date.parse(entry.expires ?? '') - Date.parse(entry.created) <= 120_000, 'for two minutes, not an hour');
      t.ok(await shutOut(attacker, stranger, url));
      t.ok(await reached(client));
      await talk.process.stop('SIGKILL');
    });
  });
}
