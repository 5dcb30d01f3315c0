// SPDX-License-Identifier: Apache-2.0
// An update from a server: conditional, whole or not at all, kept by generations, and undone.

import t from 'tap';
import { compileRules, type RuleSource } from '../../../../rules/index.js';
import { loadConfig } from '../../../../engine/config/index.js';
import { IdsError } from '../../../../common/errors.js';
import { RuleUpdates } from '../../../../engine/updates/rule-updates.js';
import { openServer } from '../feeds/server.js';
import { tar } from './tar.js';

const rule = (sid: number, options = ''): string => `alert tcp any any -> any any (${options}sid:${sid};)`;

interface Bench {
  readonly updates: RuleUpdates;
  /** Files of the set in force. */
  inForce: readonly RuleSource[];
  byHand: boolean;
  testFails: boolean;
  disable: string;
}

function open(t: { teardown(work: () => unknown): void }, folder: string, url: string, more = ''): Bench {
  const text = `rules_update:\n  schedule: off\n  keep: 2\n  sources: [{ name: et, url: "${url}/a.tar" }]\n${more}`;
  const bench = { inForce: [], byHand: false, testFails: false, disable: '' } as unknown as Bench;
  const updates = new RuleUpdates({
    config: loadConfig(text, 'x.yaml').rules_update,
    folder,
    filters: () => (bench.disable === '' ? {} : { disable: { file: 'disable.conf', text: bench.disable } }),
    load: async (sources, accept) => {
      const compilation = compileRules(sources, { addressVars: {}, portVars: {}, redact: 'off' });
      await accept(compilation);
      if (bench.byHand) return undefined;
      bench.inForce = sources;
      return { generation: 1, summary: compilation.summary, problems: [] };
    },
    test: () =>
      bench.testFails ? Promise.reject(new IdsError('UPDATE_REFUSED', 'the tests fail')) : Promise.resolve(),
    log: { info: () => undefined, warn: () => undefined },
  });
  t.teardown(() => updates.close());
  return Object.assign(bench, { updates });
}

const plain = { force: false, rollback: false };
const texts = ({ inForce }: Bench): string => inForce.map(({ text }) => text).join('\n');

t.test('an update, nothing new, something new, something bad, and back', async (t) => {
  let [body, etag] = [tar([{ path: 'r/a.rules', text: `${rule(1)}\n${rule(2)}` }]), '"1"'];
  const server = await openServer((request, response) => {
    if (request.headers['if-none-match'] === etag) return void response.writeHead(304).end();
    response.writeHead(200, { etag }).end(body);
  });
  t.teardown(() => server.close());
  const folder = t.testdir({});
  const bench = open(t, folder, server.url);
  t.match(await bench.updates.update(plain), {
    ...{ outcome: 'updated', generation: 1, sources: [{ name: 'et', state: 'fetched' }] },
    ...{ summary: { rules: 2, inline: 2 }, kept: [{ generation: 1, rules: 2 }] },
  });
  t.equal(texts(bench), `${rule(1)}\n${rule(2)}`);
  t.match(await bench.updates.update(plain), {
    outcome: 'unchanged',
    generation: 1,
    sources: [{ state: 'unchanged' }],
  });
  bench.disable = '2\n';
  t.match(await bench.updates.update(plain), { outcome: 'updated', generation: 2, sources: [{ state: 'unchanged' }] });
  t.equal(texts(bench), `${rule(1)}\n# ${rule(2)}`, 'another filter on what is there');
  bench.disable = '';

  [body, etag] = [tar([{ path: 'a.rules', text: `${rule(1)}\n${rule(3, 'flags:Q; ')}` }]), '"2"'];
  await t.rejects(bench.updates.update(plain), {
    code: 'UPDATE_REFUSED',
    message: /^1 rules have errors, max_errors is 0; the first: .*a\.rules:2: /,
  });
  bench.testFails = true;
  [body, etag] = [tar([{ path: 'a.rules', text: `${rule(1)}\n${rule(3)}\n${rule(4)}` }]), '"3"'];
  await t.rejects(bench.updates.update(plain), { code: 'UPDATE_REFUSED', message: 'the tests fail' });
  t.equal(texts(bench), `${rule(1)}\n# ${rule(2)}`, 'what was in force stays');
  bench.testFails = false;
  t.match(
    await bench.updates.update(plain),
    { outcome: 'updated', sources: [{ state: 'fetched' }] },
    'and is asked for again',
  );
  t.match(texts(bench), /sid:4/);
  const { generation } = await bench.updates.update(plain);

  [body, etag] = [tar([{ path: 'a.rules', text: rule(9) }]), '"4"'];
  await t.rejects(bench.updates.update(plain), { message: /shrank from 3 to 1 rules/ });
  t.match(await bench.updates.update({ force: true, rollback: false }), { outcome: 'updated' });
  t.equal(texts(bench), rule(9));
  t.match(await bench.updates.update({ force: false, rollback: true }), { outcome: 'rolled-back', generation });
  t.match(texts(bench), /sid:4/);
  bench.byHand = true;
  t.match(await bench.updates.update({ force: true, rollback: false }), { outcome: 'stored' });
  t.match(texts(bench), /sid:4/, 'a set that was loaded by hand stays');
  const again = open(t, folder, server.url);
  t.same(
    again.updates.sources().map(({ text }) => text),
    [rule(9)],
    'the next daemon goes on with the generation in use',
  );
  server.handle = (_request, response) => void response.writeHead(500).end();
  await t.rejects(again.updates.update({ force: true, rollback: false }), { code: 'FEED_FAILED' });
});

t.test('without sources, and without an earlier generation', async (t) => {
  const updates = new RuleUpdates({
    config: loadConfig('rules_update: { schedule: off }', 'x.yaml').rules_update,
    folder: t.testdir({}),
    filters: () => ({}),
    load: () => Promise.resolve(undefined),
    test: () => Promise.resolve(),
    log: { info: () => undefined, warn: () => undefined },
  });
  t.teardown(() => updates.close());
  await t.rejects(updates.update(plain), { code: 'NOT_FOUND', message: /names no sources/ });
  await t.rejects(updates.update({ force: false, rollback: true }), {
    code: 'NOT_FOUND',
    message: /no earlier generation/,
  });
});
