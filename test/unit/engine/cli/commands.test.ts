// SPDX-License-Identifier: Apache-2.0
// The commands that ask the daemon: their text, their JSON and their exit status.
import { join } from 'node:path';
import t from 'tap';
import { IdsError } from '../../../../common/errors.js';
import { engineRecord, toEve } from '../../../../alerts/index.js';
import { allowed, block, check, detection, letter, list, problem, rule, status, summary } from '../api/fake-api.js';
import { serve, temporary } from '../api/serve.js';
import { invoke } from './invoke.js';

const ESCAPE = '\u001b';
const problemLine = 'local.rules:3:17: error: sid 1000001: flags: no such flag "Q"; write some of FSRPAUEC\n';

t.test('status', async (t) => {
  const { socket } = await serve(t);
  const { status: exit, out, err } = await invoke(['status', '--socket', socket]);
  t.equal(exit, 0);
  t.equal(err, '');
  for (const part of [
    'ids 0.1.0, pid 1073741824, up 1m1s, mode prevent, rules generation 7 (from cli)',
    'reject by xdp, VLAN tags are taken off',
    'webhook: retrying, 1 of 4 delivered, 2 pending, 1 suppressed, 0 expired, 0 dropped; last error: connection refused',
    'decode-tcp-doff: 1',
  ]) {
    t.ok(out.includes(part), part);
  }
  t.strictSame(JSON.parse((await invoke(['status', '--socket', socket, '--json'])).out), status);
});

t.test('blocklist add: what became of each prefix', async (t) => {
  const { socket, api } = await serve(t);
  const add = (...words: string[]) => invoke(['blocklist', 'add', ...words, '--socket', socket]);
  t.match(await add('192.0.2.7', '--ttl', '1h30m', '--reason', 'x'), { status: 0, out: '192.0.2.7: added\n', err: '' });
  t.match(api.calls.at(-1), ['blocklistAdd', { prefixes: ['192.0.2.7'], ttl: 5400, reason: 'x', force: false }]);
  await add('192.0.2.7', '--force');
  t.match(api.calls.at(-1), ['blocklistAdd', { force: true }]);
  const cause = '10.0.0.0/7 is shorter than /8: list narrower prefixes, or say --force';
  api.outcomes = [
    { prefix: '192.0.2.7', outcome: 'updated' },
    { prefix: '10.0.0.0/7', outcome: 'refused', cause },
  ];
  t.strictSame(
    await add('192.0.2.7', '10.0.0.0/7'),
    { status: 1, out: '192.0.2.7: updated\n', err: `ids: refused: ${cause}\n` },
    'partly refused',
  );
  const refused = [{ prefix: '10.0.0.0/7', outcome: 'refused', cause }];
  api.failures.set('blocklistAdd', new IdsError('PREFIX_REFUSED', cause, { details: { outcomes: refused } }));
  t.strictSame(await add('10.0.0.0/7'), { status: 2, out: '', err: `ids: refused: ${cause}\n` }, 'wholly refused');
  const json = await add('10.0.0.0/7', '--json');
  t.strictSame(JSON.parse(json.out), refused, 'the same JSON as for a part');
  t.equal(json.status, 2);
  api.failures.set('blocklistAdd', new IdsError('LIST_FULL', 'the list is full', { details: { capacity: 1 } }));
  t.strictSame(await add('192.0.2.7'), { status: 1, out: '', err: 'ids: the list is full\n' });
  t.strictSame(JSON.parse((await add('192.0.2.7', '--json')).out), {
    error: { code: 'LIST_FULL', message: 'the list is full', details: { capacity: 1 } },
  });
});

t.test('the SSH peer of the caller travels along, so that nobody locks himself out', async (t) => {
  const { socket, api } = await serve(t);
  const before = process.env['SSH_CONNECTION'];
  t.teardown(() => {
    if (before === undefined) delete process.env['SSH_CONNECTION'];
    else process.env['SSH_CONNECTION'] = before;
  });
  process.env['SSH_CONNECTION'] = '203.0.113.5 50000 192.0.2.1 22';
  await invoke(['blocklist', 'add', '192.0.2.7', '--socket', socket]);
  t.match(api.calls.at(-1), ['blocklistAdd', { sshPeer: '203.0.113.5' }]);
});

