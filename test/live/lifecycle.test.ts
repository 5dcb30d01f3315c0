// SPDX-License-Identifier: Apache-2.0
// How a daemon ends and how its files are rotated: nothing that was raised is lost on the way.
import { copyFileSync, renameSync, truncateSync } from 'node:fs';
import t from 'tap';
import type { RuleRecord } from '../../engine/api/api.js';
import { privileged, run, startInNetns, twoHosts, until } from '../helpers/privileged.js';
import { lines, TestDaemon } from './support/daemon.js';
import type { EveRecord } from './support/daemon.js';
import { acquaint, hping } from './support/traffic.js';

TestDaemon.egress = false;

const rules = 'alert tcp any any -> any 80 (msg:"SYN and FIN"; flags:SF; sid:1;)';
const HOOK_PORT = 9090;

/** A receiver that takes its time with each request, or never answers. */
const receiver = `
const [port, delay] = process.argv.slice(1).map(Number);
let records = 0;
require('http').createServer((request, response) => {
  let text = '';
  request.on('data', (piece) => (text += piece));
  request.on('end', () => {
    if (!delay) return;
    setTimeout(() => {
      const count = text.match(/"event_type":"alert"/g)?.length ?? 0;
      console.log('received ' + (records += count));
      response.end('ok');
    }, delay);
  });
}).listen(port, '127.0.0.1', () => console.log('ready'));`;

if (privileged(t)) {
  t.test('the end of a daemon, and its files', { timeout: 240_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    await acquaint(victim, attacker);
    const attack = (count: number): Promise<number> =>
      hping(attacker, victim.ipv4, '-c', String(count), '-S', '-F', '-p', '80');
    const hook = (port: number): object => ({
      type: 'webhook',
      url: `http://127.0.0.1:${port}/`,
      batch: { records: 10 },
      retry: { initial: '1s' },
    });
    const daemon = TestDaemon.prepare(t, victim);
    const outputs = [{ type: 'file', path: daemon.eveFile }, hook(HOOK_PORT)];
    daemon.configure({ rules, config: { outputs } });
    const counts = async (): Promise<RuleRecord['counts']> => {
      const [record] = await daemon.api.showRule(1);
      if (!record) throw new Error('the rule is not loaded');
      return record.counts;
    };
    const slow = startInNetns(t, victim.netns, process.execPath, ['-e', receiver, String(HOOK_PORT), '200']);
    await slow.prints(/ready/);
    await daemon.run();

    await t.test('stop delivers what was raised', async (t) => {
      const sent = await attack(100);
      await until(async () => (await counts()).events === sent);
      await daemon.process.stop('SIGTERM', 20_000);
      t.equal(await daemon.process.ended, 0);
      t.equal(daemon.alerts(1).length, sent, 'the file has all');
      t.match(slow.output.stdout, new RegExp(`received ${sent}\\n`), 'and so has the webhook');
      t.match(daemon.log, /"msg":"ended"/);
    });

    await t.test('a second signal ends a daemon that still drains, and the kernel goes on', async (t) => {
      const silent = startInNetns(t, victim.netns, process.execPath, ['-e', receiver, String(HOOK_PORT + 1), '0']);
      await silent.prints(/ready/);
      daemon.configure({ rules, config: { outputs: [hook(HOOK_PORT + 1)] } });
      await daemon.run();
      await attack(1);
      await until(async () => (await daemon.status()).outputs.some(({ pending }) => pending > 0));
      process.kill(daemon.process.pid, 'SIGTERM');
      await daemon.process.prints(/"msg":"draining"/);
      process.kill(daemon.process.pid, 'SIGINT');
      t.equal(await daemon.process.ended, 1);
      t.match(daemon.log, /"msg":"ending at once"/);
      const { stdout } = await run('ip', ['-n', victim.netns, '-j', 'link', 'show', 'dev', victim.device]);
      t.match(JSON.parse(stdout), [{ xdp: { prog: {} } }]);
    });

    await t.test('a rotated file: moved away and told, or copied and cut', async (t) => {
      daemon.configure({ rules, config: {} });
      await daemon.run();
      const inFile = (file: string): number =>
        lines(file).filter((line) => (JSON.parse(line) as EveRecord).event_type === 'alert').length;
      const start = inFile(daemon.eveFile);
      await attack(5);
      await until(() => inFile(daemon.eveFile) === start + 5);
      const moved = `${daemon.eveFile}.1`;
      renameSync(daemon.eveFile, moved);
      process.kill(daemon.process.pid, 'SIGHUP');
      await attack(7);
      await until(() => inFile(daemon.eveFile) + inFile(moved) === start + 12);
      t.equal(inFile(moved), start + 5, 'nothing more goes into the old file');
      t.equal(inFile(daemon.eveFile), 7);

      copyFileSync(daemon.eveFile, `${daemon.eveFile}.2`);
      truncateSync(daemon.eveFile);
      await attack(3);
      await until(() => inFile(daemon.eveFile) === 3);
      t.equal((await daemon.status()).outputs[0]?.dropped, 0);
      await daemon.ids('stop', '--detach');
    });
  });
}
