// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { loadConfig, type FeedConfig } from '../../../../engine/config/index.js';
import { noticeOf, type FailedFeed } from '../../../../engine/feeds/failure.js';
import { Feeds, type FeedChange } from '../../../../engine/feeds/feeds.js';
import { batchTexts } from '../../../../engine/lists/batch-text.js';
import { MemoryBulkLists } from '../lists/memory-bulk-lists.js';
import { openServer, type TestServer } from './server.js';

function configOf(lines: string[]): FeedConfig[] {
  return loadConfig(`feeds:\n${lines.map((line) => `  - ${line}\n`).join('')}`, 'test.yaml').feeds;
}

interface Setup {
  readonly file?: string;
  readonly lists?: MemoryBulkLists;
  readonly atStart?: boolean;
}

function setup(t: Test, feeds: FeedConfig[], { file, lists = new MemoryBulkLists(), atStart = false }: Setup = {}) {
  const logged: { level: string; fields: Record<string, unknown>; text: string }[] = [];
  const log = {
    info: (fields: object, text: string) => void logged.push({ level: 'info', fields: { ...fields }, text }),
    warn: (fields: object, text: string) => void logged.push({ level: 'warn', fields: { ...fields }, text }),
  };
  const raised: FailedFeed[] = [];
  const changes: FeedChange[] = [];
  const onChange = (change: FeedChange): void => void changes.push(change);
  const onFailure = (feed: FailedFeed): void => void raised.push(feed);
  const state = file ?? join(t.testdir({}), 'feeds.json');
  const countOf = (origin: string): number => lists.batch(origin).count;
  const manager = Feeds.open({ feeds, lists, countOf, file: state, log, onFailure, onChange, atStart });
  t.teardown(() => manager.close());
  const texts = (origin: string): string[] => [...batchTexts(lists.batch(origin))];
  return { manager, lists, logged, raised, changes, texts, state };
}

const many = (count: number, from = 0): string =>
  Array.from(
    { length: count },
    (_, i) => `10.${(i + from) >> 16}.${((i + from) >> 8) & 255}.${(i + from) & 255}\n`,
  ).join('');

void t.test('a feed is replaced as a whole, and asked for what changed alone', async (t) => {
  let body = '192.0.2.1\n192.0.2.2\nnonsense\n';
  const server = await openServer((request, response) => {
    const etag = `"${body.length}"`;
    if (request.headers['if-none-match'] === etag) response.writeHead(304).end();
    else response.writeHead(200, { etag }).end(body);
  });
  t.teardown(() => server.close());
  const { manager, lists, texts, logged, changes, state } = setup(
    t,
    configOf([`{ name: a, url: "${server.url}/list?key=x", action: alert }`]),
  );
  t.match(manager.show('a'), { state: 'never', entries: 0, source: `${server.url}/list`, running: false });
  const [first] = await manager.update({ force: false });
  t.match(first, { state: 'updated', entries: 2, badLines: 1, format: 'plain', failures: 0, etag: '"29"' });
  const firstBadLines = [{ line: 3, column: 1, cause: 'not an address', text: 'nonsense' }];
  t.match(first, { firstBadLines });
  t.same(texts('feed:a'), ['192.0.2.1', '192.0.2.2']);
  t.equal(lists.origins.get('feed:a')?.action, 'alert');
  t.ok(logged.some(({ text }) => text === 'feed: bad lines'));
  t.match(await manager.update({ names: ['a'], force: false }), [{ state: 'unchanged', entries: 2, firstBadLines }]);
  body = '192.0.2.2\n192.0.2.3\n192.0.2.4\n';
  t.match(await manager.update({ force: false }), [{ state: 'updated', entries: 3, firstBadLines: [] }]);
  t.same(texts('feed:a'), ['192.0.2.2', '192.0.2.3', '192.0.2.4']);
  t.same(
    changes.splice(0),
    [
      { name: 'a', before: 0, after: 2, added: 2, removed: 0 },
      { name: 'a', before: 2, after: 3, added: 2, removed: 1 },
    ],
    'what has changed nothing is no change',
  );
  // What was emptied behind our back is fetched in any case.
  lists.origins.delete('feed:a');
  t.match(await manager.update({ force: false }), [{ state: 'updated', entries: 3 }]);
  await t.rejects(manager.update({ names: ['b'], force: false }), {
    code: 'NOT_FOUND',
    message: /configuration has a/,
  });
  // The next run goes on from what was kept.
  body = '192.0.2.2\nbad\n192.0.2.3\n192.0.2.4\n';
  await manager.update({ force: false });
  await manager.close();
  const next = setup(t, configOf([`{ name: a, url: "${server.url}/list?key=x", action: alert }`]), {
    file: state,
    lists,
  });
  const kept = { badLines: 1, firstBadLines: [{ line: 2, column: 1, cause: 'not an address', text: 'bad' }] };
  t.match(next.manager.show('a'), kept);
  t.match(await next.manager.update({ force: false }), [{ ...kept, state: 'unchanged', entries: 3 }]);
  t.notMatch(readFileSync(state, 'utf8'), /key=x/);
});

