// SPDX-License-Identifier: Apache-2.0
// docs/cli.md against the table of commands, and against the JSON that they really print.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { commands } from '../../../engine/cli/commands/index.js';
import { usage } from '../../../engine/cli/parse.js';
import type { ReplaySummary } from '../../../engine/replay/replay.js';
import {
  allowed,
  block,
  detection,
  flowRow,
  letter,
  logStatus,
  problem,
  explanation,
  rule,
  status,
  summary,
  topRow,
} from '../engine/api/fake-api.js';
import { entry, filled } from '../engine/audit/support.js';
import { MemoryBulkLists } from '../engine/lists/memory-bulk-lists.js';
import { serve, temporary } from '../engine/api/serve.js';
import { invoke } from '../engine/cli/invoke.js';
import { readDoc, sections, tables } from './markdown.js';

const doc = readDoc('docs/cli.md');
const chapters = sections(doc, 2);

/** Objects that have a table of their own. */
const records = new Set(['summary', 'rules[]', 'problems[]', 'entries[]']);
/** Objects whose keys are names, not fields. */
const open = new Set(['stats', 'response', 'detection', 'enrichment', 'status', 'actor', 'what', 'before', 'after']);

/** The fields of a value as the tables write them: `a.b`, `list[].c`. */
function fields(value: unknown, path = ''): string[] {
  if (records.has(path.split('.').at(-1) ?? '') && typeof value === 'object') return [path];
  if (open.has(path.replace(/^\[\]\./, ''))) return [`${path}.*`];
  if (Array.isArray(value)) {
    const deep = value.length > 0 && typeof value[0] === 'object' && !Array.isArray(value[0]);
    return path === '' || deep || records.has(`${path}[]`) ? fields(value[0], `${path}[]`) : [`${path}[]`];
  }
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, one]) => fields(one, path === '' ? name : `${path}.${name}`));
}

/** The first column of the last table with this title. */
function column(text: string, title: string): string[] {
  const found = tables(text).find(([titles]) => titles?.[0] === title) ?? [];
  return found.slice(1).map(([cell = '']) => cell.replaceAll('`', ''));
}

t.test('every command has its section with all its words and options, in the order of the help', async (t) => {
  const titles = chapters.map(({ title }) => title).filter((title) => title.startsWith('`ids '));
  t.strictSame(
    titles,
    commands.map((command) => `\`${usage(command)}\``),
  );
  for (const command of commands) {
    const text = chapters.find(({ title }) => title === `\`${usage(command)}\``)?.text ?? '';
    const wanted = [
      ...Object.keys(command.positionals),
      ...Object.entries(command.options).map(([name, { type, alias, value = '' }]) => {
        const long = `${name.length === 1 ? '-' : '--'}${name}${type === 'boolean' ? '' : ` ${value}`}`;
        return `${alias === undefined ? '' : `-${alias}, `}${long}${type === 'list' ? '…' : ''}`;
      }),
    ];
    t.strictSame(column(text, 'word or option'), wanted, command.name);
    t.match(text, /^Exit status /m, `${command.name}: exit status`);
    t.ok(text.includes(`\n    ${command.example[0]}\n`), `${command.name}: example`);
  }
});

t.test('the records are what the types say', async (t) => {
  const wanted: Record<string, unknown> = {
    Summary: summary,
    Problem: problem,
    Rule: rule,
    Explanation: explanation,
    Outcome: { prefix: '', outcome: '', cause: '' },
    'Blocklist entry': block,
    'Allowlist entry': allowed,
    'Top value': topRow,
    'Dead letter': letter,
    Flow: flowRow,
  };
  const found = sections(chapters.find(({ title }) => title === 'Records')?.text ?? '', 3);
  t.strictSame(
    found.map(({ title }) => title),
    Object.keys(wanted),
  );
  for (const { title, text } of found) t.strictSame(column(text, 'field'), fields(wanted[title]), title);
});

