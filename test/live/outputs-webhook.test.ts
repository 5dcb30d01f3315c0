// SPDX-License-Identifier: Apache-2.0
// Webhooks against nginx in front of a server that records, and against servers that behave badly.
import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import path from 'node:path';
import t from 'tap';
import { eveLine, type Detection } from '../../alerts/index.js';
import { run } from '../helpers/run.js';
import type { Teardown } from '../helpers/undo.js';
import { until } from '../helpers/until.js';
import { blocked6, numbered, numberOf } from '../unit/alerts/samples.js';
import { closes, freePort, openOutputs, Recorder, startNginx, type Recorded } from './outputs-receivers.js';

const batchOf = (from: number, to: number): Detection[] =>
  Array.from({ length: to - from }, (_, i) => numbered(from + i));
const count = (n: number): number[] => [...Array(n).keys()];
const KEY = Buffer.from('0123456789abcdef0123456789abcdef');

async function recorder(t: Teardown): Promise<Recorder> {
  const server = new Recorder(t, await freePort());
  await server.start();
  return server;
}

/** The signature by another hand: openssl. */
async function expected({ headers, body }: Recorded): Promise<string> {
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  const args = ['dgst', '-sha256', '-mac', 'HMAC', '-macopt', `hexkey:${KEY.toString('hex')}`];
  const { stdout } = await run('openssl', args, { input: signed });
  return `v1,${Buffer.from(/= ([0-9a-f]{64})/.exec(stdout)?.[1] ?? '', 'hex').toString('base64')}`;
}

t.test('signed batches through nginx, and nginx without its upstream', async (t) => {
  const dir = t.testdir();
  const server = await recorder(t);
  const port = await startNginx(t, dir, server.port);
  const file = path.join(dir, 'key');
  writeFileSync(file, `whsec_${KEY.toString('base64')}\n`);
  process.env['IDS_TEST_BEARER'] = 'a-token';
  const dispatcher = await openOutputs(t, [
    {
      type: 'webhook',
      url: `http://127.0.0.1:${port}/ids?x=1`,
      secret: { file },
      bearer: { env: 'IDS_TEST_BEARER' },
      headers: { 'x-site': 'lab' },
      batch: { records: 40 },
    },
  ]);
  dispatcher.push(batchOf(0, 300));
  await until(() => dispatcher.status()[0]?.delivered === 300);
  t.strictSame(server.records().map(numberOf), count(300));
  t.strictSame(server.records()[0], JSON.parse(eveLine(numbered(0))));
  for (const recorded of server.requests) {
    t.equal(recorded.headers['webhook-signature'], await expected(recorded));
    t.match(recorded.headers, {
      'content-type': 'application/json',
      authorization: 'Bearer a-token',
      'x-site': 'lab',
    });
    t.ok(Math.abs(Date.now() / 1000 - Number(recorded.headers['webhook-timestamp'])) < 60);
  }
  t.equal(new Set(server.requests.map((recorded) => recorded.headers['webhook-id'])).size, server.requests.length);

  await server.stop();
  dispatcher.push(batchOf(300, 400));
  const error = await until(() => dispatcher.status()[0]?.lastError);
  t.match(error.message, /answered 502/);
  t.notMatch(error.message, /x=1|a-token/);
  await server.start();
  await until(() => dispatcher.status()[0]?.delivered === 400);
  t.strictSame(server.records().map(numberOf), count(400));
  await dispatcher.close(100);
});

t.test('one record a request', async (t) => {
  const server = await recorder(t);
  const url = `http://127.0.0.1:${server.port}/`;
  const dispatcher = await openOutputs(t, [{ type: 'webhook', url, batch: { records: 1 } }]);
  dispatcher.push(batchOf(0, 20));
  await until(() => dispatcher.status()[0]?.delivered === 20);
  t.strictSame(
    server.requests.map((recorded) => recorded.body),
    batchOf(0, 20).map(eveLine),
  );
  t.notOk('webhook-signature' in (server.requests[0]?.headers ?? {}), 'unsigned without a secret');
  await dispatcher.close(100);
});