interface Answer {
  readonly body: Buffer;
  /** What the header says: the connection breaks where the body is shorter. */
  readonly length?: number;
  readonly status?: number;
}

async function answering(t: Test, next: () => Answer): Promise<TestServer> {
  const server = await openServer((_request, response) => {
    const { body, length = body.length, status = 200 } = next();
    response.writeHead(status, { 'content-length': length });
    response.write(body);
    if (length === body.length) response.end();
    else setTimeout(() => response.destroy(), 20);
  });
  t.teardown(() => server.close());
  return server;
}

void t.test('what is cut off, shrank or is no list keeps the old content and tells', async (t) => {
  let answer: Answer = { body: Buffer.from(many(1000)) };
  const server = await answering(t, () => answer);
  const { manager, texts, logged } = setup(t, configOf([`{ name: a, url: "${server.url}", max_shrink: 0.3 }`]));
  await manager.update({ force: false });
  t.equal(texts('feed:a').length, 1000);
  const gz = gzipSync(many(1000));
  const cases: [string, typeof answer, RegExp][] = [
    ['a connection that broke', { body: Buffer.from(many(900)), length: 20_000 }, /broke off after/],
    ['half of a gzip', { body: gz.subarray(0, gz.length >> 1) }, /damaged or was cut off/],
    [
      'a shorter list',
      { body: Buffer.from(many(600)) },
      /shrank from 1000 to 600 entries, by 40 % \(max_shrink 30 %\)/,
    ],
    ['nothing', { body: Buffer.alloc(0) }, /shrank from 1000 to 0/],
    ['a page', { body: Buffer.from('<p>sorry</p>\n'.repeat(50)) }, /50 lines are bad and 0 good/],
    ['not found', { body: Buffer.from('gone'), status: 404 }, /answers 404/],
  ];
  let failures = 0;
  for (const [what, next, error] of cases) {
    answer = next;
    failures++;
    t.match(
      await manager.update({ force: false }),
      [{ state: 'kept', entries: 1000, failures, lastError: error }],
      what,
    );
    t.equal(texts('feed:a').length, 1000, what);
    t.match(manager.notes(), [/^feed a is not up to date/], what);
    t.match(logged.at(-1), { level: 'warn', text: /the old stays/ }, what);
  }
  answer = { body: Buffer.from(many(600)) };
  t.match(
    await manager.update({ force: true }),
    [{ state: 'updated', entries: 600, failures: 0, lastError: undefined }],
    'with force',
  );
  t.same(manager.notes(), []);
  answer = { body: gzipSync(many(500)) };
  t.match(await manager.update({ force: false }), [{ state: 'updated', entries: 500 }], 'less than max_shrink');
});

