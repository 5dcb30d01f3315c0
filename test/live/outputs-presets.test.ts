// SPDX-License-Identifier: Apache-2.0
// Outputs in the words of their receivers: through nginx to a server that records, and every answer that a receiver may give.
import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import path from 'node:path';
import t from 'tap';
import { detectionId } from '../../alerts/detection-id.js';
import { Dispatcher, OutboxStore, outputsSchema, type Detection, type OutputInput } from '../../alerts/index.js';
import type { Teardown } from '../helpers/undo.js';
import { until } from '../helpers/until.js';
import { numbered, synFin } from '../unit/alerts/samples.js';
import {
  closes,
  freePort,
  openOutputs,
  Recorder,
  startNginx,
  type Answer,
  type Recorded,
} from './outputs-receivers.js';

type Json = Readonly<Record<string, unknown>>;
type Preset = OutputInput['type'];

const batchOf = (from: number, to: number): Detection[] =>
  Array.from({ length: to - from }, (_, i) => numbered(from + i));
const WORD = 'sesame-0123456789-open';
process.env['IDS_TEST_WORD'] = WORD;
const secret = { env: 'IDS_TEST_WORD' };

/** The least that each needs, `base` without a slash at its end. Where the URL is a secret, a variable of its own holds it. */
function outputFor(type: Preset, base: string, more: object = {}): OutputInput {
  const hook = `IDS_TEST_URL_${base.replace(/\W/g, '_')}`;
  process.env[hook] = `${base}/hook/T000/${WORD}`;
  const needs: Partial<Record<Preset, object>> = {
    splunk_hec: { url: base, token: secret },
    elasticsearch: { url: `${base}/es/`, api_key: secret },
    loki: { url: base, username: 'me', password: secret, tenant: 'lab' },
    otlp: { url: base, bearer: secret },
    cloudevents: { url: `${base}/events`, bearer: secret },
    slack: { url: { env: hook } },
    teams: { url: { env: hook } },
    pagerduty: { url: `${base}/v2/enqueue`, routing_key: secret },
  };
  return { type, ...needs[type], ...more } as OutputInput;
}

const lines = (body: string): Json[] =>
  body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Json);
const items = (request: Recorded, item: (n: number) => Json): Json => ({
  errors: true,
  items: lines(request.body)
    .filter((_, i) => i % 2 === 0)
    .map((_, n) => ({ create: item(n) })),
});
const done: Partial<Record<Preset, Answer>> = {
  elasticsearch: (response, request) => response.end(JSON.stringify(items(request, () => ({ status: 201 })))),
  otlp: (response) => response.end('{}'),
  splunk_hec: (response) => response.end('{"text":"Success","code":0}'),
  slack: (response) => response.end('ok'),
  teams: (response) => response.writeHead(202).end(),
  pagerduty: (response) => response.writeHead(202).end('{"status":"success","message":"Event processed"}'),
};

interface Expected {
  readonly url: string;
  readonly headers: object;
  /** How many records a body tells of. */
  readonly count: (body: string) => number;
}

const json = (body: string): Json => JSON.parse(body) as Json;
const basic = `Basic ${Buffer.from(`me:${WORD}`).toString('base64')}`;
const filter =
  'filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason';
const said = (blocks: unknown): number => Number(/: (\d+) record/.exec(JSON.stringify(blocks))?.[1]);