const passing = [408, 425, 429, 500, 502, 503, 504];
const final = [400, 401, 403, 404, 410, 413, 422, 301, 302, 307];

t.test('answers that pass are tried again under the same id', async (t) => {
  const server = await recorder(t);
  server.answer = (response, _request, n) => response.writeHead(passing[n - 1] ?? 202).end('answer');
  const dispatcher = await openOutputs(t, [{ type: 'webhook', url: `http://127.0.0.1:${server.port}/` }]);
  dispatcher.push(batchOf(0, 10));
  await until(() => dispatcher.status()[0]?.delivered === 10);
  t.equal(server.requests.length, passing.length + 1);
  t.equal(new Set(server.requests.map((recorded) => recorded.headers['webhook-id'])).size, 1);
  t.match(dispatcher.status()[0], { retries: passing.length, dropped: 0 });
  await dispatcher.close(100);
});

t.test('answers that stay are counted, and redirects are not followed', async (t) => {
  const server = await recorder(t);
  server.answer = (response, _request, n) =>
    response.writeHead(final[n - 1] ?? 200, { location: `http://127.0.0.1:${server.port}/elsewhere` }).end();
  const url = `http://127.0.0.1:${server.port}/`;
  const dispatcher = await openOutputs(t, [{ type: 'webhook', url, batch: { records: 5 } }]);
  dispatcher.push(batchOf(0, 5 * (final.length + 1)));
  await until(() => dispatcher.status()[0]?.delivered === 5);
  t.match(dispatcher.status()[0], { dropped: 5 * final.length, retries: 0, pending: 0 });
  t.equal(server.requests.length, final.length + 1);
  t.match(
    dispatcher.status()[0]?.lastError?.message,
    /answered 307; redirects are not followed: configure the final URL/,
  );
  await dispatcher.close(100);
});

t.test('429 with Retry-After waits as long as it is told', async (t) => {
  const server = await recorder(t);
  server.answer = (response, _request, n) =>
    n === 1 ? response.writeHead(429, { 'retry-after': '1' }).end() : response.writeHead(200).end();
  const dispatcher = await openOutputs(t, [{ type: 'webhook', url: `http://127.0.0.1:${server.port}/` }]);
  dispatcher.push(batchOf(0, 3));
  await until(() => dispatcher.status()[0]?.delivered === 3);
  const [first, second] = server.requests;
  t.ok((second?.time ?? 0) - (first?.time ?? 0) >= 990);
  await dispatcher.close(100);
});

t.test('a server that never answers runs into the timeout, and the records arrive later', async (t) => {
  const server = await recorder(t);
  // The first says nothing, the second drips.
  server.answer = (response, _request, n) => {
    if (n > 2) response.writeHead(200).end();
    const drip = (): void => void (response.destroyed || response.socket?.write('x', () => setTimeout(drip, 20)));
    if (n === 2) response.socket?.write('HTTP/1.1 200 OK\r\nX-Drip: ', drip);
  };
  const url = `http://127.0.0.1:${server.port}/`;
  const dispatcher = await openOutputs(t, [{ type: 'webhook', url }], { timeout: 200 });
  dispatcher.push(batchOf(0, 3));
  await until(() => dispatcher.status()[0]?.delivered === 3);
  t.match(dispatcher.status()[0], { retries: 2, lastError: { message: /timeout/i } });
  await dispatcher.close(100);
});