void t.test('a failure raises an alert, once a kind until the feed works again', async (t) => {
  let answer: Answer = { body: Buffer.from(many(1000)) };
  const server = await answering(t, () => answer);
  const lists = new MemoryBulkLists();
  const config = configOf([`{ name: a, url: "${server.url}", max_bytes: 20000, max_entries: 1200 }`]);
  const { manager, raised, state, logged } = setup(t, config, { lists });
  await manager.update({ force: false });
  t.same(raised, []);
  const good = answer;
  const cases: [string, typeof answer, RegExp][] = [
    ['unreachable', { body: Buffer.from('gone'), status: 404 }, /answers 404/],
    ['truncated', { body: Buffer.from(many(900)), length: 15_000 }, /broke off/],
    ['truncated', { body: gzipSync(many(1000)).subarray(0, 500) }, /was cut off/],
    ['too-large', { body: Buffer.alloc(20_001, 10) }, /more than max_bytes/],
    ['too-large', { body: gzipSync(many(5000)) }, /larger than 20000 bytes/],
    ['too-large', { body: Buffer.from(many(1201)) }, /more than 1200 entries/],
    ['unreadable', { body: Buffer.from('<p>sorry</p>\n'.repeat(50)) }, /50 lines are bad/],
    ['shrank', { body: Buffer.from(many(100)) }, /shrank from 1000 to 100/],
  ];
  const told = new Set<string>();
  for (const [failure, next, error] of cases) {
    answer = next;
    const before = raised.length;
    t.match(await manager.update({ force: false }), [{ state: 'kept', lastError: error }], failure);
    if (told.has(failure)) t.equal(raised.length, before, `${failure} again: told already`);
    else t.match(raised.slice(before), [{ name: 'a', failure, error, entries: 1000 }], failure);
    told.add(failure);
  }
  t.same(noticeOf(raised[0]!), {
    level: 'Warning',
    module: 'feeds',
    reason: 'feed-unreachable',
    origin: 'feed:a',
    message: `feed a was not taken, its old content stays (1000 entries): ${server.url}/ answers 404`,
  });
  t.notOk('told' in manager.show('a'), 'what was told is no field of the status');
  await manager.close();
  const next = setup(t, config, { file: state, lists });
  await next.manager.update({ force: false });
  t.same(next.raised, [], 'a restart tells nothing again');
  answer = good;
  await next.manager.update({ force: false });
  t.same(next.raised, [], 'that it works again is no alert');
  t.ok(next.logged.some(({ level, text }) => level === 'info' && text === 'feed: it works again'));
  answer = { body: Buffer.from(many(100)) };
  await next.manager.update({ force: false });
  t.match(next.raised, [{ failure: 'shrank' }], 'told anew');
  lists.limit = 10;
  answer = { body: Buffer.from(many(1000, 70_000)) };
  await next.manager.update({ force: false });
  t.match(next.raised.slice(1), [{ failure: 'list-full', entries: 1000 }]);
  await server.close();
  t.notOk(logged.some(({ text }) => text === 'feed: it works again'));
});

