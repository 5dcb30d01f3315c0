// SPDX-License-Identifier: Apache-2.0
// The command as a process: exit status, closed pipes, standard input.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { run } from '../../../helpers/run.js';
import { block, detection, status } from '../api/fake-api.js';
import { serve, temporary } from '../api/serve.js';

const ids = fileURLToPath(new URL('../../../../../bin/ids', import.meta.url));
const bash = (script: string, ...args: string[]) =>
  run('bash', ['-c', `set -o pipefail; ${script}`, 'bash', ...args], { status: 'any', deadline: 60_000 });

t.test('the exit status reaches the shell', async (t) => {
  const folder = temporary(t);
  t.equal((await run(ids, ['--version'])).status, 0);
  t.equal((await run(ids, ['foo'], { status: 'any' })).status, 2);
  t.equal((await run(ids, ['status', '--socket', join(folder, 'none')], { status: 'any' })).status, 3);
  t.equal((await run(ids, [], { status: 'any' })).status, 2);
});

t.test('a program in the middle of which nobody reads ends quietly', async (t) => {
  const { socket, api } = await serve(t);
  api.blocklist = Array.from({ length: 100_000 }, () => block);
  for (const words of ['blocklist list', 'blocklist list --json']) {
    const { stdout, stderr } = await bash(`"$0" ${words} --socket "$1" | head -c 100`.replace('$0', '$2'), socket, ids);
    t.equal(stderr, '', words);
    t.equal(stdout.length, 100, words);
  }
  const rules = join(temporary(t), 'many.rules');
  writeFileSync(
    rules,
    Array.from(
      { length: 20_000 },
      (_, i) => `alert tcp any any -> any ${i + 1} (msg:"n"; ssh.proto; content:"x"; sid:${i + 1};)\n`,
    ).join(''),
  );
  const both = await bash('"$2" rules check "$1" 2>&1 | head -1', rules, ids);
  t.match(both.stdout, /^\S+many\.rules:1:\d+: unsupported: sid 1: ssh\.proto: .*\n$/);
  t.equal(both.stderr, '');
});

t.test('a follower ends when its pipe is closed', async (t) => {
  const { socket, api } = await serve(t);
  const raise = setInterval(() => api.recent.push([detection(1)]), 20);
  t.teardown(() => clearInterval(raise));
  const { stdout, stderr, status: exit } = await bash('"$2" alerts tail -f --socket "$1" | head -2', socket, ids);
  t.equal(stderr, '');
  t.equal(stdout.split('\n').length, 3);
  t.equal(exit, 0);
});

t.test('a full disk is said, not swallowed', async (t) => {
  const { socket } = await serve(t);
  const { stderr, status: exit } = await bash('"$2" status --socket "$1" >/dev/full', socket, ids);
  t.match(stderr, /^ids: cannot write standard output: .*ENOSPC/);
  t.equal(exit, 1);
});

t.test('rules come from standard input, the JSON is one line', async (t) => {
  const rule = 'alert tcp any any -> any 80 (msg:"x"; flags:S; sid:1;)\n';
  const { stdout, stderr } = await run(ids, ['rules', 'check', '-', '--json'], { input: rule });
  t.equal(stderr, '');
  t.equal(stdout.split('\n').length, 2);
  t.match(JSON.parse(stdout), { summary: { rules: 1, usable: 1 }, rules: [{ sid: 1, file: '<stdin>' }], problems: [] });
});

t.test('--socket before the command', async (t) => {
  const { socket } = await serve(t);
  const { stdout } = await run(ids, ['--socket', socket, '--json', 'status']);
  t.strictSame(JSON.parse(stdout), status);
});
