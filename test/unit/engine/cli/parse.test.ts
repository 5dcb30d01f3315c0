// SPDX-License-Identifier: Apache-2.0
// From words to a command and its values, and what is said about words that are wrong.
import t from 'tap';
import { parse } from '../../../../engine/cli/parse.js';
import { invoke } from './invoke.js';

/** The command and the values of a line that is right; options that are not there are not among them. */
function values(line: string): { command: string; values: Record<string, unknown> } {
  const request = parse(line.split(' '));
  if (request.kind !== 'run') throw new Error(`${line}: ${request.kind}`);
  const { json, socket, help, ...own } = request.values;
  t.equal(request.json, json);
  t.equal(request.socket, socket);
  t.equal(help, false);
  const given = Object.entries(own).filter(([, value]) => value !== undefined);
  return { command: request.command.name, values: Object.fromEntries(given) };
}

t.test('words, options and their values', async (t) => {
  const lines: [string, string, Record<string, unknown>][] = [
    ['status', 'status', {}],
    ['run -i eth0', 'run', { interface: ['eth0'], monitor: false }],
    ['run -i eth0 -i eth1 --interface br0', 'run', { interface: ['eth0', 'eth1', 'br0'], monitor: false }],
    ['run -i eth0 eth1 --config a --config b', 'run', { interface: ['eth0', 'eth1'], config: 'b', monitor: false }],
    ['run -ieth0 --monitor --monitor', 'run', { interface: ['eth0'], monitor: true }],
    ['run --monitor --no-monitor', 'run', { interface: [], monitor: false }],
    ['rules show 0123', 'rules show', { sid: '0123' }],
    ['rules check 1 2.50 0x1f', 'rules check', { paths: ['1', '2.50', '0x1f'] }],
    ['rules check -- --odd.rules -- -x', 'rules check', { paths: ['--odd.rules', '--', '-x'] }],
    ['rules check - --config c.yaml', 'rules check', { paths: ['-'], config: 'c.yaml' }],
    ['rules load', 'rules load', { paths: [], strict: false }],
    ['rules load --strict a b', 'rules load', { paths: ['a', 'b'], strict: true }],
    ['alerts tail', 'alerts tail', { n: '20', follow: false }],
    ['alerts tail -f -n 5', 'alerts tail', { n: '5', follow: true }],
    ['alerts tail -n=5', 'alerts tail', { n: '5', follow: false }],
    [
      'blocklist add ::1 10 --ttl 60 --reason 007',
      'blocklist add',
      { prefixes: ['::1', '10'], ttl: '60', reason: '007', force: false },
    ],
    [
      'blocklist add 192.0.2.1 --reason=-x.y',
      'blocklist add',
      { prefixes: ['192.0.2.1'], reason: '-x.y', force: false },
    ],
    ['stop', 'stop', { detach: false, 'pin-dir': '/sys/fs/bpf/ids' }],
    [
      'replay --rules a.rules b.rules --home-net [10.0.0.0/8,!10.1.0.0/16] x.pcap',
      'replay',
      {
        captures: ['x.pcap'],
        rules: ['a.rules', 'b.rules'],
        'home-net': '[10.0.0.0/8,!10.1.0.0/16]',
        redact: false,
        inline: false,
        midstream: false,
      },
    ],
  ];
  for (const [line, command, wanted] of lines) t.strictSame(values(line), { command, values: wanted }, line);
});

t.test('--socket and --json may stand before, within and after the command', async (t) => {
  for (const line of [
    '--socket /s --json rules list',
    'rules --socket /s list --json',
    'rules list --socket=/s --json',
    '--json rules --socket=/s list',
  ]) {
    const request = parse(line.split(' '));
    t.match(request, { kind: 'run', command: { name: 'rules list' }, json: true, socket: '/s' }, line);
  }
});