const expected: Readonly<Partial<Record<Preset, Expected>>> = {
  splunk_hec: {
    url: '/services/collector/event',
    headers: { authorization: `Splunk ${WORD}` },
    count: (body) => lines(body).length,
  },
  elasticsearch: {
    url: `/es/_bulk?${filter}`,
    headers: { authorization: `ApiKey ${WORD}`, 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' },
    count: (body) => lines(body).length / 2,
  },
  loki: {
    url: '/loki/api/v1/push',
    headers: { authorization: basic, 'x-scope-orgid': 'lab', 'content-encoding': 'gzip' },
    count: (body) =>
      (json(body)['streams'] as { values: unknown[] }[]).reduce((sum, { values }) => sum + values.length, 0),
  },
  otlp: {
    url: '/v1/logs',
    headers: { authorization: `Bearer ${WORD}`, 'content-type': 'application/json', 'content-encoding': 'gzip' },
    count: (body) =>
      (json(body)['resourceLogs'] as { scopeLogs: { logRecords: unknown[] }[] }[])[0]?.scopeLogs[0]?.logRecords
        .length ?? 0,
  },
  cloudevents: {
    url: '/events',
    headers: { authorization: `Bearer ${WORD}`, 'content-type': 'application/cloudevents-batch+json; charset=utf-8' },
    count: (body) => (JSON.parse(body) as unknown[]).length,
  },
  slack: { url: `/hook/T000/${WORD}`, headers: {}, count: (body) => said(json(body)['blocks']) },
  teams: { url: `/hook/T000/${WORD}`, headers: {}, count: (body) => said(json(body)['attachments']) },
  pagerduty: { url: '/v2/enqueue', headers: {}, count: () => 1 },
};
const presets = Object.keys(expected) as Preset[];

async function recorder(t: Teardown, answer?: Answer): Promise<Recorder> {
  const server = new Recorder(t, await freePort());
  if (answer) server.answer = answer;
  await server.start();
  return server;
}

for (const type of presets) {
  t.test(`${type} through nginx, down for a while`, async (t) => {
    const server = await recorder(t, done[type]);
    const port = await startNginx(t, t.testdir(), server.port);
    const output = outputFor(type, `http://127.0.0.1:${port}`, { batch: { records: 40 } });
    const dispatcher = await openOutputs(t, [output]);
    dispatcher.push(batchOf(0, 100));
    await until(() => dispatcher.status()[0]?.delivered === 100, {
      message: () => JSON.stringify(dispatcher.status()[0]),
    });
    await server.stop();
    dispatcher.push(batchOf(100, 130));
    await until(() => /answered 502/.test(dispatcher.status()[0]?.lastError?.message ?? ''));
    await server.start();
    await until(() => dispatcher.status()[0]?.delivered === 130);
    const { url, headers, count } = expected[type] as Expected;
    for (const request of server.requests) {
      t.equal(request.url, url);
      t.match(request.headers, { 'content-type': /json/, ...headers });
    }
    t.equal(
      server.requests.reduce((sum, { body }) => sum + count(body), 0),
      130,
    );
    t.match(dispatcher.status()[0], { dropped: 0, pending: 0 });
    t.notOk(JSON.stringify(dispatcher.status()).includes(WORD), 'no secret is shown');
    await dispatcher.close(0);
  });
}

/** Pushes a batch to a server that answers once as told and then with success; gives the status once nothing waits. */
async function meets(type: Preset, answer: Answer, more: object = {}, count = 4) {
  const server = await recorder(t, (response, request, n) =>
    n === 1 ? answer(response, request, n) : (done[type] ?? ((one) => one.writeHead(204).end()))(response, request, n),
  );
  const [config] = outputsSchema.parse([outputFor(type, `http://127.0.0.1:${server.port}`, more)]);
  const store = OutboxStore.open(path.join(t.testdir(), 'outbox.db'), { keep: 0, keepBytes: 0 });
  const output = { ...(config as NonNullable<typeof config>), retry: { initial: 10, max: 20 } };
  const dispatcher = await Dispatcher.open([output], { store });
  dispatcher.push(batchOf(0, count));
  await until(() => dispatcher.status()[0]?.pending === 0, { message: () => JSON.stringify(dispatcher.status()[0]) });
  const status = dispatcher.status()[0];
  const letters = dispatcher.output(output.name).outbox.deadLetters(100);
  await dispatcher.close(0);
  store.close();
  await server.stop();
  return { status, letters, requests: server.requests };
}

const with_ =
  (status: number, body = '', headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(status, headers).end(body);

interface Case {
  readonly type: Preset;
  readonly status: number;
  readonly body?: string;
  readonly fate: 'final' | 'retry';
  readonly error: RegExp;
}

const cases: readonly Case[] = [
  ...presets.flatMap((type): Case[] => [
    { type, status: 429, fate: 'retry', error: /answered 429/ },
    { type, status: 503, fate: 'retry', error: /answered 503/ },
    { type, status: 307, fate: 'final', error: /redirects are not followed|answered 307/ },
    { type, status: 400, body: 'what?', fate: 'final', error: /answered 400: what\?/ },
  ]),
  ...presets
    .filter((type) => type !== 'otlp')
    .flatMap((type): Case[] => [
      { type, status: 500, fate: 'retry', error: /answered 500/ },
      { type, status: 404, fate: 'retry', error: /answered 404/ },
    ]),
  ...[500, 404, 401].map((status): Case => ({ type: 'otlp', status, fate: 'final', error: /answered/ })),
  ...[502, 504].map((status): Case => ({ type: 'otlp', status, fate: 'retry', error: /answered/ })),
  ...(
    [
      [403, '{"text":"Invalid token","code":4}', 'retry', /answered 403: Invalid token \(code 4\)/],
      [401, '{"text":"Token is required","code":2}', 'retry', /Token is required/],
      [400, '{"text":"Incorrect index","code":7,"invalid-event-number":0}', 'retry', /Incorrect index \(code 7\)/],
      [400, '{"text":"Data channel is missing","code":10}', 'retry', /Data channel is missing/],
      [400, '{"text":"No data","code":5}', 'final', /No data \(code 5\)/],
      [503, '{"text":"Server is busy","code":9}', 'retry', /Server is busy/],
    ] as const
  ).map(([status, body, fate, error]): Case => ({ type: 'splunk_hec', status, body, fate, error })),
  { type: 'slack', status: 400, body: 'invalid_payload', fate: 'final', error: /invalid_payload/ },
  { type: 'slack', status: 403, body: 'action_prohibited', fate: 'retry', error: /action_prohibited/ },
  { type: 'slack', status: 410, body: 'channel_is_archived', fate: 'retry', error: /channel_is_archived/ },
  {
    ...{ type: 'loki', status: 400, fate: 'final', error: /entry out of order/ },
    body: 'entry with timestamp 2026-01-02 ignored, reason: entry out of order',
  },
  { type: 'loki', status: 401, body: 'no org id', fate: 'retry', error: /no org id/ },
  { type: 'elasticsearch', status: 413, fate: 'final', error: /answered 413/ },
  {
    type: 'elasticsearch',
    status: 401,
    body: '{"error":{"type":"security_exception"}}',
    fate: 'retry',
    error: /security_exc/,
  },
];

for (const { type, status, body, fate, error } of cases) {
  t.test(`${type}: ${status} ${body ?? ''} is ${fate}`, async (t) => {
    const met = await meets(type, with_(status, body, status === 307 ? { location: '/elsewhere' } : {}), {}, 1);
    t.match(
      met.status,
      fate === 'final' ? { dropped: 1, dead: 1, retries: 0 } : { delivered: 1, dropped: 0, retries: 1 },
    );
    t.match(met.status?.lastError?.message, error);
    t.notOk(met.status?.lastError?.message.includes(WORD));
    t.equal(met.requests.length, fate === 'final' ? 1 : 2);
    t.ok(met.status && closes(met.status));
  });
}

t.test('a receiver that takes less at once gets parts', async (t) => {
  for (const type of ['splunk_hec', 'elasticsearch', 'loki', 'otlp', 'cloudevents'] as const) {
    const { count } = expected[type] as Expected;
    const most = 7;
    const sizes: number[] = [];
    const server = await recorder(t, (response, request, n) => {
      sizes.push(count(request.body));
      if (count(request.body) > most) response.writeHead(413).end();
      else (done[type] ?? ((one) => one.writeHead(204).end()))(response, request, n);
    });
    const dispatcher = await openOutputs(t, [
      outputFor(type, `http://127.0.0.1:${server.port}`, { batch: { records: 40 } }),
    ]);
    dispatcher.push(batchOf(0, 80));
    await until(() => dispatcher.status()[0]?.delivered === 80, {
      message: () => JSON.stringify(dispatcher.status()[0]),
    });
    t.match(dispatcher.status()[0], { dropped: 0, retries: 0 }, type);
    t.same(sizes, [40, 20, 10, ...Array<number>(16).fill(5)], `${type}: what was too much is not tried again`);
    await dispatcher.close(0);
  }
});

t.test('records of the log go out too, and those that are refused are counted', async (t) => {
  const line = (n: number): string =>
    `{"timestamp":"2026-01-02T03:04:05.00000${n}+0000","event_type":"http","http":{"url":"/${n}"}}`;
  const bytes = Buffer.from([0, 1, 2, 3].map((n) => `${line(n)}\n`).join(''));
  const refusing: Answer = (response, request) =>
    response.end(JSON.stringify(items(request, (n) => ({ status: n === 1 ? 400 : 201 }))));
  const seen: Partial<Record<Preset, string[]>> = {};
  for (const type of ['splunk_hec', 'elasticsearch', 'loki', 'otlp', 'cloudevents'] as const) {
    const server = await recorder(t, type === 'elasticsearch' ? refusing : done[type]);
    const output = outputFor(type, `http://127.0.0.1:${server.port}`, { events: ['http'], format: 'eve' });
    const dispatcher = await openOutputs(t, [output]);
    dispatcher.pushLines([{ kind: 'http', count: 4, bytes }]);
    await until(() => dispatcher.status()[0]?.lines?.pending === 0);
    const failed = type === 'elasticsearch' ? 1 : 0;
    t.match(dispatcher.status()[0]?.lines, { raised: 4, delivered: 4 - failed, failed, dropped: 0 }, type);
    t.equal(server.requests.length, 1);
    seen[type] = server.requests.map(({ body }) => body);
    await dispatcher.close(0);
  }
  t.match(lines(seen.elasticsearch?.[0] ?? '')[1], {
    '@timestamp': '2026-01-02T03:04:05.000000Z',
    http: { url: '/0' },
  });
  t.match(lines(seen.splunk_hec?.[0] ?? '')[3], { time: 1767323045.000003, event: JSON.parse(line(3)) as Json });
  t.match(json(seen.loki?.[0] ?? ''), {
    streams: [{ stream: { event_type: 'http' }, values: [['1767323045000000000', line(0)]] }],
  });
});

t.test('Retry-After', async (t) => {
  for (const type of presets) {
    const { requests } = await meets(type, with_(429, '', { 'retry-after': '1' }), {}, 1);
    t.ok((requests[1]?.time ?? 0) - (requests[0]?.time ?? 0) >= 990, type);
  }
});

t.test('elasticsearch: each record has its own fate', async (t) => {
  const fates = [
    { status: 201 },
    { status: 409, error: { type: 'version_conflict_engine_exception', reason: 'document already exists' } },
    { status: 429, error: { type: 'es_rejected_execution_exception', reason: 'queue is full' } },
    {
      status: 400,
      error: {
        type: 'document_parsing_exception',
        reason: 'failed to parse field',
        caused_by: { reason: 'not an IP' },
      },
    },
    { status: 403, error: { type: 'cluster_block_exception', reason: 'index is read-only' } },
    { status: 201 },
  ];
  const answer: Answer = (response, request) => response.end(JSON.stringify(items(request, (n) => fates[n] ?? {})));
  const { status, letters, requests } = await meets('elasticsearch', answer, {}, 6);
  t.match(status, { delivered: 5, dropped: 1, dead: 1, retries: 1 });
  t.match(letters, [{ error: 'answered 400: document_parsing_exception: failed to parse field: not an IP' }]);
  t.same(letters[0]?.detection, numbered(3));
  const ids = requests.map(({ body }) =>
    lines(body).flatMap((line) => (line['create'] as { _id: string } | undefined)?._id ?? []),
  );
  t.same(ids[1], [detectionId(numbered(2)), detectionId(numbered(4))], 'only those that wait are sent again');
});

t.test('elasticsearch: answers that cannot be read are no receipt', async (t) => {
  for (const body of ['garbage', '{}', '{"errors":false,"items":[]}', '{"items":[{},{},{},{}]}', '[]']) {
    const { status } = await meets('elasticsearch', with_(200, body));
    t.match(status, { delivered: 4, dropped: 0, retries: 1 }, body);
  }
});

t.test('otlp: what is rejected is not sent again', async (t) => {
  const some = with_(200, '{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"too large"}}');
  const partly = await meets('otlp', some);
  t.match(partly.status, {
    delivered: 1,
    dropped: 3,
    dead: 0,
    retries: 0,
    lastError: { message: /rejected 3 of 4 records: too large/ },
  });
  t.equal(partly.requests.length, 1);
  const all = await meets('otlp', with_(200, '{"partialSuccess":{"rejectedLogRecords":4}}'));
  t.match(all.status, { delivered: 0, dropped: 4, dead: 4 });
  const none = await meets('otlp', with_(200, '{"partialSuccess":{"errorMessage":"a warning"}}'));
  t.match(none.status, { delivered: 4, dropped: 0, retries: 0 });
  const empty = await meets('otlp', with_(200));
  t.match(empty.status, { delivered: 4, retries: 0 });
});

t.test('loki: a push that was taken in part', async (t) => {
  const body = 'entry has timestamp too old: 2026-01-01, total ignored: 1 out of 4 for stream {job="ids"}';
  const { status } = await meets('loki', with_(400, body));
  t.match(status, { delivered: 3, dropped: 1, dead: 0, retries: 0, lastError: { message: /timestamp too old/ } });
});

t.test('pagerduty: one event that it refuses holds up no other', async (t) => {
  const body =
    '{"status":"invalid event","message":"Event object is invalid","errors":["\'payload.summary\' is missing"]}';
  const { status, requests } = await meets('pagerduty', with_(400, body));
  t.match(status, { delivered: 3, dropped: 1, dead: 1, retries: 0, lastError: { message: /payload\.summary/ } });
  t.equal(requests.length, 4);
  const key =
    '{"status":"invalid event","errors":["Length of \'routing_key\' is incorrect (should be 32 characters)"]}';
  t.match((await meets('pagerduty', with_(400, key))).status, { delivered: 4, dropped: 0, retries: 1 });
});

t.test('splunk: an event that it cannot read goes alone', async (t) => {
  const { status, letters, requests } = await meets(
    'splunk_hec',
    with_(400, '{"text":"Invalid data format","code":6,"invalid-event-number":2}'),
  );
  t.match(status, { delivered: 3, dropped: 1, dead: 1 });
  t.same(letters[0]?.detection, numbered(2));
  t.equal(lines(requests[1]?.body ?? '').length, 3);
});

/** An indexer that acknowledges: `polls` times a batch is not indexed yet. */
function indexer(
  polls: number,
  ackId: (n: number) => unknown = (n) => n,
): { answer: Answer; events: Recorded[]; asked: Recorded[] } {
  const events: Recorded[] = [];
  const asked: Recorded[] = [];
  let left = polls;
  const answer: Answer = (response, request) => {
    if (!request.url.startsWith('/services/collector/ack')) {
      events.push(request);
      response.end(JSON.stringify({ text: 'Success', code: 0, ackId: ackId(events.length) }));
      return;
    }
    asked.push(request);
    const [ack = 0] = json(request.body)['acks'] as number[];
    response.end(JSON.stringify({ acks: { [ack]: ack !== 0 && left-- <= 0 } }));
  };
  return { answer, events, asked };
}

t.test('splunk: delivered is what has been indexed', async (t) => {
  const { answer, events, asked } = indexer(2);
  const server = await recorder(t, answer);
  const output = outputFor('splunk_hec', `http://127.0.0.1:${server.port}`, { acknowledge: true });
  const dispatcher = await openOutputs(t, [output]);
  dispatcher.push(batchOf(0, 3));
  await until(() => asked.length === 2);
  t.equal(dispatcher.status()[0]?.delivered, 0, 'taken, but not indexed');
  await until(() => dispatcher.status()[0]?.delivered === 3);
  t.match([events.length, dispatcher.status()[0]?.retries], [1, 0]);
  const channel = String(events[0]?.headers['x-splunk-request-channel']);
  t.match(channel, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  for (const { url, headers, body } of asked) {
    t.equal(url, `/services/collector/ack?channel=${channel}`);
    t.match(headers, { authorization: `Splunk ${WORD}`, 'x-splunk-request-channel': channel });
    t.match(body, /^\{"acks":\[[01]\]\}$/);
  }
  await dispatcher.close(0);
});

t.test('splunk: what is never indexed is sent again', async (t) => {
  const { answer, events } = indexer(1_000_000);
  const server = await recorder(t, answer);
  const output = outputFor('splunk_hec', `http://127.0.0.1:${server.port}`, { acknowledge: true });
  const dispatcher = await openOutputs(t, [output], { acknowledge_timeout: 300 });
  dispatcher.push(batchOf(0, 3));
  await until(() => events.length === 2);
  t.match(dispatcher.status()[0], { delivered: 0, pending: 3, lastError: { message: /not indexed within 0\.3 s/ } });
  await dispatcher.close(0);
});

t.test('splunk: a token without acknowledgements gets nothing', async (t) => {
  const server = await recorder(t, with_(400, '{"text":"ACK is disabled","code":14}'));
  const output = outputFor('splunk_hec', `http://127.0.0.1:${server.port}`, { acknowledge: true });
  const dispatcher = await openOutputs(t, [output]);
  dispatcher.push(batchOf(0, 3));
  await until(() => server.requests.length === 3);
  t.ok(server.requests.every(({ url }) => url.startsWith('/services/collector/ack?')));
  t.match(dispatcher.status()[0], { dropped: 0, pending: 3, lastError: { message: /ACK is disabled \(code 14\)/ } });
  await dispatcher.close(0);
});

t.test('answers that break off, and none at all', async (t) => {
  const broken = [
    '',
    'garbage\r\n\r\n',
    'HTTP/1.1 200 OK\r\nConte',
    'HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nhalf',
  ];
  for (const type of ['splunk_hec', 'elasticsearch', 'loki', 'cloudevents', 'slack', 'teams', 'pagerduty'] as const) {
    let calls = 0;
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined).once('data', () => socket.end(broken[calls++] ?? ''));
    });
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const dispatcher = await openOutputs(t, [outputFor(type, `http://127.0.0.1:${port}`)], { timeout: 500 });
    dispatcher.push([synFin]);
    await until(() => calls > broken.length);
    t.match(dispatcher.status()[0], { delivered: 0, dropped: 0, pending: 1 }, type);
    await dispatcher.close(0);
    sockets.forEach((socket) => socket.destroy());
    server.close();
  }
  // Half an answer whose body is needed is no receipt either.
  const half = await meets('otlp', (response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"partial');
    setTimeout(() => response.destroy(), 20);
  });
  t.match(half.status, { delivered: 4, retries: 1 });
});

