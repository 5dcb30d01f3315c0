// SPDX-License-Identifier: Apache-2.0
// What was taken out of the kernel without a daemon is in the audit log, unless a daemon has it.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { opened } from '../../../../engine/audit/chain.js';
import { linesOf } from '../../../../engine/audit/files.js';
import { loadConfig } from '../../../../engine/config/index.js';
import { noteDetach } from '../../../../engine/daemon/note-detach.js';
import { temporary } from '../api/serve.js';
import { entry, filled } from '../audit/support.js';

const detached = { interfaces: ['eth7', 'eth8'], pinDir: '/sys/fs/bpf/some' };
const configOf = (folder: string) => loadConfig(JSON.stringify({ state_dir: folder }), 'ids.yaml');

function records(file: string): unknown[] {
  return linesOf(readFileSync(file)).lines.map((line) => {
    const read = opened(line);
    return 'record' in read ? read.record : read;
  });
}

t.test('who, what and where, chained and signed', async (t) => {
  const stage = await filled(temporary(t), 2);
  t.same(await noteDetach(configOf(stage.folder), detached), []);
  const actor = { uid: process.getuid?.(), gid: process.getgid?.(), pid: process.pid };
  const what = { detach: true, daemon: false, pins: '/sys/fs/bpf/some' };
  t.match(records(stage.file).slice(3), [
    { action: 'stop', actor, outcome: 'done', what, after: { detached: ['eth7', 'eth8'] } },
    { action: 'detach', actor, what: { interface: 'eth7' } },
    { action: 'detach', actor, what: { interface: 'eth8' } },
    { action: 'checkpoint' },
  ]);
  t.match(stage.verify(), { intact: true, last: 7, signed: 7 });
  t.notOk(existsSync(join(stage.folder, 'daemon.pid')), 'the next daemon is let in');
  const next = stage.open();
  t.ok(next.clean, 'the daemon before has ended in good order');
  await next.append(entry(9));
  // As if that one were killed: what is signed does not say that it ended well.
  await next.checkpoint('interval');
  await noteDetach(configOf(stage.folder), { ...detached, interfaces: ['eth9'] });
  const last = stage.open();
  t.notOk(last.clean);
  t.match(stage.verify(), { intact: true, signed: 12 });
});

t.test('a log that somebody has, that is none or that is not there stays as it is, which is said', async (t) => {
  const stage = await filled(temporary(t), 1);
  const before = readFileSync(stage.file);
  const other = spawn('sleep', ['60']);
  t.teardown(() => other.kill('SIGKILL'));
  const stat = readFileSync(`/proc/${other.pid}/stat`, 'latin1').replace(/^.*\) /s, '');
  writeFileSync(join(stage.folder, 'daemon.pid'), `${other.pid} ${stat.split(' ')[19]}\n`);
  await t.rejects(noteDetach(configOf(stage.folder), detached), { code: 'DAEMON_RUNNING' });
  t.same(readFileSync(stage.file), before);
  const empty = join(temporary(t), 'state');
  await t.rejects(noteDetach(configOf(empty), detached), { code: 'AUDIT_FAILED', message: /--config/ });
  t.notOk(existsSync(empty), 'nothing is made where no daemon was');
  const odd = temporary(t);
  mkdirSync(join(odd, 'audit.log'));
  await t.rejects(noteDetach(configOf(odd), detached), { code: 'AUDIT_FAILED' });
  t.notOk(existsSync(join(odd, 'daemon.pid')));
});
