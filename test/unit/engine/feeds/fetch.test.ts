// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { download, type FetchConfig, type Validators } from '../../../../engine/feeds/fetch.js';
import { openServer } from './server.js';

const signal = new AbortController().signal;
const base: FetchConfig = { timeout: 5, max_bytes: 1 << 20, headers: {}, url: undefined, file: undefined };
const fetch = (config: Partial<FetchConfig>, known: Validators = {}) => download({ ...base, ...config }, known, signal);

void t.test('content with what it is called, then unchanged', async (t) => {
  const server = await openServer((request, response) => {
    if (request.headers['if-none-match'] === '"1"') response.writeHead(304).end();
    else response.writeHead(200, { etag: '"1"', 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' }).end('192.0.2.7\n');
  });
  t.teardown(() => server.close());
  const first = await fetch({ url: `${server.url}/list` });
  t.match(first, {
    kind: 'content',
    encoded: false,
    validators: { etag: '"1"', lastModified: 'Thu, 01 Jan 2026 00:00:00 GMT' },
  });
  t.equal(first.kind === 'content' && Buffer.from(first.bytes).toString(), '192.0.2.7\n');
  t.same(await fetch({ url: server.url }, { etag: '"1"' }), { kind: 'unchanged' });
  t.equal(server.requests[0]?.headers['accept-encoding'], 'gzip');
});

void t.test('failures have one line each', async (t) => {
  const gz = gzipSync('192.0.2.7\n'.repeat(1000));
  const server = await openServer((request, response) => {
    switch (request.url) {
      case '/404?key=secret':
        return void response.writeHead(404).end('<html>');
      case '/304':
        return void response.writeHead(304).end();
      case '/loop':
        return void response.writeHead(302, { location: '/loop' }).end();
      case '/scheme':
        return void response.writeHead(302, { location: 'file:///etc/shadow' }).end();
      case '/cut':
        response.writeHead(200, { 'content-length': '1000' });
        response.write('192.0.2.7\n');
        return void setTimeout(() => response.destroy(), 20);
      case '/chunked-cut':
        response.writeHead(200);
        response.write('192.0.2.7\n');
        return void setTimeout(() => response.destroy(), 20);
      case '/large':
        return void response.writeHead(200).end('192.0.2.7\n'.repeat(10_000));
      case '/said-large':
        return void response.writeHead(200, { 'content-length': '99999' }).end();
      case '/brotli':
        return void response.writeHead(200, { 'content-encoding': 'br' }).end('x');
      case '/gz':
        return void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gz);
      case '/silent':
        return;
      default:
        response.writeHead(200);
        response.write('1');
        // Never ends: slower than any limit.
        return;
    }
  });
  t.teardown(() => server.close());
  const cases: [string, RegExp, Partial<FetchConfig>?][] = [
    ['/404?key=secret', /\/404 answers 404$/],
    ['/304', /answers 304/],
    ['/loop', /redirects more than 5 times/],
    ['/scheme', /redirects to no http URL/],
    ['/cut', /broke off after 10 bytes/],
    ['/chunked-cut', /broke off after 10 bytes/],
    ['/large', /more than max_bytes \(50000\)/, { max_bytes: 50_000 }],
    ['/said-large', /more than max_bytes \(50000\)/, { max_bytes: 50_000 }],
    ['/brotli', /sends br/],
    ['/silent', /took longer than 0.2 s/, { timeout: 0.2 }],
    ['/slow', /took longer than 0.2 s/, { timeout: 0.2 }],
  ];
  for (const [path, message, config] of cases) {
    await t.rejects(fetch({ url: `${server.url}${path}`, ...config }), { code: 'FEED_FAILED', message }, path);
  }
  t.match(await fetch({ url: `${server.url}/gz` }), { kind: 'content', encoded: true });
  await t.rejects(fetch({ url: 'http://127.0.0.1:1/' }), { code: 'FEED_FAILED', message: /ECONNREFUSED/ });
});

void t.test('redirects are followed; secrets stay with the server that they are for', async (t) => {
  const other = await openServer((_request, response) => void response.writeHead(200).end('192.0.2.9\n'));
  const server = await openServer((request, response) => {
    if (request.url === '/a') response.writeHead(301, { location: '/b' }).end();
    else response.writeHead(307, { location: `${other.url}/c` }).end();
  });
  t.teardown(async () => {
    await server.close();
    await other.close();
  });
  const file = join(t.testdir({}), 'token');
  writeFileSync(file, 'Bearer abc\n');
  process.env['IDS_TEST_KEY'] = 'k';
  const headers = { Authorization: { file }, 'X-Key': { env: 'IDS_TEST_KEY' }, 'X-Plain': 'p' };
  t.match(await fetch({ url: `${server.url}/a`, headers }), { kind: 'content' });
  for (const request of server.requests) {
    t.match(request.headers, { authorization: 'Bearer abc', 'x-key': 'k', 'x-plain': 'p' });
  }
  t.equal(server.requests.length, 2);
  t.equal(other.requests[0]?.headers['authorization'], undefined);
  t.equal(other.requests[0]?.headers['x-key'], undefined);
  await t.rejects(fetch({ url: server.url, headers: { A: { env: 'IDS_TEST_NONE' } } }), {
    message: /IDS_TEST_NONE is not in/,
  });
  await t.rejects(fetch({ url: server.url, headers: { A: { file: `${file}x` } } }), {
    message: /header A: cannot read/,
  });
});

void t.test('files', async (t) => {
  const file = join(t.testdir({ list: '192.0.2.7\n' }), 'list');
  const first = await fetch({ file });
  if (first.kind !== 'content') throw new Error('no content');
  t.same(await fetch({ file }, first.validators), { kind: 'unchanged' });
  writeFileSync(file, '192.0.2.8\n192.0.2.9\n');
  t.match(await fetch({ file }, first.validators), { kind: 'content' });
  await t.rejects(fetch({ file: `${file}.none` }), { code: 'FEED_FAILED', message: /cannot read .*ENOENT/ });
  await t.rejects(fetch({ file, max_bytes: 3 }), { code: 'FEED_FAILED', message: /more than max_bytes/ });
});

void t.test('an end of the daemon ends a download', async (t) => {
  const server = await openServer(() => undefined);
  t.teardown(() => server.close());
  const ending = new AbortController();
  const running = download({ ...base, url: server.url }, {}, ending.signal);
  setTimeout(() => ending.abort(), 30);
  await t.rejects(running, { code: 'FEED_FAILED', message: 'the daemon ends' });
});