t.test('a URL that is a secret', async (t) => {
  const file = path.join(t.testdir(), 'url');
  const server = await recorder(t);
  writeFileSync(file, `http://127.0.0.1:${server.port}/services/T0/B0/${WORD}\n`);
  const dispatcher = await openOutputs(t, [{ type: 'slack', url: { file } }]);
  t.equal(dispatcher.status()[0]?.target, `http://127.0.0.1:${server.port}/...`);
  server.answer = (response, { url }) => response.writeHead(404).end(`no_service at ${url}`);
  dispatcher.push([synFin]);
  const { message } = await until(() => dispatcher.status()[0]?.lastError);
  t.match(message, /answered 404: no_service at \*\*\*/);
  const other = await recorder(t);
  writeFileSync(file, `http://127.0.0.1:${other.port}/new/${WORD}\n`);
  await dispatcher.reopen();
  await until(() => dispatcher.status()[0]?.delivered === 1);
  t.equal(other.requests[0]?.url, `/new/${WORD}`);
  writeFileSync(file, 'hooks.slack.example/no-scheme\n');
  await dispatcher.reopen();
  t.match(
    dispatcher.status()[0]?.lastError?.message,
    /there is no http:\/\/ or https:\/\/ URL in .*url: put one there/,
  );
  await dispatcher.close(0);
});
