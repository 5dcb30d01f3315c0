// SPDX-License-Identifier: Apache-2.0
// The daemon is killed at random moments of imports, feed replacements and expiry, while somebody who is listed before
// and after goes on sending: nothing of it arrives, nothing acknowledged is missing.
import { rename, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { privileged, twoHosts, until } from '../helpers/privileged.js';
import { TestDaemon } from './support/daemon.js';
import { ports } from './support/ports.js';
import { acquaint, addAddresses, send, serve } from './support/traffic.js';

TestDaemon.egress = false;

const ROUNDS = Number(process.env['IDS_KILLS'] ?? 3);
const FEED = 15_000;
const IMPORT = 10_000;
const SOURCES = ['10.77.0.66', 'fd77::66'] as const;
/** The sources are in the feed's every version, under one prefix or another. */
const holders4 = ['10.77.0.66', '10.77.0.66/31', '10.77.0.64/29', '10.77.0.64/28'];
const holders6 = ['fd77::66', 'fd77::64/126', 'fd77::60/124'];

const address = (base: number, n: number): string => `${base}.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;

/** A version of the feed: the sources, and a window that moves. */
function version(i: number): string[] {
  const own = [holders4[i % holders4.length] ?? '', holders6[i % holders6.length] ?? ''];
  return [...own, ...Array.from({ length: FEED }, (_, n) => address(11, 2 * n + (i % 500) * 7_000))];
}

const imported = (i: number): string[] => Array.from({ length: IMPORT }, (_, n) => address(12, (i % 800) * IMPORT + n));
const text = (list: readonly string[]): string => `${list.join('\n')}\n`;
const same = (a: readonly string[], b: readonly string[]): boolean => [...a].sort().join() === [...b].sort().join();

if (privileged(t)) {
  t.test('a daemon that is killed while lists change', { timeout: 60_000 + ROUNDS * 30_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    await addAddresses(attacker, ...SOURCES);
    await acquaint(victim, attacker);
    const service = await serve(t, victim);
    const daemon = TestDaemon.prepare(t, victim);
    const feedFile = daemon.file('feed.txt', text(version(0)));
    daemon.configure({ config: { feeds: [{ name: 'moving', file: feedFile, max_shrink: 1 }] } });
    await daemon.run();
    await until(async () => (await daemon.status()).blocklist.entries >= FEED, { deadline: 30_000 });
    const leaked = async (): Promise<number> => {
      const { udp } = await service.seen();
      return SOURCES.reduce((sum, source) => sum + (udp[source] ?? 0), 0);
    };
    const flows = await Promise.all(
      SOURCES.map((from) => {
        const to = from.includes(':') ? victim.ipv6 : victim.ipv4;
        return send(t, attacker, 'udp', { from, to, port: ports.sink });
      }),
    );

    /** What was asked for and what was acknowledged. */
    let taken = [0];
    const acknowledged = new Set<number>();
    let step = 0;
    for (let round = 1; round <= ROUNDS; round++) {
      let running = true;
      const ok = async (...words: readonly string[]): Promise<boolean> =>
        (await daemon.cli(...words).catch(() => ({ status: -1 }))).status === 0;
      const feeds = async (): Promise<void> => {
        while (running) {
          const i = ++step;
          await writeFile(`${feedFile}.new`, text(version(i)));
          await rename(`${feedFile}.new`, feedFile);
          taken.push(i);
          if (await ok('feeds', 'update', 'moving')) taken = [i];
        }
      };
      const asked = new Set<number>();
      const imports = async (): Promise<void> => {
        while (running) {
          const i = ++step;
          asked.add(i);
          const file = daemon.file('import.txt', text(imported(i)));
          if (await ok('blocklist', 'import', file, '--reason', `import ${i}`)) acknowledged.add(i);
        }
      };
      const expiries = async (): Promise<void> => {
        while (running) {
          const list = Array.from({ length: 5_000 }, (_, n) => address(13, (step % 100) * 5_000 + n));
          await ok('blocklist', 'import', daemon.file('short.txt', text(list)), '--origin', 'short', '--ttl', '1s');
        }
      };
      const work = Promise.all([feeds(), imports(), expiries()]);
      await sleep(300 + Math.random() * 1_500);
      await daemon.kill();
      running = false;
      await work;
      const asWas = taken;
      // The start fetches the feed: it must not find anything, so that what was kept can be seen.
      await rename(feedFile, `${feedFile}.new`);
      await daemon.run();
      const entries = await daemon.api.blocklistList();
      const of = (origin: string): string[] =>
        entries.filter((one) => one.origin === origin).map(({ prefix }) => prefix);
      const found = of('feed:moving');
      const which = asWas.filter((i) => same(found, version(i)));
      t.ok(which.length > 0, `round ${round}: the feed is one of the versions ${asWas.join()}, as a whole`);
      const there = new Set(of('manual'));
      const missing = [...acknowledged].filter((i) => !imported(i).every((one) => there.has(one)));
      t.same(missing, [], `all of ${acknowledged.size} imports that were acknowledged are there`);
      const torn = [...asked].filter((i) => {
        const count = imported(i).filter((one) => there.has(one)).length;
        return count > 0 && count < IMPORT;
      });
      t.same(torn, [], 'none is there in part');
      const { entries: listed, enforced } = (await daemon.status()).blocklist;
      t.equal(enforced, listed, 'store and kernel agree');
      t.equal(await leaked(), 0, 'nothing came through');
      taken = which;
    }
    t.ok(acknowledged.size > 0, `${acknowledged.size} imports`);
    const sent = (await Promise.all(flows.map((flow) => flow.finish()))).reduce((sum, count) => sum + count, 0);
    t.ok(sent > 1_000, `${sent} datagrams`);
    t.equal(await leaked(), 0);
  });
}
