// SPDX-License-Identifier: Apache-2.0
// `ids rules check`, `ids config check` and `ids config show`: what they print where, and their exit status.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { temporary } from '../api/serve.js';
import { invoke } from './invoke.js';

const good = 'drop tcp any any -> any any (msg:"SYN and FIN"; flags:SF; sid:1;)\n';
const agent = 'alert http any any -> any any (msg:"agent"; http.user_agent; content:"x"; sid:2;)\n';
const unsupported = 'alert tcp any any -> any any (msg:"later"; ssh.proto; content:"x"; sid:3;)\n';
const bad = 'alert tcp any any -> any any (msg:"bad"; flags:Q; sid:4;)\n';

t.test('the table on standard output, problems on standard error, the status by the worst', async (t) => {
  const folder = temporary(t);
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const fine = write('fine.rules', good + agent);
  const usable = await invoke(['rules', 'check', fine]);
  t.match(usable, { status: 0, err: '' });
  t.match(
    usable.out,
    /^SID +ACTION +PLACEMENT +MESSAGE.*\n +1 +drop +inline +SYN and FIN\n +2 +alert +engine +agent +judged by the engine on http\.user_agent\n\nSLOW +REASON.*\n +1 +the longest content has one byte.* 2\n\n2 rules: 2 usable \(1 inline, 0 address, 1 engine\), 0 unsupported, 0 errors\n$/,
  );
  const partly = await invoke(['rules', 'check', write('partly.rules', good + unsupported)]);
  t.equal(partly.status, 1);
  t.match(partly.err, /^\S+partly\.rules:2:\d+: unsupported: sid 3: ssh\.proto: .*\n$/);
  t.match(partly.out, /\n +3 +alert +unsupported +later/);
  const wrong = await invoke(['rules', 'check', write('wrong.rules', `${good}\n${bad}${unsupported}`)]);
  t.equal(wrong.status, 2);
  t.match(wrong.err, /^\S+wrong\.rules:3:\d+: error: sid 4: flags: .*\n\S+wrong\.rules:4:\d+: unsupported: .*\n$/);
  t.match(wrong.out, /1 usable .* 1 unsupported, 1 error\n$/, 'the others are judged none the less');
  const whole = await invoke(['rules', 'check', folder, '--json']);
  const { summary, rules, problems } = JSON.parse(whole.out) as Record<string, unknown[]>;
  t.equal(whole.err, '', 'with --json the problems are in it');
  t.match(summary, { errors: 1, unsupported: 1 }, 'rules that the files repeat count once');
  t.ok((rules?.length ?? 0) >= 3 && (problems?.length ?? 0) >= 3);
});

t.test('variables and redaction of a configuration', async (t) => {
  const folder = temporary(t);
  const rules = join(folder, 'own.rules');
  writeFileSync(rules, 'alert tcp $OFFICE any -> $HOME_NET $OWN_PORTS (flags:S; sid:1;)\n');
  const config = join(folder, 'ids.yaml');
  writeFileSync(
    config,
    'home_net: [192.0.2.0/24]\nvars:\n  address: { OFFICE: 198.51.100.0/24 }\n  port: { OWN_PORTS: [8000, 9000] }\n',
  );
  t.match(await invoke(['rules', 'check', rules]), { status: 2, err: /OFFICE/ });
  t.match(await invoke(['rules', 'check', rules, '--config', config]), { status: 0, err: '' });
});

t.test('config show', async (t) => {
  const folder = temporary(t);
  const file = join(folder, 'ids.yaml');
  writeFileSync(
    file,
    'interfaces: eth0\noutputs: [{ type: webhook, url: "https://h.example/T0KEN", secret: { env: KEY } }]\n',
  );
  const shown = await invoke(['config', 'show', file]);
  t.match(shown, {
    status: 0,
    err: '',
    out: /^interfaces:\n {2}- name: eth0\n.*\n {4}url: https:\/\/h\.example\/\*\*\*\n/s,
  });
  t.match(parse(shown.out), { outputs: [{ secret: { env: 'KEY' }, retry: { max: '1m' } }] });
  t.strictSame(JSON.parse((await invoke(['config', 'show', file, '--json'])).out), parse(shown.out));
  writeFileSync(file, 'mod: monitor\n');
  t.match(await invoke(['config', 'show', file]), { status: 2, out: '', err: /ids\.yaml:1:1: mod: / });
});

t.test('config check', async (t) => {
  const folder = temporary(t);
  const file = join(folder, 'ids.yaml');
  mkdirSync(join(folder, 'rules'));
  writeFileSync(join(folder, 'rules', 'a.rules'), good);
  writeFileSync(file, 'interfaces: [eth0, eth1]\nmode: monitor\nrules: [rules]\n');
  const right = await invoke(['config', 'check', file]);
  t.strictSame(right, { status: 0, out: `${file} is right: eth0, eth1, mode monitor, 1 rule file\n`, err: '' });
  const json = await invoke(['config', 'check', file, '--json']);
  t.strictSame(JSON.parse(json.out), {
    ok: true,
    interfaces: ['eth0', 'eth1'],
    mode: 'monitor',
    rules: [join(folder, 'rules', 'a.rules')],
  });
  writeFileSync(file, 'interfaces: [eth0]\nmod: monitor\nhome_net: [1.2.3]\n');
  const wrong = await invoke(['config', 'check', file]);
  t.equal(wrong.status, 2);
  t.match(
    wrong.err,
    /^ids: \S+ids\.yaml:2:1: mod: .*mode.*\nids: \S+ids\.yaml:3:12: home_net.*1\.2\.3.*\n$/,
    'each with its place',
  );
  writeFileSync(file, 'rules: [nothing-here]\n');
  t.match(await invoke(['config', 'check', file]), { status: 2, err: /nothing-here does not exist/ });
});
