// SPDX-License-Identifier: Apache-2.0
// Where lists are in trouble a real daemon goes on protecting, and tells: a feed that breaks, and a list that is full.
import { truncateSync, writeFileSync } from 'node:fs';
import t from 'tap';
import type { RulesLoadResult } from '../../engine/api/api.js';
import type { BlocklistStats } from '../../engine/api/bulk-api.js';
import { inNetns, privileged, run, twoHosts, until, type Host } from '../helpers/privileged.js';
import { TestDaemon } from './support/daemon.js';

TestDaemon.egress = false;

const FED = '10.77.0.66';
const LISTED = '10.77.0.67';

/** What the engine told of itself; what came again after a kill has the same id. */
function engineRecords(daemon: TestDaemon): object[] {
  const told = daemon.eve().filter(({ event_type: type }) => (type as string) === 'engine');
  return [...new Map(told.map((one) => [one.ids.id, one])).values()];
}

/** Answers to two pings. */
async function ping(from: Host, source: string, to: string): Promise<number> {
  const words = ['-c', '2', '-i', '0.05', '-W', '1', '-I', source, to];
  const { stdout } = await inNetns(from.netns, 'ping', words, { status: 'any' });
  return Number(/(\d+) received/.exec(stdout)?.[1] ?? -1);
}

const many = (count: number): string =>
  Array.from({ length: count }, (_, i) => `198.18.${i >> 8}.${i & 255}\n`).join('');

if (privileged(t)) {
  t.test('a feed that breaks raises an alert and keeps its content', { timeout: 120_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    await run('ip', ['-n', attacker.netns, 'address', 'add', `${FED}/24`, 'dev', attacker.device]);
    const daemon = TestDaemon.prepare(t, victim);
    const file = daemon.file('feed.txt', `${FED}\n${many(1000)}`);
    daemon.configure({ config: { feeds: [{ name: 'own', file, max_shrink: 0.3 }] }, rules: '' });
    await daemon.run();
    await until(async () => (await daemon.api.listFeeds())[0]?.state === 'updated');
    t.equal(await ping(attacker, FED, victim.ipv4), 0);
    t.same(engineRecords(daemon), []);

    truncateSync(file, 2000);
    t.equal((await daemon.cli('feeds', 'update')).status, 1);
    t.equal((await daemon.cli('feeds', 'update')).status, 1);
    await until(() => engineRecords(daemon).length > 0);
    t.match(engineRecords(daemon), [
      {
        log_level: 'Warning',
        engine: {
          module: 'feeds',
          message: /^feed own was not taken, its old content stays \(1001 entries\): it shrank/,
        },
        ids: { reason: 'feed-shrank', origin: 'feed:own' },
      },
    ]);
    t.match((await daemon.cli('alerts', 'tail', '-n', '1000')).stdout, /engine warning: feed own was not taken/);
    t.equal(await ping(attacker, FED, victim.ipv4), 0, 'the old content is in force');

    // Another kind is told too; the first one is not told again, not even after a restart.
    writeFileSync(file, '<p>sorry</p>\n'.repeat(50));
    t.equal((await daemon.cli('feeds', 'update')).status, 1);
    await until(() => engineRecords(daemon).length > 1);
    t.match(engineRecords(daemon)[1], { ids: { reason: 'feed-unreadable' } });
    await daemon.kill();
    await daemon.run();
    await until(async () => ((await daemon.api.listFeeds())[0]?.failures ?? 0) > 3);
    writeFileSync(file, many(900));
    t.equal((await daemon.cli('feeds', 'update')).status, 0);
    t.match(daemon.log, /feed: it works again/);
    t.equal(engineRecords(daemon).length, 2);
    t.equal(await ping(attacker, FED, victim.ipv4), 2);
  });

  t.test('a daemon starts with a list that is full', { timeout: 180_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    await run('ip', ['-n', attacker.netns, 'address', 'add', `${LISTED}/24`, 'dev', attacker.device]);
    const daemon = await TestDaemon.start(t, victim, { rules: '' });
    const { capacity6 } = await daemon.ids<BlocklistStats>('blocklist', 'stats');
    t.ok(capacity6 >= 500_000, `${capacity6} entries fit`);
    const text = Array.from(
      { length: capacity6 - 2 },
      (_, i) => `2001:db8:${(i >> 16).toString(16)}:${(i & 0xffff).toString(16)}::1\n`,
    ).join('');
    t.equal((await daemon.cli('blocklist', 'import', daemon.file('full.txt', text))).status, 0);
    await daemon.process.stop('SIGTERM');

    const rules = [
      `drop ip [${LISTED},2001:db8:ffff::1] any -> any any (msg:"first"; sid:1;)`,
      'drop ip [2001:db8:ffff::2,2001:db8:ffff::4,2001:db8:ffff::6] any -> any any (msg:"second"; sid:2;)',
      'alert icmp any any -> any any (msg:"ping"; itype:8; sid:3;)',
    ].join('\n');
    daemon.configure({ rules });
    await daemon.run();
    const { origins, entries6 } = await daemon.ids<BlocklistStats>('blocklist', 'stats');
    t.equal(entries6, capacity6);
    t.match(
      origins.filter(({ origin }) => origin.startsWith('rule:')),
      [
        { origin: 'rule:1:1', entries: 2 },
        { origin: 'rule:1:2', entries: 1 },
      ],
    );
    t.equal(await ping(attacker, LISTED, victim.ipv4), 0, 'address rules that fit are in force');
    t.equal(await ping(attacker, attacker.ipv4, victim.ipv4), 2);
    await until(() => daemon.alerts(3).length > 0);
    const { notes } = await daemon.status();
    t.ok(
      notes.some((note) => note.includes('the blocklist is full, it had no room for 2 prefixes of 1 rule')),
      notes.join('; '),
    );
    t.match(daemon.log, /no room for 2 of its prefixes: the blocklist is full/);
    await until(() => engineRecords(daemon).length > 0);
    t.match(engineRecords(daemon), [{ log_level: 'Error', ids: { reason: 'address-rules-list-full' } }]);

    const before = (await daemon.status()).rules.generation;
    const refused = await daemon.cli('rules', 'load', daemon.file('again.rules', rules));
    t.equal(refused.status, 1);
    t.match(refused.stderr, /no room for/);
    t.equal((await daemon.status()).rules.generation, before, 'a load by hand is refused as a whole');
    t.equal((await daemon.ids<BlocklistStats>('blocklist', 'stats')).entries6, capacity6);

    t.equal((await daemon.cli('blocklist', 'remove', '2001:db8::1', '2001:db8:0:1::1')).status, 0);
    await daemon.ids<RulesLoadResult>('rules', 'load', daemon.file('again.rules', rules));
    t.notMatch((await daemon.status()).notes.join(), /full/);
  });
}