t.test('a receiver that is too slow for a whole batch gets less at once', async (t) => {
  const server = await recorder(t);
  const MS_A_RECORD = 4;
  const sizes: number[] = [];
  server.answer = (response, { body }) => {
    const { length } = JSON.parse(body) as unknown[];
    setTimeout(() => {
      if (!response.destroyed) sizes.push(length);
      response.writeHead(200).end();
    }, length * MS_A_RECORD);
  };
  const url = `http://127.0.0.1:${server.port}/`;
  const dispatcher = await openOutputs(t, [{ type: 'webhook', url }], { timeout: 200 });
  dispatcher.push(batchOf(0, 200));
  await until(() => dispatcher.status()[0]?.delivered === 200, { deadline: 30_000 });
  // An answer that comes as the time is up is a receipt on one side alone.
  t.ok(sizes.reduce((sum, size) => sum + size, 0) >= 200, 'all of them');
  t.ok(Math.max(...sizes) < 100);
  t.match(dispatcher.status()[0], {
    dropped: 0,
    pending: 0,
    lastError: { message: /timeout: no answer within 0\.2 s/ },
  });
  const ids = server.requests.map(({ headers, body }) => [headers['webhook-id'], body] as const);
  t.equal(new Set(ids.map(([id]) => id)).size, new Set(ids.map(([, body]) => body)).size, 'an id for each body');
  await dispatcher.close(100);
});

t.test('broken and nonsensical answers', async (t) => {
  const answers = [
    'HTTP/1.1 200 OK\r\nConte',
    '',
    'garbage\r\n\r\n',
    'HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\nhalf',
    // The verdict was there: only the body is not.
    'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf',
  ];
  let calls = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('data', () => socket.end(answers[calls++] ?? ''));
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.teardown(() => {
    sockets.forEach((socket) => socket.destroy());
    server.close();
  });
  const dispatcher = await openOutputs(t, [{ type: 'webhook', url: `http://127.0.0.1:${port}/` }]);
  dispatcher.push(batchOf(0, 3));
  await until(() => dispatcher.status()[0]?.delivered === 3);
  t.equal(calls, answers.length);
  t.match(dispatcher.status()[0], { retries: 4, dropped: 0 });
  await dispatcher.close(100);
});

t.test('an endless answer does not hold the output', async (t) => {
  const server = await recorder(t);
  server.answer = (response) => {
    response.writeHead(200);
    const more = (): void => void (response.destroyed || response.write('x'.repeat(65_536), more));
    more();
  };
  const url = `http://127.0.0.1:${server.port}/`;
  const dispatcher = await openOutputs(t, [{ type: 'webhook', url, batch: { records: 1 } }]);
  dispatcher.push(batchOf(0, 5));
  await until(() => dispatcher.status()[0]?.delivered === 5);
  t.equal(server.requests.length, 5);
  await dispatcher.close(100);
});

t.test('a record that the template cannot put into JSON holds up no other', async (t) => {
  const server = await recorder(t);
  const dispatcher = await openOutputs(t, [
    {
      type: 'webhook',
      url: `http://127.0.0.1:${server.port}/`,
      template:
        '[{% for r in records %}{"s": {{ r.alert.severity }}}{% unless forloop.last %},{% endunless %}{% endfor %}]',
    },
  ]);
  // A drop without a rule has no alert.
  dispatcher.push([numbered(0), { ...blocked6 }, numbered(1)]);
  await until(() => dispatcher.status()[0]?.pending === 0);
  t.match(dispatcher.status()[0], {
    delivered: 2,
    dropped: 1,
    lastError: { message: /^template 1:1: renders no JSON: .*write values as \{\{ value \| json \}\}$/ },
  });
  t.same(server.records(), [{ s: 2 }, { s: 2 }]);
  await dispatcher.close(100);
});

t.test('a dead receiver beside a live one', async (t) => {
  const server = await recorder(t);
  const dead = `http://127.0.0.1:${await freePort()}/`;
  const dispatcher = await openOutputs(t, [
    { type: 'webhook', name: 'dead', url: dead, queue: { records: 100 } },
    { type: 'webhook', name: 'live', url: `http://127.0.0.1:${server.port}/` },
  ]);
  dispatcher.push(batchOf(0, 1000));
  await until(() => dispatcher.status()[1]?.delivered === 1000);
  t.strictSame(server.records().map(numberOf), count(1000));
  t.match(dispatcher.status()[0], { delivered: 0, pending: 100, dropped: 900 });
  await dispatcher.close(100);
  t.ok(dispatcher.status().every(closes));
});