void t.test('a large feed in gzip is read by another thread', async (t) => {
  const body = gzipSync(many(100_000));
  const server = await openServer(
    (_request, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(body),
  );
  t.teardown(() => server.close());
  const config = configOf([`{ name: a, url: "${server.url}" }`, `{ name: b, url: "${server.url}", max_entries: 500 }`]);
  const { manager, texts } = setup(t, config);
  const [a, b] = await manager.update({ force: false });
  t.match(a, { state: 'updated', entries: 100_000, bytes: body.length });
  t.equal(texts('feed:a').length, 100_000);
  t.match(b, { state: 'failed', lastError: /more than 500 entries/ });
});

void t.test('large feeds are fetched and read one after the other, small ones beside them', async (t) => {
  const large = Buffer.from('# a comment\n'.repeat(800_000) + '192.0.2.1\n');
  let active = 0;
  let most = 0;
  const whole: string[] = [];
  const server = await openServer((request, response) => {
    const body = request.url === '/small' ? Buffer.from('192.0.2.2\n') : large;
    response.writeHead(200, request.url === '/chunked' ? {} : { 'content-length': body.length });
    response.flushHeaders();
    setTimeout(() => {
      if (response.destroyed) return;
      if (body === large && request.url !== '/chunked') most = Math.max(most, ++active);
      response.once('finish', () => void whole.push(request.url ?? ''));
      response.once('close', () => void (active -= body === large && request.url !== '/chunked' ? 1 : 0));
      response.end(body);
    }, 50);
  });
  t.teardown(() => server.close());
  const lines = ['x', 'y', 'chunked', 'small'].map((name) => `{ name: ${name}, url: "${server.url}/${name}" }`);
  const { manager, texts } = setup(t, configOf(lines));
  const states = await manager.update({ force: false });
  t.same(
    states.map(({ state }) => state),
    ['updated', 'updated', 'updated', 'updated'],
  );
  t.match(states[0], { bytes: large.length, entries: 1 });
  t.same(texts('feed:y'), ['192.0.2.1']);
  t.equal(most, 1);
  t.equal(whole[0], '/small');
});

void t.test('a feed with a ttl gets its time again although nothing changed', async (t) => {
  const folder = t.testdir({ list: many(3) });
  const file = join(folder, 'feeds.json');
  const { manager, lists } = setup(t, configOf([`{ name: a, file: ${folder}/list, ttl: 1h }`]), { file });
  await manager.update({ force: false });
  const before = lists.batch('feed:a').extra?.expires4[0] ?? 0;
  await new Promise((done) => setTimeout(done, 20));
  t.match(await manager.update({ force: false }), [{ state: 'unchanged' }]);
  const after = lists.batch('feed:a').extra?.expires4[0] ?? 0;
  t.ok(after > before, 'later than before');
  t.ok(after <= Date.now() + 3_600_000);
});

void t.test('what did not change keeps what its entries said of themselves', async (t) => {
  const own = Date.UTC(2100, 0, 1);
  const said = { prefix: '192.0.2.1', expires: new Date(own).toISOString(), reason: 'its own' };
  const folder = t.testdir({ list: `${JSON.stringify(said)}\n{"prefix":"192.0.2.2"}\n` });
  const setting = (more: string) => configOf([`{ name: a, file: ${folder}/list${more} }`]);
  const file = join(folder, 'feeds.json');
  const { manager, lists } = setup(t, setting(', ttl: 1h'), { file });
  await manager.update({ force: false });
  await new Promise((done) => setTimeout(done, 20));
  const asked = Date.now();
  t.match(await manager.update({ force: false }), [{ state: 'unchanged' }]);
  const { extra } = lists.batch('feed:a');
  t.equal(extra?.expires4[0], own);
  t.equal(extra?.reasons[extra.reason4[0] ?? 0], 'its own');
  t.ok((extra?.expires4[1] ?? 0) >= asked + 3_600_000, 'prolonged');
  t.notHas(manager.show('a'), 'until');
  await manager.close();
  // Another ttl or none, or another action, holds for what is listed already.
  const none = setup(t, setting(''), { file, lists });
  t.match(await none.manager.update({ force: false }), [{ state: 'updated' }]);
  t.equal(lists.batch('feed:a').extra?.expires4[1], Infinity);
  t.match(await none.manager.update({ force: false }), [{ state: 'unchanged' }]);
  await none.manager.close();
  const alert = setup(t, setting(', action: alert'), { file, lists });
  t.match(await alert.manager.update({ force: false }), [{ state: 'updated' }]);
  t.equal(lists.origins.get('feed:a')?.action, 'alert');
});

void t.test('refused entries are told; a full list keeps the old content', async (t) => {
  const folder = t.testdir({ list: many(3) });
  const file = join(folder, 'list');
  const lists = new MemoryBulkLists((batch) => ({
    accepted: { ...batch, count: batch.count - 1, addr4: batch.addr4.slice(1), len4: batch.len4.slice(1) },
    refusedCount: 1,
    refused: [{ prefix: '10.0.0.0', cause: 'it is the gateway' }],
  }));
  const { manager, logged } = setup(t, configOf([`{ name: a, file: ${file} }`]), {
    lists,
    file: join(folder, 'feeds.json'),
  });
  t.match(await manager.update({ force: false }), [{ state: 'updated', entries: 2, refused: 1 }]);
  t.match(logged.at(-1), { level: 'warn', fields: { refused: [{ cause: 'it is the gateway' }] } });
  t.match(
    await manager.update({ force: false }),
    [{ state: 'unchanged' }],
    'refused entries are no reason to fetch again',
  );
  writeFileSync(file, many(50));
  lists.limit = 10;
  t.match(await manager.update({ force: false }), [{ state: 'kept', entries: 2, lastError: /full/ }]);
});

void t.test('at start all feeds are updated, and what a feed of former times listed goes', async (t) => {
  const folder = t.testdir({ list: many(3) });
  const config = configOf([`{ name: a, file: ${folder}/list }`, `{ name: b, file: ${folder}/list }`]);
  const state = join(folder, 'feeds.json');
  const first = setup(t, config, { file: state, atStart: true });
  for (let i = 0; i < 500 && first.texts('feed:b').length === 0; i++) await new Promise((done) => setTimeout(done, 5));
  t.equal(first.texts('feed:a').length, 3);
  await first.manager.close();
  const second = setup(t, config.slice(0, 1), { file: state, lists: first.lists });
  for (let i = 0; i < 500 && second.texts('feed:b').length > 0; i++) await new Promise((done) => setTimeout(done, 5));
  t.same(second.texts('feed:b'), []);
  t.equal(second.texts('feed:a').length, 3);
  t.match(second.manager.list(), [{ name: 'a', next: /^20/ }]);
});

void t.test('a schedule runs', async (t) => {
  const folder = t.testdir({ list: many(3) });
  const config = configOf([`{ name: a, file: ${folder}/list, schedule: "* * * * * *" }`]);
  const { texts } = setup(t, config, { file: join(folder, 'feeds.json') });
  for (let i = 0; i < 600 && texts('feed:a').length === 0; i++) await new Promise((done) => setTimeout(done, 5));
  t.equal(texts('feed:a').length, 3);
});

void t.test('a damaged state costs a fetch, nothing else', async (t) => {
  const folder = t.testdir({ list: many(3), 'feeds.json': '{"a": 5' });
  const { manager, logged } = setup(t, configOf([`{ name: a, file: ${folder}/list }`]), {
    file: join(folder, 'feeds.json'),
  });
  t.match(logged[0], { level: 'warn', text: /states of feeds are damaged/ });
  t.match(await manager.update({ force: false }), [{ state: 'updated', entries: 3 }]);
});

void t.test('the examples of the documentation load', (t) => {
  const page = readFileSync(new URL('../../../../../docs/feeds.md', import.meta.url), 'utf8');
  const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  t.equal(examples.length, 1);
  for (const example of examples) t.equal(loadConfig(example, 'docs/feeds.md').feeds.length, 3);
  t.end();
});

void t.test('configuration: mistakes have their line', (t) => {
  const wrong: [string, RegExp][] = [
    ['{ name: a }', /feeds\[0\]: a feed has either a url or a file/],
    ['{ name: a, file: /x, url: "http://x" }', /either a url or a file/],
    ['{ name: a, url: "ftp://x" }', /http:\/\/ or https:\/\//],
    ['{ name: a, url: "http://u:p@x/" }', /a password in a URL/],
    ['{ name: a, file: /x, schedule: "nope" }', /not a cron schedule/],
    ['{ name: a, file: /x, headers: { Host: x } }', /set by ids itself/],
    ['{ name: A b, file: /x }', /small letters/],
    ['{ name: a, file: /x, max_shrink: 2 }', /too big/],
  ];
  for (const [line, message] of wrong) t.throws(() => configOf([line]), { code: 'CONFIG_INVALID', message }, line);
  t.throws(() => configOf(['{ name: a, file: /x }', '{ name: a, file: /y }']), { message: /names two feeds/ });
  t.end();
});
