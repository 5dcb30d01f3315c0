// SPDX-License-Identifier: Apache-2.0
// Address rules in a running daemon: told with their sid and limit, carried out, gone with their set; and the
// reputation files of the Emerging Threats set. IDS_DATA names the folder that holds etopen/.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { BlockCheck, RuleRecord, RulesLoadResult } from '../../engine/api/api.js';
import type { BlocklistStats } from '../../engine/api/bulk-api.js';
import { inNetns, privileged, run, twoHosts, until, type Host } from '../helpers/privileged.js';
import { TestDaemon } from './support/daemon.js';

TestDaemon.egress = false;

const LISTED = '10.77.0.66';
const WATCHED = '10.77.0.67';
const limit = 'threshold:type limit,track by_src,seconds 3600,count 1;';
const rules = [
  `drop ip [${LISTED},198.51.100.0/24] any -> $HOME_NET any (msg:"listed"; sid:1;)`,
  `alert ip [10.77.0.64/30,203.0.113.9] any -> $HOME_NET any (msg:"watched"; ${limit} sid:2;)`,
  `alert tcp [${WATCHED}] any -> $HOME_NET any (msg:"not of pings"; sid:3;)`,
];

/** Answers to three pings from one of the attacker's addresses. */
async function ping(from: Host, source: string, to: string): Promise<number> {
  const { stdout } = await inNetns(from.netns, 'ping', ['-c', '3', '-i', '0.05', '-W', '1', '-I', source, to], {
    status: 'any',
  });
  return Number(/(\d+) received/.exec(stdout)?.[1] ?? -1);
}

const folder = join(
  process.env['IDS_DATA'] ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url)),
  'etopen',
);
const files = ['ciarmy', 'compromised', 'dshield', 'drop', 'botcc', 'tor', '3coresec'].map((n) =>
  join(folder, `${n}.rules`),
);
const noData = files.every((file) => existsSync(file)) ? false : `no rule set at ${folder}`;

if (privileged(t)) {
  t.test('address rules', { timeout: 180_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    for (const address of [LISTED, WATCHED]) {
      await run('ip', ['-n', attacker.netns, 'address', 'add', `${address}/24`, 'dev', attacker.device]);
    }
    const daemon = await TestDaemon.start(t, victim, { rules: rules.join('\n') });
    const record = async (sid: number): Promise<RuleRecord | undefined> => (await daemon.api.showRule(sid))[0];

    await t.test('a drop is carried out, an alert is told once', async (t) => {
      t.equal(await ping(attacker, attacker.ipv4, victim.ipv4), 3);
      t.equal(await ping(attacker, LISTED, victim.ipv4), 0);
      t.equal(await ping(attacker, WATCHED, victim.ipv4), 3);
      await until(() => daemon.alerts(1).length > 0 && daemon.alerts(2).length > 1);
      t.equal(daemon.alerts(1)[0]?.alert?.action, 'blocked');
      t.ok(
        daemon.eve().some(({ event_type: type, drop, alert }) => type === 'drop' && drop && alert?.signature_id === 1),
      );
      const told = daemon.alerts(2).map(({ src_ip: src, alert }) => `${src} ${alert?.action}`);
      t.same(told.sort(), [`${LISTED} allowed`, `${WATCHED} allowed`], 'once a source');
      t.same(daemon.alerts(3), []);
      t.notOk(
        daemon.eve().some(({ ids }) => ids.would),
        'a rule that alerts is no list on trial',
      );
    });

    await t.test('they are rules and entries', async (t) => {
      t.match(await record(1), { placement: 'address', counts: { matched: 3 } });
      t.match(await record(2), { placement: 'address', positions: [] });
      const check = await daemon.ids<BlockCheck>('blocklist', 'check', LISTED);
      t.match(check, { blocked: true });
      t.match(JSON.stringify(check), /rule:1:1/);
      t.equal((await daemon.status()).rules.summary.inline, 0);
    });

    await t.test('they go with their set', async (t) => {
      const load = await daemon.ids<RulesLoadResult>('rules', 'load', daemon.file('set.rules', rules[1] ?? ''));
      t.match(load.summary, { rules: 1, address: 1 });
      t.equal(await ping(attacker, LISTED, victim.ipv4), 3);
      const { origins } = await daemon.ids<BlocklistStats>('blocklist', 'stats');
      t.same(
        origins.map(({ origin, action }) => [origin, action]),
        [['rule:1:2', 'alert']],
      );
    });

    await t.test('and stay without a daemon', async (t) => {
      await daemon.ids('rules', 'load', daemon.file('set.rules', rules.join('\n')));
      await daemon.kill();
      t.equal(await ping(attacker, LISTED, victim.ipv4), 0);
      await daemon.run();
      t.equal(await ping(attacker, LISTED, victim.ipv4), 0);
      t.equal(await ping(attacker, attacker.ipv4, victim.ipv4), 3);
    });

    await t.test('reputation files cost no header rules', { skip: noData }, async (t) => {
      const started = performance.now();
      const { summary } = await daemon.ids<RulesLoadResult>('rules', 'load', ...files);
      t.comment(`${summary.address} address rules in ${Math.round(performance.now() - started)} ms`);
      t.match(summary, { errors: 0, unsupported: 0 });
      t.ok(summary.address > 900, `${summary.address} of ${summary.rules} rules are lists`);
      t.ok(summary.inline < 10, `${summary.inline} header rules`);
      const { origins, entries4, enforced } = await daemon.ids<BlocklistStats>('blocklist', 'stats');
      t.equal(origins.filter(({ action }) => action === 'alert').length, summary.address);
      t.ok(entries4 > 10_000 && enforced === entries4, `${entries4} entries`);
      t.equal(await ping(attacker, LISTED, victim.ipv4), 3);
    });
  });
}