t.test('blocklist and allowlist remove: 1 for what was not listed', async (t) => {
  const { socket, api } = await serve(t);
  for (const which of ['blocklist', 'allowlist']) {
    const remove = () => invoke([which, 'remove', '192.0.2.7', '--socket', socket]);
    api.outcomes = [{ prefix: '192.0.2.7', outcome: 'removed' }];
    t.strictSame(await remove(), { status: 0, out: '192.0.2.7: removed\n', err: '' });
    api.outcomes = [{ prefix: '192.0.2.7', outcome: 'unchanged' }];
    t.strictSame(await remove(), { status: 1, out: '192.0.2.7: not listed\n', err: '' });
    api.outcomes = [{ prefix: '192.0.2.7', outcome: 'unchanged', cause: 'still blocked by 192.0.2.0/24' }];
    t.strictSame(await remove(), {
      status: 1,
      out: '192.0.2.7: not listed, still blocked by 192.0.2.0/24\n',
      err: '',
    });
    api.outcomes = [{ prefix: '192.0.2.7', outcome: 'refused', cause: 'the configuration names it' }];
    t.strictSame(await remove(), { status: 2, out: '', err: 'ids: refused: 192.0.2.7: the configuration names it\n' });
  }
});

t.test('blocklist list, check and flush', async (t) => {
  const { socket, api } = await serve(t);
  const blocklist = (...words: string[]) => invoke(['blocklist', ...words, '--socket', socket]);
  const { out } = await blocklist('list');
  t.match(
    out,
    /^PREFIX +ORIGIN +ACTION +EXPIRES +PACKETS +LAST SEEN +REASON\n192\.0\.2\.7 +manual +alert .* 12,345 .*brute force\n1 entry\n$/,
  );
  t.strictSame(JSON.parse((await blocklist('list', '--json')).out), [block]);
  api.blocklist = [];
  t.equal((await blocklist('list', '--json')).out, '[]\n');
  t.match((await blocklist('list')).out, /\n0 entries\n$/);
  const yes = await blocklist('check', '192.0.2.7');
  t.equal(yes.status, 0);
  t.match(
    yes.out,
    /^192\.0\.2\.7 is blocked\n {2}192\.0\.2\.7 by manual, alert alone, until .*: brute force\n {2}kept by allowlist 192\.0\.2\.0\/24: our office\n$/,
  );
  t.strictSame(JSON.parse((await blocklist('check', '192.0.2.7', '--json')).out), check);
  api.checked = { address: '192.0.2.8', blocked: false, entries: [] };
  t.strictSame(await blocklist('check', '192.0.2.8'), { status: 1, out: '192.0.2.8 is not blocked\n', err: '' });
  t.equal((await blocklist('check', '192.0.2.8', '--json')).status, 1);
  t.strictSame(await blocklist('flush'), { status: 0, out: '2 entries removed\n', err: '' });
  t.strictSame(JSON.parse((await blocklist('flush', '--json')).out), { removed: 2 });
});

t.test('a list of 200,000 entries is printed as a whole', async (t) => {
  const { socket, api } = await serve(t);
  api.blocklist = Array.from({ length: 200_000 }, (_, i) => ({
    ...block,
    prefix: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
  }));
  const { status: exit, out } = await invoke(['blocklist', 'list', '--socket', socket]);
  t.equal(exit, 0);
  const lines = out.split('\n');
  t.equal(lines.length, 200_003);
  t.match(lines.at(-3), /^10\.3\.13\.63 /);
  t.equal(lines.at(-2), '200,000 entries');
});

