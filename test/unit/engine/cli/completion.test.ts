// SPDX-License-Identifier: Apache-2.0
// The completion scripts, in the shells themselves.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { commands } from '../../../../engine/cli/commands/index.js';
import { bashScript, zshScript } from '../../../../engine/cli/completion-scripts.js';
import { run } from '../../../helpers/run.js';
import { temporary } from '../api/serve.js';
import { invoke } from './invoke.js';

/** What bash offers for the last of these words; `PATH` is empty, so that no program can be asked. */
async function offers(folder: string, words: readonly string[]): Promise<string[]> {
  const script = `
source "$1"; shift
PATH=/nonexistent
COMP_WORDS=("$@") COMP_CWORD=$(( $# - 1 ))
_ids
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const file = join(folder, '.script');
  writeFileSync(file, bashScript());
  const { stdout, stderr } = await run('bash', ['--norc', '-c', script, 'bash', file, ...words], { cwd: folder });
  t.equal(stderr, '', words.join(' '));
  return stdout.split('\n').filter((word) => word !== '');
}

t.test('bash: commands, options, values and files', async (t) => {
  const folder = temporary(t);
  writeFileSync(join(folder, 'local.rules'), '');
  writeFileSync(join(folder, 'lo cal.yaml'), '');
  mkdirSync(join(folder, 'list'));
  const rows: [string[], string[]][] = [
    [
      ['ids', 'st'],
      ['stop', 'status', 'stats'],
    ],
    [
      ['ids', 'rules', ''],
      ['check', 'load', 'list', 'show', 'explain', 'disable', 'enable', 'stats', 'test', 'update'],
    ],
    [['ids', 'blocklist', 're'], ['remove']],
    [['ids', 'blocklist', 'add', '--f'], ['--force']],
    [['ids', 'blocklist', 'add', '--t'], ['--ttl']],
    [['ids', '--socket', 'rules', 'blocklist', 'a'], ['add']],
    [
      ['ids', '--json', 'rules', 'l'],
      ['load', 'list'],
    ],
    [['ids', 'stop', '--d'], ['--detach']],
    [['ids', 'status', ''], []],
    [['ids', 'frobnicate', ''], []],
    [
      ['ids', 'completion', ''],
      ['bash', 'zsh'],
    ],
    [
      ['ids', 'rules', 'check', 'l'],
      ['list', 'lo cal.yaml', 'local.rules'],
    ],
    [['ids', 'run', '--config', 'lo '], ['lo cal.yaml']],
    [['ids', 'run', '--config', '=', 'lo '], ['lo cal.yaml']],
    [['ids', 'blocklist', 'add', '--ttl', ''], []],
  ];
  for (const [words, wanted] of rows)
    t.strictSame((await offers(folder, words)).sort(), [...wanted].sort(), words.join(' '));
  t.strictSame(
    (await offers(folder, ['ids', ''])).sort(),
    [...new Set(commands.map(({ name }) => name.split(' ')[0]))].sort(),
    'every first word',
  );
});

t.test('bash registers the function', async (t) => {
  const { stdout } = await run('bash', ['--norc', '-c', 'source <(cat); complete -p ids'], { input: bashScript() });
  t.match(stdout, /-F _ids ids/);
});

t.test('zsh takes the script and offers the same', async (t) => {
  const zsh = await run('sh', ['-c', 'command -v zsh'], { status: 'any' });
  if (zsh.status !== 0) {
    t.comment('zsh is not installed: its script is not run');
    for (const { name } of commands) t.ok(zshScript().includes(`'${name}') `), name);
    return;
  }
  // compadd and _files are replaced by ones that print: the widgets themselves need a terminal.
  const harness = `
compdef() { :; }
compadd() { [[ $1 == -- ]] && shift; local w; for w; do [[ $w == \${words[CURRENT]}* ]] && print -r -- $w; done; return 0; }
_files() { print -r -- FILES; }
${zshScript()}
words=("$@"); CURRENT=$#
_ids`;
  const ask = async (...words: string[]): Promise<string[]> =>
    (await run('zsh', ['-f', '-c', harness, 'zsh', ...words], { status: [0, 1] })).stdout.split('\n').slice(0, -1);
  t.strictSame((await ask('ids', 'st')).sort(), ['stats', 'status', 'stop']);
  t.strictSame(await ask('ids', 'rules', 'sh'), ['show']);
  t.strictSame(await ask('ids', 'blocklist', 'add', '--fo'), ['--force']);
  t.strictSame(await ask('ids', 'run', '--config', ''), ['FILES']);
  t.strictSame(await ask('ids', 'rules', 'check', 'x'), ['FILES']);
});

t.test('the command prints them, by name or by the shell in use', async (t) => {
  t.strictSame(await invoke(['completion', 'bash']), { status: 0, out: bashScript(), err: '' });
  t.strictSame(await invoke(['completion', 'zsh']), { status: 0, out: zshScript(), err: '' });
  const before = process.env['SHELL'];
  t.teardown(() => void (before === undefined ? delete process.env['SHELL'] : (process.env['SHELL'] = before)));
  process.env['SHELL'] = '/usr/bin/zsh';
  t.equal((await invoke(['completion'])).out, zshScript());
  delete process.env['SHELL'];
  t.strictSame(JSON.parse((await invoke(['completion', '--json'])).out), { shell: 'bash', script: bashScript() });
});
