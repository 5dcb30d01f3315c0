// SPDX-License-Identifier: Apache-2.0
// docs/configuration.md against the schema: the same keys, and defaults that are the defaults.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { parse, stringify } from 'yaml';
import { loadConfig, SHIPPED_RULES } from '../../../../engine/config/index.js';
import { allKeys } from '../../../../engine/config/keys.js';
import { distance, nearest } from '../../../../engine/config/nearest.js';
import { withheldReasons } from '../../../../engine/response/index.js';

const docs = join(dirname(SHIPPED_RULES), 'docs');

interface Documented {
  key: string;
  default: string;
  /** Output type of the section. */
  type: string;
}

const text = readFileSync(join(docs, 'configuration.md'), 'utf8');
const rows: Documented[] = [];
let type = 'file';
for (const line of text.split('\n')) {
  type = /^### type: (\w+)/.exec(line)?.[1] ?? type;
  const [, key, , value = ''] = line.split('|').map((cell) => cell.trim());
  const name = /^`([^`]+)`$/.exec(key ?? '')?.[1];
  if (name !== undefined) rows.push({ key: name, default: /^`(.*)`$/.exec(value)?.[1] ?? '', type });
}

t.test('every key is documented, and nothing else', async (t) => {
  const documented = new Set(rows.map(({ key }) => key));
  t.same(
    allKeys().filter((key) => !documented.has(key)),
    [],
    'in the schema but not in the docs',
  );
  t.same(
    [...documented].filter((key) => !allKeys().includes(key)),
    [],
    'in the docs but not in the schema',
  );
});

const url = 'http://127.0.0.1/';
const secret = { env: 'A' };
/** What an output needs. */
const needs: Record<string, object> = {
  webhook: { url },
  splunk_hec: { url, token: secret },
  elasticsearch: { url },
  loki: { url },
  otlp: { url },
  cloudevents: { url },
  slack: { url: secret },
  teams: { url: secret },
  pagerduty: { routing_key: secret },
};

/** A configuration with one key set, inside the least that has to be around it. */
function around(row: Documented, value: unknown): string {
  const minimal: Record<string, object> = {
    interfaces: { name: 'eth0' },
    rules: { match: { sid: 1 } },
    feeds: { name: 'a', file: '/x' },
    sources: { name: 'a', file: '/x' },
    outputs: { type: row.type, ...needs[row.type] },
  };
  const steps = row.key.split('.');
  const build = (at: number): unknown => {
    const step = steps[at];
    if (step === undefined) return value;
    if (!step.endsWith('[]')) return { [step]: build(at + 1) };
    const name = step.slice(0, -2);
    const inner = build(at + 1) as object;
    const extra = name === 'rules' && row.key.includes('escalate.') && value === undefined ? { escalate: {} } : {};
    return { [name]: [{ ...minimal[name], ...extra, ...inner }] };
  };
  return stringify(build(0));
}

t.test('the documented defaults are the defaults', async (t) => {
  for (const row of rows.filter((one) => one.default !== '')) {
    const value: unknown = parse(row.default);
    t.same(
      loadConfig(around(row, value), row.key),
      loadConfig(around(row, undefined), row.key),
      `${row.key}: ${row.default}`,
    );
  }
  t.ok(rows.filter((one) => one.default !== '').length > 40);
});

t.test('the examples load, and the blocklist page names every reason', async (t) => {
  const examples = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  t.ok(examples.length > 0);
  for (const example of examples) t.ok(loadConfig(example, 'docs/configuration.md'));
  const page = readFileSync(join(docs, 'blocklist.md'), 'utf8');
  const named = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map((match) => match[1]);
  t.same(named, withheldReasons);
});

t.test('the nearest word', async (t) => {
  t.equal(distance('abc', 'abc'), 0);
  t.equal(distance('abc', 'acb'), 1);
  t.equal(distance('', 'abc'), 3);
  t.equal(distance('kitten', 'sitting'), 3);
  t.equal(nearest('intrefaces', ['mode', 'interfaces']), 'interfaces');
  t.equal(nearest('stateDir', ['state_dir', 'socket']), 'state_dir');
  t.equal(nearest('zzz', ['mode', 'log']), undefined);
});