t.test('mistakes are named in one line with exit status 2', async (t) => {
  const lines: [string, RegExp][] = [
    ['foo', /^ids: "foo" is no command: see "ids --help"$/],
    ['statsu', /"statsu" is no command: did you mean "ids status"\?/],
    ['rules lod', /"rules lod" is no command: did you mean "ids rules load"\?/],
    ['rules frobnicate', /"rules frobnicate" is no command: see "ids rules --help"/],
    ['frobnicate --help', /"frobnicate" is no command/],
    ['help frobnicate', /"frobnicate" is no command/],
    ['--frobnicate', /--frobnicate: no such option before a command/],
    ['constructor', /"constructor" is no command/],
    ['rules __proto__', /"rules __proto__" is no command/],
    ['status foo', /"foo" is one word too many: ids status$/],
    ['rules list 7', /"7" is one word too many/],
    ['rules show 7 8', /"8" is one word too many: ids rules show <sid>$/],
    ['rules show', /<sid> is missing: ids rules show <sid>/],
    ['rules check', /<paths> is missing: ids rules check <paths\.\.>/],
    ['blocklist add', /<prefixes> is missing/],
    ['blocklist add 192.0.2.1 --tll 1h', /--tll: no such option: did you mean --ttl\?/],
    ['blocklist add 192.0.2.1 --zzzzzz', /--zzzzzz: no such option: see "ids blocklist add --help"/],
    ['blocklist add 192.0.2.1 -z', /-z: no such option/],
    ['blocklist add 192.0.2.1 --a.b=c', /--a\.b: no such option/],
    ['blocklist add 192.0.2.1 --ttl', /--ttl needs a value/],
    ['blocklist add 192.0.2.1 --ttl --force', /--ttl needs a value/],
    ['blocklist add 192.0.2.1 --ttl 5x', /"5x" is not a duration/],
    ['blocklist add 192.0.2.1 --ttl 0', /"0" is not a duration/],
    ['blocklist add 192.0.2.1 --ttl 9999999d', /longer than 100 years/],
    ['blocklist add 1.2.3', /"1\.2\.3" is not an address or prefix: did you mean 1\.2\.3\.0\/24\?/],
    ['blocklist add 192.0.2.1 300.1.1.1', /"300\.1\.1\.1" is not/],
    ['blocklist remove 192.0.2.0/33', /"192\.0\.2\.0\/33"/],
    ['allowlist add example.org', /"example\.org"/],
    ['blocklist check 192.0.2.0/24', /"192\.0\.2\.0\/24" is not an IP address/],
    ['rules show one', /"one" is not a signature id/],
    ['rules show 4294967296', /not a signature id/],
    ['alerts tail -n -1', /-n/],
    ['alerts tail -n many', /-n many: write a number/],
    ['run -i', /-i needs a value|--interface needs a value/],
    ['run', /no interface: name one with -i/],
    ['run --config /nonexistent/ids.yaml', /\/nonexistent\/ids\.yaml/],
    ['status --socket', /--socket needs a value/],
    ['--socket', /--socket needs a value/],
    ['replay x.pcap', /--rules PATH is needed/],
    ['replay --rules a.rules', /no capture was named/],
    ['replay --rules x.pcap', /no rule file was named/],
    ['config check /nonexistent', /cannot read \/nonexistent/],
    ['rules check /nonexistent', /cannot read \/nonexistent/],
    ['completion fish', /"fish": there is completion for bash and zsh/],
  ];
  for (const [line, wanted] of lines) {
    const { status, out, err } = await invoke(line.split(' '));
    t.equal(status, 2, `${line}: exit status`);
    t.match(err.trimEnd(), wanted, line);
    t.equal(err.split('\n').length, 2, `${line}: one line`);
    t.equal(out, '', `${line}: nothing on standard output`);
    const json = await invoke([...line.split(' '), '--json']);
    if (/needs a value|before a command/.test(err)) continue;
    t.match(JSON.parse(json.out), { error: { message: err.trimEnd().replace(/^ids: /, '') } }, `${line} --json`);
  }
});

t.test('messages do not depend on the locale', async (t) => {
  const before = process.env['LC_ALL'];
  t.teardown(() => void (before === undefined ? delete process.env['LC_ALL'] : (process.env['LC_ALL'] = before)));
  process.env['LC_ALL'] = 'de_DE.UTF-8';
  t.match((await invoke(['status', '--nope'])).err, /--nope: no such option/);
  t.match((await invoke(['run', '-i'])).err, /needs a value/);
});