t.test('allowlist add and list', async (t) => {
  const { socket, api } = await serve(t);
  const allowlist = (...words: string[]) => invoke(['allowlist', ...words, '--socket', socket]);
  t.match(await allowlist('add', '192.0.2.7', '--reason', 'x'), { status: 0, out: '192.0.2.7: added\n' });
  t.strictSame(api.calls.at(-1), ['allowlistAdd', { prefixes: ['192.0.2.7'], reason: 'x' }]);
  api.outcomes = [{ prefix: '192.0.2.7', outcome: 'unchanged' }];
  t.strictSame(await allowlist('add', '192.0.2.7'), { status: 0, out: '192.0.2.7: listed already\n', err: '' });
  t.match(
    (await allowlist('list')).out,
    /198\.51\.100\.0\/24 +allowlist +manual +our office\n1 entry, 0 built-in exemptions\n$/,
  );
  t.strictSame(JSON.parse((await allowlist('list', '--json')).out), [allowed]);
});

t.test('rules load: on a terminal a bar tells how far it is, and is gone in the end', async (t) => {
  const { socket, api } = await serve(t);
  const asked = (): boolean => api.calls.some(([name]) => name === 'rulesLoading');
  api.loadRules = async () => {
    for (let i = 0; i < 100 && (i < 10 || !asked()); i++) await new Promise((resolve) => setTimeout(resolve, 50));
    return api.loaded;
  };
  let terminal = '';
  const onTerminal = (text: string): void => void (terminal += text);
  const { status, out } = await invoke(['rules', 'load', '--socket', socket], { onTerminal });
  t.equal(status, 1);
  t.match(out, /generation 8 is in force\n$/);
  t.match(terminal, /parsing rules \[#{15}\.{15}\] 50 %/);
  t.ok(terminal.endsWith('\r\u001b[K'), 'nothing of it stays');
});

t.test('rules load: problems one line each on standard error, 1 if some were left out', async (t) => {
  const { socket, api } = await serve(t);
  const file = new URL('../../../../../rules/anomalies.rules', import.meta.url).pathname;
  const load = (...words: string[]) => invoke(['rules', 'load', ...words, '--socket', socket]);
  const summaryLine = '4 rules: 2 usable (1 inline, 0 address, 1 engine), 1 unsupported, 1 error\n';
  t.strictSame(await load(file), { status: 1, out: `${summaryLine}generation 8 is in force\n`, err: problemLine });
  t.match(
    api.calls.at(-1),
    ['loadRules', { strict: false, sources: [{ file, text: /sid:9000001/ }] }],
    'contents, not paths',
  );
  await load('--strict');
  t.strictSame(api.calls.at(-1), ['loadRules', { strict: true }], 'without paths: the configured ones');
  api.loaded = { generation: 9, summary: { ...summary, unsupported: 0, errors: 0 }, problems: [] };
  t.match(await load(file), { status: 0, err: '' });
  t.strictSame(JSON.parse((await load(file, '--json')).out), api.loaded);
  const refusal = 'nothing was loaded: 1 rules have errors and 1 are unsupported';
  api.failures.set(
    'loadRules',
    new IdsError('RULES_INVALID', refusal, { details: { problems: [problem, problem], summary } }),
  );
  t.strictSame(
    await load(file, '--strict'),
    { status: 2, out: summaryLine, err: `${problemLine}${problemLine}ids: ${refusal}\n` },
    'a refused load says what is wrong with each rule',
  );
  const json = await load(file, '--strict', '--json');
  t.match(JSON.parse(json.out), {
    error: { code: 'RULES_INVALID', details: { problems: [problem, problem], summary } },
  });
  t.equal(json.status, 2);
  t.match(await load(join(temporary(t), 'none.rules')), { status: 2, err: /cannot read/ }, 'nothing is sent');
  const folder = temporary(t);
  t.match(await load(folder), { status: 2, err: /there is no \*\.rules file in/ });
});

t.test('rules list and show', async (t) => {
  const { socket } = await serve(t);
  const rules = (...words: string[]) => invoke(['rules', ...words, '--socket', socket]);
  t.match(
    (await rules('list')).out,
    /9000001 +drop +inline +1,200 +SYN and FIN\n\n4 rules: .*\ngeneration 7, loaded .* by cli\n$/,
  );
  t.strictSame(JSON.parse((await rules('list', '--json')).out), list);
  const shown = await rules('show', '9000001');
  t.match(
    shown.out,
    /^sid +1:9000001:2\n[^]*\nfile +anomalies\.rules:7\n[^]*1,200 matched, 3 events, 1,197 suppressed[^]*sid:9000001/,
  );
  t.strictSame(JSON.parse((await rules('show', '9000001', '--json')).out), [rule]);
  t.strictSame(await rules('show', '5'), { status: 1, out: '', err: 'ids: no rule with sid 5 is loaded\n' });
});

t.test('alerts tail', async (t) => {
  const { socket, api } = await serve(t);
  const tail = (...words: string[]) => invoke(['alerts', 'tail', ...words, '--socket', socket]);
  t.strictSame(await tail(), { status: 0, out: '', err: '' });
  const hostile = detection(3);
  const escape = { ...hostile, rule: { ...hostile.rule!, msg: 'red \u001b[31m alert \u202e\u0007' } };
  const v6 = { ...detection(4), src: '2001:db8::1', ipVersion: 6 as const, verdict: 'pass' as const };
  const held = { ...detection(5), would: true, suppressed: { matched: 1234, since: 0, until: 1 } };
  const { rule: _rule, ...unruled } = detection(6);
  api.recent.push([detection(1), detection(2), escape, v6, held, { ...unruled, kind: 'drop', reason: 'blocklist' }]);
  const { out } = await tail('-n', '4');
  const time = '2026-01-02T03:04:05.000Z';
  t.strictSame(out.split('\n'), [
    `${time} alert drop: 9000001 red .[31m alert .. TCP 192.0.2.7:40003 -> 198.51.100.1:80`,
    `${time} alert pass: 9000001 SYN and FIN TCP [2001:db8::1]:40004 -> 198.51.100.1:80`,
    `${time} alert would drop: 9000001 SYN and FIN (1,234 more held back) TCP 192.0.2.7:40005 -> 198.51.100.1:80`,
    `${time} drop drop: blocklist TCP 192.0.2.7:40006 -> 198.51.100.1:80`,
    '',
  ]);
  const records = (await tail('-n', '2', '--json')).out.trimEnd().split('\n');
  t.strictSame(records.map((line) => JSON.parse(line) as unknown)[0], JSON.parse(JSON.stringify(toEve(held))), 'EVE');
  t.equal(records.length, 2);
  api.recent.push([
    engineRecord({ level: 'Warning', module: 'feeds', message: 'feed a: gone', reason: 'feed-unreachable', timeUs: 0 }),
  ]);
  t.equal((await tail('-n', '1')).out, '1970-01-01T00:00:00.000Z engine warning: feed a: gone\n');
});

t.test('alerts tail --follow ends with the reader, and says so when the daemon ends', async (t) => {
  const { socket, api, server } = await serve(t);
  const gone = new AbortController();
  const first = invoke(['alerts', 'tail', '-f', '-n', '1', '--socket', socket], {
    gone: gone.signal,
    onOut: () => gone.abort(),
  });
  api.recent.push([detection(1)]);
  t.match(await first, { status: 0, err: '' });
  const second = invoke(['alerts', 'tail', '-f', '-n', '1', '--socket', socket], {
    onOut: () => void server.close(),
  });
  t.match(await second, { status: 3, err: 'ids: the daemon has ended\n' });
});

t.test('no daemon: exit status 3 for every command that needs one', async (t) => {
  const socket = join(temporary(t), 'none.sock');
  for (const line of [
    'status',
    'stop',
    'rules load',
    'rules list',
    'rules show 1',
    'blocklist add 192.0.2.7',
    'blocklist remove 192.0.2.7',
    'blocklist list',
    'blocklist check 192.0.2.7',
    'blocklist flush',
    'allowlist add 192.0.2.7',
    'allowlist remove 192.0.2.7',
    'allowlist list',
    'alerts tail',
    'alerts tail --follow',
  ]) {
    const { status: exit, out, err } = await invoke([...line.split(' '), '--socket', socket]);
    t.equal(exit, 3, line);
    t.equal(out, '', line);
    t.match(err, /^ids: no daemon answers on .*none\.sock \(there is no such socket\): start it with "ids run"/, line);
    t.match(JSON.parse((await invoke([...line.split(' '), '--socket', socket, '--json'])).out), {
      error: { code: 'DAEMON_UNREACHABLE' },
    });
  }
});

t.test('colours and width are for terminals alone', async (t) => {
  const { socket, api } = await serve(t);
  api.blocklist = [{ ...block, reason: 'x'.repeat(500) }];
  api.recent.push([detection(1)]);
  const at = (line: string, columns?: number, env: NodeJS.ProcessEnv = {}) =>
    invoke([...line.split(' '), '--socket', socket], { ...(columns === undefined ? {} : { columns }), env });
  t.match((await at('blocklist list')).out, 'x'.repeat(500), 'a pipe gets all of it');
  const lines = (await at('blocklist list', 100)).out.split('\n');
  t.ok(lines.every((line) => line.length <= 100) && lines[1]?.endsWith('…'), 'a terminal what fits');
  t.match((await at('alerts tail', 100)).out, `${ESCAPE}[31malert drop${ESCAPE}[0m`);
  t.notMatch((await at('alerts tail')).out, ESCAPE);
  t.notMatch((await at('alerts tail', 100, { NO_COLOR: '1' })).out, ESCAPE);
  t.match((await at('alerts tail', 100, { NO_COLOR: '' })).out, ESCAPE, 'empty means nothing was said');
  t.notMatch((await at('alerts tail', 100, { TERM: 'dumb' })).out, ESCAPE);
});

t.test('outputs: status, test, replay and dead letters', async (t) => {
  const { socket, api } = await serve(t);
  const run = (...words: string[]) => invoke(['outputs', ...words, '--socket', socket]);
  const all = await run('status');
  t.match(all.out, /webhook\s+retrying \(circuit open\)\s+4\s+1\s+2/);
  t.match((await run('status', 'webhook')).out, /pending +2, 2,000 bytes\n[^]*last error +connection refused/);
  t.match(api.calls.at(-1), ['outputs', 'webhook']);
  t.strictSame(JSON.parse((await run('status', '--json')).out), status.outputs);
  t.match(await run('test', 'webhook'), { status: 0, out: 'webhook: delivered after 12 ms: it came late\n' });
  api.tested = { outcome: 'pending', ms: 15_000, cause: 'connection refused' };
  const late = await run('test', 'webhook');
  t.equal(late.err, '');
  t.match(late, { status: 1, out: 'webhook: pending after 15,000 ms: connection refused\n' });
  t.match(await run('replay', 'webhook', '--since', '30m'), {
    status: 0,
    out: 'webhook: 1,200 records queued\n',
    err: /2 records in the store cannot be read/,
  });
  t.match(api.calls.at(-1), ['replayOutput', { name: 'webhook', since: 1800 }]);
  t.equal((await run('replay', 'webhook', '--since', 'soon')).status, 2);
  t.match((await run('dead', 'list', 'webhook')).out, /5 {2}2026-01-02T03:04:06.000Z[^]*answered 400\n1 dead letter\n/);
  t.strictSame(JSON.parse((await run('dead', 'list', 'webhook', '--json')).out), [letter]);
  t.match(await run('dead', 'retry', 'webhook'), { status: 0, out: 'webhook: 2 dead letters queued again\n' });
  t.match(await run('dead', 'drop', 'webhook', '5', '6'), { status: 0, out: 'webhook: 2 dead letters dropped\n' });
  t.match(api.calls.at(-1), ['settleDead', { name: 'webhook', action: 'drop', ids: [5, 6] }]);
  t.match(await run('dead', 'burn', 'webhook'), { status: 2, err: /"burn" is none of list, retry, drop/ });
  t.match(await run('dead', 'drop', 'webhook', 'x'), { status: 2, err: /"x" is no number of a dead letter/ });
});
