// SPDX-License-Identifier: Apache-2.0
// Every command explains itself, and its example is one that it takes.
import t from 'tap';
import { commands, groups } from '../../../../engine/cli/commands/index.js';
import { parse, usage } from '../../../../engine/cli/parse.js';
import { version } from '../../../../common/version.js';
import { invoke, shellWords } from './invoke.js';

t.test('each command: help with words, options and an example', async (t) => {
  for (const command of commands) {
    const { status, out, err } = await invoke([...command.name.split(' '), '--help'], { columns: 80 });
    t.equal(status, 0, command.name);
    t.equal(err, '');
    t.ok(out.startsWith(usage(command)), `${command.name}: the usage line`);
    t.ok(out.includes(`Example:\n  ${command.example[0]}\n`), `${command.name}: the example`);
    for (const name of Object.keys(command.positionals)) t.ok(out.includes(`\n  ${name} `), `${command.name}: ${name}`);
    for (const name of [...Object.keys(command.options), 'json', 'socket', 'help']) {
      t.match(out, new RegExp(`\\n {2}(-\\w,| {3}) --${name}\\b`), `${command.name}: --${name}`);
    }
    const longest = Math.max(...out.split('\n').map((line) => line.length));
    t.ok(longest <= 80, `${command.name}: fits 80 columns, not ${longest}`);
    t.notMatch(out, /undefined|\[object/, command.name);
    t.equal((await invoke(['help', ...command.name.split(' ')], { columns: 80 })).out, out, `help ${command.name}`);
  }
});

t.test('each example is a command line that the parser takes, of its own command', async (t) => {
  for (const { name, example } of commands) {
    const line = /^source <\((.*)\)$/.exec(example[0])?.[1] ?? example[0];
    const words = shellWords(line.replace(/ > \S+$/, ''));
    if (words[0] === 'sudo') words.shift();
    t.equal(words.shift(), 'ids', line);
    t.match(parse(words), { kind: 'run', command: { name } }, line);
  }
});

t.test('the program and the groups', async (t) => {
  const { status, out } = await invoke(['--help']);
  t.equal(status, 0);
  for (const command of commands) t.ok(out.includes(usage(command)), command.name);
  t.equal((await invoke(['-h'])).out, out);
  t.equal((await invoke(['help'])).out, out);
  for (const group of Object.keys(groups)) {
    const help = await invoke([group, '--help']);
    t.equal(help.status, 0, group);
    const members = commands.filter(({ name }) => name.startsWith(`${group} `));
    t.ok(members.length > 0 && members.every((member) => help.out.includes(usage(member))), `${group}: its commands`);
  }
});

t.test('without a command: the help, on standard error, as a mistake', async (t) => {
  for (const words of [[], ['rules'], ['--json'], ['--socket', '/x', 'alerts']]) {
    const { status, out, err } = await invoke(words);
    t.equal(status, 2, words.join(' '));
    t.equal(out, '');
    t.match(err, /^ids .*COMMAND/);
  }
});

t.test('the version', async (t) => {
  t.strictSame(await invoke(['--version']), { status: 0, out: `${version}\n`, err: '' });
});
