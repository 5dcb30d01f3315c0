// SPDX-License-Identifier: Apache-2.0
// The command against a real daemon: the JSON that docs/cli.md describes, refusals, following, and the way out.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { inNetns, privileged, run, startInNetns, twoHosts, until } from '../helpers/privileged.js';
import { idsProgram, TestDaemon } from './support/daemon.js';

TestDaemon.egress = false;

const rules = `drop tcp any any -> any any (msg:"SYN and FIN"; flags:SF; sid:1000001; rev:3;)
alert icmp any any -> any any (msg:"ping"; itype:8; sid:1000002;)
`;

/** The fields of a command's table in docs/cli.md. */
function documented(heading: string): string[] {
  const text = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
  const section = text.slice(text.indexOf(heading)).split(/\n##+ /)[0] ?? '';
  const table = section.slice(section.indexOf('| field |'));
  return [...table.matchAll(/^\| `([^`]+)` \|/gm)].map(([, field = '']) => field);
}

/** Paths of a value that no documented field explains. */
function undocumented(value: unknown, fields: readonly string[], path = ''): string[] {
  if (fields.includes(path)) return [];
  if (Array.isArray(value)) return [...new Set(value.flatMap((one) => undocumented(one, fields, `${path}[]`)))];
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, one]) => {
    const known = fields.includes(`${path}.*`);
    return known ? [] : undocumented(one, fields, path === '' ? name : `${path}.${name}`);
  });
}

if (privileged(t)) {
  t.test('the command and a real daemon', { timeout: 200_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    const daemon = await TestDaemon.start(t, victim, { rules });
    const json = async (...words: string[]): Promise<unknown> =>
      JSON.parse((await daemon.program(...words, '--json')).stdout);

    await t.test('status prints what is documented, all of it', async (t) => {
      const fields = documented('## `ids status`');
      t.ok(fields.length > 40, `${fields.length} fields`);
      const status = (await json('status')) as { interfaces: { name: string }[]; rules: { generation: number } };
      t.strictSame(undocumented(status, fields), [], 'nothing beyond it');
      t.equal(status.interfaces[0]?.name, victim.device);
      const { stdout, stderr } = await daemon.program('status');
      t.match(stdout, /mode prevent, rules generation \d+ \(from config\)\n2 rules: 2 usable/);
      t.equal(stderr, '');
    });

    await t.test('rules: records are what is documented, a refused load changes nothing', async (t) => {
      const fields = documented('### Rule');
      t.strictSame(
        undocumented(
          await json('rules', 'show', '1000001'),
          fields.map((field) => `[].${field}`),
        ),
        [],
      );
      const before = (await json('rules', 'list')) as { generation: number };
      const bad = daemon.file('bad.rules', `${rules}alert tcp any any -> any any (flags:Q; sid:1000003;)\n`);
      const refused = await daemon.program('rules', 'load', bad, '--strict');
      t.equal(refused.status, 2);
      t.match(refused.stderr, /bad\.rules:3:\d+: error: sid 1000003: flags: .*\nids: nothing was loaded/);
      t.strictSame(await json('rules', 'list'), before, 'as before');
      const partly = await daemon.cli('rules', 'load', bad);
      t.equal(partly.status, 1, 'the others are loaded');
      t.match(partly.stdout, /^3 rules: 2 usable .* 1 error\ngeneration (\d+) is in force\n$/);
      t.match(partly.stderr, /^\S+bad\.rules:3:\d+: error: .*\n$/);
      t.equal((await daemon.cli('rules', 'load')).status, 0, 'the configured ones again');
    });

    await t.test('lists: refusals, and what was not there', async (t) => {
      const own = await daemon.program('blocklist', 'add', victim.ipv4, '192.0.2.7');
      t.equal(own.status, 1, 'partly');
      t.match(own.stderr, /^ids: refused: 10\.77\.0\.1 is a built-in exemption .*--force\n$/);
      t.equal(own.stdout, '192.0.2.7: added\n', 'the other one is listed');
      const wide = await daemon.cli('blocklist', 'add', '0.0.0.0/1');
      t.equal(wide.status, 2);
      t.match(wide.stderr, /--force/);
      t.equal((await daemon.cli('blocklist', 'check', '192.0.2.7')).status, 0);
      t.equal((await daemon.cli('blocklist', 'check', '192.0.2.8')).status, 1);
      t.equal((await daemon.cli('blocklist', 'remove', '192.0.2.8')).status, 1);
      t.equal((await daemon.cli('blocklist', 'remove', '192.0.2.7', '192.0.2.8')).status, 1);
      t.equal((await daemon.cli('allowlist', 'add', '198.51.100.0/24')).status, 0);
      t.match((await daemon.cli('allowlist', 'list')).stdout, /198\.51\.100\.0\/24 +allowlist +manual/);
      t.equal((await daemon.cli('allowlist', 'remove', '198.51.100.0/24')).status, 0);
    });

    await t.test('alerts tail --follow shows an alert as it comes, for people and for programs', async (t) => {
      const words = ['alerts', 'tail', '-n', '0', '--follow', '--socket', daemon.socket];
      const people = startInNetns(t, victim.netns, idsProgram, words);
      const programs = startInNetns(t, victim.netns, idsProgram, [...words, '--json']);
      await until(
        async () => {
          await inNetns(attacker.netns, 'ping', ['-c', '1', '-W', '1', victim.ipv4]);
          return people.output.stdout.includes('ping') && programs.output.stdout.includes('ping');
        },
        { message: () => `the alert: ${people.output.stdout}${people.output.stderr}${programs.output.stderr}` },
      );
      t.match(people.output.stdout, /^\S+Z alert pass: 1000002 ping ICMP 10\.77\.0\.2 -> 10\.77\.0\.1$/m);
      t.match(JSON.parse(programs.output.stdout.split('\n')[0] ?? ''), {
        event_type: 'alert',
        alert: { signature_id: 1000002 },
      });
      t.equal(await people.stop('SIGINT'), 0, 'Ctrl-C is a good end');
      t.match(await daemon.program('alerts', 'tail', '-n1'), { status: 0, stdout: /ping/ });
    });

    await t.test('without root', async (t) => {
      const nobody = (...words: string[]) =>
        run('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, idsProgram, ...words], {
          status: 'any',
          cwd: '/',
        });
      await run('chmod', ['0755', daemon.folder]);
      const denied = await nobody('status', '--socket', daemon.socket);
      t.equal(denied.status, 4);
      t.match(denied.stderr, /^ids: no access to .*: run as root or as a member of the group ids\n$/);
      const none = await nobody('stop', '--detach', '--socket', '/nonexistent/ids.sock', '--pin-dir', daemon.pins);
      t.equal(none.status, 4);
      t.match(none.stderr, /^ids: .*root.*\n$/);
      const config = join(daemon.folder, 'ids.yaml');
      const started = await nobody('run', '--config', config);
      t.equal(started.status, 4);
      t.match(started.stderr, /^ids: ids run needs root/);
      t.equal((await daemon.program('status')).status, 0, 'the daemon saw nothing of it');
    });

    await t.test('stop waits for the end; a new daemon can start at once', async (t) => {
      const following = startInNetns(t, victim.netns, idsProgram, ['alerts', 'tail', '-f', '--socket', daemon.socket]);
      await following.prints(/ping/);
      const stopped = await daemon.program('stop');
      t.strictSame([stopped.status, stopped.stderr], [0, '']);
      t.match(stopped.stdout, /^the daemon has ended\nthe kernel goes on dropping/);
      t.equal(await daemon.process.ended, 0);
      t.equal(await following.ended, 3, 'who followed is told');
      t.match(following.output.stderr, /ids: .*(ended|broke)/);
      t.ok(readdirSync(daemon.pins).length > 0, 'enforcement is still there');
      t.equal((await daemon.program('stop')).status, 3, 'a second stop finds none');
      await daemon.run();
      t.equal((await daemon.program('status')).status, 0);
    });

    await t.test('stop --detach takes everything out, without a daemon too', async (t) => {
      const attached = async (): Promise<boolean> =>
        /xdp/.test((await inNetns(victim.netns, 'ip', ['link', 'show', victim.device])).stdout);
      await daemon.process.stop('SIGKILL');
      t.ok(await attached(), 'killed: still attached');
      const words = ['stop', '--detach', '--pin-dir', daemon.pins, '--socket', daemon.socket];
      const { stdout, status } = await inNetns(victim.netns, idsProgram, words, { status: 'any' });
      t.equal(status, 0);
      t.match(stdout, `no daemon was running\ndetached from ${victim.device}\n`);
      t.notOk(await attached());
      t.notOk(existsSync(daemon.pins) && readdirSync(daemon.pins).length > 0, 'no pin is left');
    });
  });
}
