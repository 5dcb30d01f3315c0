// SPDX-License-Identifier: Apache-2.0
// Data sets in a running daemon: loaded beside the rules, changed by packets, kept over a reload and a restart.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { privileged, twoHosts, until } from '../helpers/privileged.js';
import { TestDaemon } from './support/daemon.js';
import { ports } from './support/ports.js';
import { acquaint, curl, serve } from './support/traffic.js';

TestDaemon.egress = false;

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const rules = [
  'alert http any any -> any any (msg:"new agent"; http.user_agent; dataset:set,seen,type string,state seen.lst; sid:1;)',
  'alert http any any -> any any (msg:"bad host"; http.host; dataset:isset,bad,type string,load bad.lst; sid:2;)',
].join('\n');

if (privileged(t)) {
  t.test('data sets', { timeout: 180_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    await acquaint(victim, attacker);
    await serve(t, victim);
    const daemon = TestDaemon.prepare(t, victim, { rules });
    daemon.file('bad.lst', `${base64('bad.example')}\n`);
    await daemon.run();
    const url = `http://${victim.ipv4}:${ports.web}/`;
    const get = (agent: string, host: string): Promise<unknown> =>
      curl(attacker, url, '-A', agent, '-H', `Host: ${host}`);
    const told = (sid: number, count: number): Promise<true> => until(() => daemon.alerts(sid).length === count);

    await t.test('by packets and by files', async (t) => {
      await get('first', 'good.example');
      await get('second', 'bad.example');
      await get('first', 'good.example');
      await told(2, 1);
      await told(1, 2);
      t.same((await daemon.status()).rules.datasets, { held: 3, refused: 0 });
    });

    await t.test('a load reads files anew and goes on with what packets have set', async (t) => {
      daemon.file('bad.lst', `${base64('other.example')}\n`);
      await daemon.ids('rules', 'load', join(daemon.folder, 'local.rules'));
      await get('first', 'bad.example');
      await get('third', 'other.example');
      await told(2, 2);
      await told(1, 3);
      const { status, stderr } = await daemon.cli(
        'rules',
        'load',
        daemon.file('out.rules', rules.replace('bad.lst', '../x')),
      );
      t.equal(status, 1);
      t.match(stderr, /out\.rules:2:\d+: .*dataset.*"\.\.\/x" is not a file beside the rules/);
      await daemon.ids('rules', 'load', join(daemon.folder, 'local.rules'));
    });

    await t.test('and by hand', async (t) => {
      const list = await daemon.cli('dataset', 'list', '--json');
      const sets = JSON.parse(list.stdout) as { name: string; values: number; static: boolean; state?: string }[];
      t.match(sets, [
        { name: 'seen', values: 3, static: false, state: 'seen.lst' },
        { name: 'bad', values: 1, static: true, load: 'bad.lst' },
      ]);
      t.equal((await daemon.cli('dataset', 'lookup', 'bad', 'by.hand')).status, 1);
      await daemon.ids('dataset', 'add', 'bad', 'by.hand');
      t.equal((await daemon.cli('dataset', 'add', 'bad', 'by.hand')).status, 1, 'once');
      await daemon.ids('dataset', 'lookup', 'bad', base64('by.hand'), '--base64');
      await get('first', 'by.hand');
      await told(2, 3);
      await daemon.ids('dataset', 'remove', 'bad', 'by.hand');
      t.equal((await daemon.cli('dataset', 'dump', 'bad')).stdout.trim(), base64('other.example'));
      await daemon.ids('dataset', 'add', 'seen', 'known by hand');
      await get('known by hand', 'by.hand');
      await daemon.ids('dataset', 'clear', 'bad');
      await get('first', 'other.example');
      const unknown = await daemon.cli('dataset', 'lookup', 'none', 'x');
      t.equal(unknown.status, 1);
      t.match(unknown.stderr, /no rule in force asks a data set "none"/);
      t.equal((await daemon.cli('dataset', 'add', 'seen', '!', '--base64')).status, 2);
      t.equal(daemon.alerts(2).length, 3);
      t.equal(daemon.alerts(1).length, 3);
      await daemon.ids('dataset', 'remove', 'seen', 'known by hand');
    });

    await t.test('a restart knows them', async (t) => {
      await daemon.process.stop('SIGTERM');
      const kept = readFileSync(join(daemon.folder, 'state/datasets/seen.lst'), 'utf8').split('\n');
      t.same(kept.filter(Boolean).sort(), ['first', 'second', 'third'].map(base64).sort());
      await daemon.run();
      await get('second', 'good.example');
      await get('fourth', 'good.example');
      await told(1, 4);
    });
  });
}