t.test('the JSON of each command has the fields of its table, in that order', async (t) => {
  const refused = { prefix: '192.0.2.7', cause: 'it covers the default gateway' };
  const lists = new MemoryBulkLists((batch) => ({ accepted: batch, refusedCount: 1, refused: [refused] }));
  const { socket } = await serve(t, lists);
  const folder = temporary(t);
  writeFileSync(join(folder, 'list.txt'), '198.51.100.7\nno address\n');
  writeFileSync(
    join(folder, 'a.rules'),
    'alert tcp any any -> any any (flags:S; sid:1;)\nalert tcp any any -> any any (flags:Q; sid:2;)\n' +
      'alert smb any any -> any any (sid:3;)\nalert http any any -> any any (http.uri; pcre:"/x/"; sid:4;)\n',
  );
  writeFileSync(join(folder, 'ids.yaml'), 'interfaces: [eth0]\nrules: [a.rules]\n');
  const audit = await filled(folder, 2);
  const log = audit.open();
  const error = { code: 'USAGE', message: '' };
  await log.append({ ...entry(3), outcome: 'failed', before: { a: 1 }, after: { a: 1 }, error });
  await log.close();
  // One that is not whole.
  const cut = await filled(temporary(t), 2);
  writeFileSync(cut.file, '');
  const lines: Record<string, string> = {
    'audit verify': `audit verify --file ${cut.file}`,
    'audit show': `audit show --file ${audit.file} -n 2`,
    status: 'status',
    stop: 'stop --detach --pin-dir /sys/fs/bpf/ids-test-nothing-here --socket /nonexistent/ids.sock',
    'rules check': `rules check ${folder}`,
    'rules load': `rules load ${folder}`,
    'rules list': 'rules list',
    'rules stats': 'rules stats --top 3',
    'rules disable': 'rules disable 9000001',
    'rules enable': 'rules enable 1:9000001',
    'rules update': 'rules update',
    'dataset list': 'dataset list',
    'dataset add': 'dataset add bad a,7',
    'blocklist check': 'blocklist check 192.0.2.7',
    'blocklist flush': 'blocklist flush',
    'blocklist import': `blocklist import ${folder}/list.txt --confirm 30s`,
    'blocklist diff': `blocklist diff ${folder}/list.txt --replace`,
    'blocklist stats': 'blocklist stats',
    // What the import above has left to confirm.
    confirm: 'confirm',
    'feeds show': 'feeds show level1',
    'log show': 'log show',
    'outputs test': 'outputs test webhook',
    'outputs replay': 'outputs replay webhook',
    'top talkers': 'top talkers',
    'stats tcp': 'stats tcp',
    'config check': `config check ${folder}/ids.yaml`,
    completion: 'completion bash',
  };
  const replay: ReplaySummary = {
    rules: summary,
    packets: 1,
    skipped: { linkType: 0, short: 0, long: 0 },
    reasons: [{ reason: 'clean', packets: 1 }],
    decode: [{ reason: 'decode-tcp-doff', packets: 1 }],
    alerts: [{ sid: 1, count: 1, msg: '' }],
  };
  for (const { title, text } of chapters.filter(({ title }) => title.startsWith('`ids '))) {
    const command = commands.find((one) => `\`${usage(one)}\`` === title);
    const name = command?.name ?? '';
    const table = column(text, 'field');
    if (table.length === 0) {
      t.match(
        text,
        name === 'run' ? /The log/ : /^JSON: (a list of \[|as \[|EVE records)/m,
        `${name}: says what it prints`,
      );
      continue;
    }
    if (name === 'rules test') {
      // As that of replay.
      t.strictSame(table, fields([{ capture: '', passed: true, errors: 0, differences: [''] }]), name);
      continue;
    }
    if (name === 'replay') {
      // Its own tests print it: here it would need root. "rules" is a summary there.
      t.strictSame(table, fields({ ...replay, rules: 0 }), name);
      continue;
    }
    const line = lines[name];
    if (line === undefined) throw new Error(`no command line to test the JSON of ${name}`);
    const words = [...line.split(' '), '--json', ...(line.includes('--socket') ? [] : ['--socket', socket])];
    const { out } = await invoke(words);
    t.strictSame(table, fields(JSON.parse(out)), name);
  }
});

t.test('commands that print records print whole ones', async (t) => {
  const { socket, api } = await serve(t);
  api.outcomes = [{ prefix: '192.0.2.7', outcome: 'unchanged', cause: 'still blocked by 192.0.2.0/24' }];
  api.recent.push([detection(1)]);
  const list = join(temporary(t), 'list.txt');
  writeFileSync(list, '198.51.100.7\n');
  const json = async (line: string): Promise<unknown> =>
    JSON.parse((await invoke([...line.split(' '), '--json', '--socket', socket])).out) as unknown;
  const outcome = ['[].prefix', '[].outcome', '[].cause'];
  t.strictSame(fields(await json('blocklist add 192.0.2.7')), outcome);
  const probation = (await json('blocklist add 192.0.2.7 --confirm 30s')) as { origin: string };
  const { origins } = (await json(`blocklist import ${list} --confirm 30s`)) as { origins: unknown[] };
  t.strictSame(fields(probation), fields(origins[0]), 'add --confirm: an origin of import');
  t.equal(probation.origin, 'manual');
  t.strictSame(fields(await json('blocklist remove 192.0.2.7')), outcome);
  t.strictSame(fields(await json('allowlist add 192.0.2.7')), outcome);
  t.strictSame(fields(await json('allowlist remove 192.0.2.7')), outcome);
  const listed = (value: unknown): string[] => fields(value).map((name) => `[].${name}`);
  t.strictSame(fields(await json('blocklist list')), listed(block));
  t.strictSame(fields(await json('allowlist list')), listed(allowed));
  t.strictSame(fields(await json('outputs status')), listed(status.outputs[0]));
  t.strictSame(fields(await json('outputs dead list webhook')), listed(letter));
  t.strictSame(fields(await json('top http')), listed(topRow));
  t.strictSame(fields(await json('top flows --by packets')), listed(flowRow));
  for (const line of ['log http off', 'log tls on', 'log dns default', 'log flow --failed'])
    t.strictSame(await json(line), logStatus);
  t.strictSame(fields(await json('rules show 9000001')), listed(rule));
  t.strictSame(fields(await json('rules explain 9000001')), listed(explanation));
  const { rules } = (await json('rules list')) as { rules: unknown[] };
  t.strictSame(fields(rules[0]), fields(rule), 'in the same order');
});
