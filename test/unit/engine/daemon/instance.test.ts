// SPDX-License-Identifier: Apache-2.0
// A state directory belongs to one process at a time.

import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import t from 'tap';
import { claimInstance } from '../../../../engine/daemon/instance.js';

const startOf = (pid: number): string =>
  readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ')[19] ?? '';

t.test('claimed, made if need be, and given back', async (t) => {
  const folder = join(t.testdir(), 'deep', 'state');
  const release = claimInstance(folder);
  t.equal(statSync(folder).mode & 0o777, 0o700);
  t.equal(readFileSync(join(folder, 'daemon.pid'), 'utf8'), `${process.pid} ${startOf(process.pid)}\n`);
  claimInstance(folder);
  release();
  t.notOk(existsSync(join(folder, 'daemon.pid')));
  release();
});

t.test('another process that lives holds it; one that died, or another of its number, does not', async (t) => {
  const folder = t.testdir();
  const other = spawn('sleep', ['60']);
  t.teardown(() => other.kill('SIGKILL'));
  const pid = other.pid ?? 0;
  const file = join(folder, 'daemon.pid');
  writeFileSync(file, `${pid} ${startOf(pid)}\n`);
  t.throws(() => claimInstance(folder), { code: 'DAEMON_RUNNING', message: new RegExp(`process ${pid} `) });
  for (const stale of [`${pid} 1\n`, '999999999 12\n', 'nonsense', `${pid}`, '']) {
    writeFileSync(file, stale);
    claimInstance(folder)();
    t.notOk(existsSync(file), JSON.stringify(stale));
  }
});

t.test('a directory that cannot be used is one line with the remedy', async (t) => {
  const folder = t.testdir({ file: '' });
  mkdirSync(join(folder, 'state', 'daemon.pid'), { recursive: true });
  for (const path of [join(folder, 'file'), join(folder, 'file', 'state'), join(folder, 'state')]) {
    t.throws(
      () => claimInstance(path),
      { code: 'STORE_FAILED', message: /^the state directory .*choose another/ },
      path,
    );
  }
});
