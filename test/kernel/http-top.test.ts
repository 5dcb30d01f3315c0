// SPDX-License-Identifier: Apache-2.0
// Aggregates of HTTP without events: what was asked for how often, how it was answered, and that no secret is among it.

import t from 'tap';
import { L7Setting, TopKind } from '../../common/abi.gen.js';
import { headerNumber } from '../../engine/layer7/selection.js';
import { readTop, topKinds, topRows } from '../../engine/layer7/top.js';
import type { TopBy, TopRow } from '../../engine/api/layer7-api.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { HttpBench } from './support/http-bench.js';
import { setLayer7 } from './support/layer7-rig.js';

const templates: Readonly<Record<string, string>> = {
  '/': '/',
  '/shop/items': '/shop/items',
  '/shop/items?page=2&token=S3cret': '/shop/items',
  '/shop/items;jsessionid=S3cret': '/shop/items',
  '/users/12345/orders/7': '/users/#/orders/#',
  '/users/1': '/users/#',
  '/api/v2/users/31': '/api/v2/users/#',
  '/api/V12/x3v4': '/api/V12/x#v#',
  '/o/550e8400-e29b-41d4-a716-446655440000/x': '/o/#/x',
  '/o/550e8400-e29b-41d4-a716-446655440000': '/o/#',
  '/blob/DEADBEEF01': '/blob/#',
  '/deadbeefdeadbeef/facade': '/deadbeefdeadbeef/facade',
  '/report-2024-01-15.pdf': '/report#.pdf',
  '/a1b2c3/x': '/a#b#c#/x',
  '/1': '/#',
  '/%41%42': '/%#%#',
};

t.test('aggregates', { skip: whyUnprivileged() ?? false }, async (t) => {
  const bench = new HttpBench(t);
  const L7_AGGREGATE = L7Setting.L7_AGGREGATE | L7Setting.L7_RESPONSES;
  const rows = (by: TopBy, header = '', limit = 100): TopRow[] => {
    const tables = readTop((name) => bench.rig.kernel.map(name), 0);
    return topRows(tables, topKinds[by], headerNumber(header), limit);
  };
  const counts = (by: TopBy, header?: string): Record<string, number> =>
    Object.fromEntries(rows(by, header).map(({ value, requests }) => [value, requests]));

  await t.test('nothing is counted while nobody wants it', async (t) => {
    bench.select('off');
    t.strictSame(bench.one('/off'), []);
    for (const by of ['path', 'host', 'method', 'status'] as const) t.strictSame(rows(by), []);
  });

  await t.test('requests alone, where nobody reads responses', async (t) => {
    bench.select('off', L7Setting.L7_AGGREGATE);
    bench.one('/alone');
    bench.one('/alone');
    t.match(rows('path'), [{ value: '/alone', requests: 2, responses: 0, latencyP50Us: undefined }]);
    t.strictSame(rows('status'), []);
  });

  bench.select('off', L7_AGGREGATE);
  await t.test('paths by what they have in common', async (t) => {
    const wanted: Record<string, number> = { '/alone': 2 };
    for (const [path, template] of Object.entries(templates)) {
      t.strictSame(bench.one(path), [], 'no event');
      wanted[template] = (wanted[template] ?? 0) + 1;
    }
    const long = `/${'x'.repeat(300)}/9`;
    bench.one(long);
    wanted[long.slice(0, 124)] = 1;
    const digits = `/${'1'.repeat(300)}`;
    bench.one(digits);
    wanted['/#'] = (wanted['/#'] ?? 0) + 1;
    t.same(counts('path'), wanted);
  });

  await t.test('hosts, methods, agents, and how they were answered', async (t) => {
    for (const [n, status] of [200, 404, 404, 503, 302].entries()) {
      bench.one('/kinds', { host: n % 2 === 0 ? 'B.example' : 'b.EXAMPLE:81', method: 'PATCH', status, ms: 2 ** n });
    }
    t.equal(counts('method')['PATCH'], 5);
    t.match(
      rows('host').find(({ value }) => value === 'b.example'),
      {
        requests: 5,
        responses: 5,
        status: { '2xx': 1, '3xx': 1, '4xx': 2, '5xx': 1 },
        latencyMeanUs: 6200,
        latencyP50Us: 4095,
        latencyP99Us: 16_383,
      },
    );
    t.match(
      rows('path').find(({ value }) => value === '/kinds'),
      { requests: 5, status: { '4xx': 2 } },
    );
    t.match(
      rows('status').find(({ value }) => value === '404'),
      { requests: 2, responses: 2, latencyP50Us: 2047 },
    );
    const talk = bench.talk();
    const get = (agent: string): string => `GET /p HTTP/1.1\r\nUser-Agent: ${agent}\r\nHost: h\r\n\r\n`;
    talk.asks(get('curl/8') + get('wget/1') + get('curl/8'));
    t.match(counts('user_agent'), { 'curl/8': 2, 'wget/1': 1 });
    for (const status of [100, 200, 100, 500, 200]) talk.answers(status, status === 100 ? '' : undefined);
    const paths = rows('path').find(({ value }) => value === '/p');
    t.match(paths, { requests: 3, responses: 3, status: { '2xx': 2, '5xx': 1 } }, 'interim responses are none');
  });

  await t.test('values of headers that are kept, and no secret', async (t) => {
    const secret = 'S3cretValue';
    bench.select({ headers: ['X-Api_Version', 'Authorization', 'X-Url', 'X-Api-Key'] }, L7_AGGREGATE);
    const talk = bench.talk();
    for (const version of ['1', '2', '2']) {
      const text =
        `GET /s?password=${secret} HTTP/1.1\r\nHost: h\r\nX-API-version:  ${version} \r\nCookie: a=${secret}\r\n` +
        `Authorization: Bearer ${secret}\r\nX-Other: ${secret}\r\nX-Url: /u?a=1&token=${secret}&b=2\r\n` +
        `X-Api-Key:${secret}${version}\r\n\r\n`;
      talk.asks(text);
    }
    t.same(counts('header', 'x-api-version'), { 1: 1, 2: 2 });
    t.same(counts('header', 'x-url'), { '/u?a=1&token=': 3 }, 'up to what is masked');
    const hashes = rows('header', 'authorization');
    t.match(hashes, [{ value: /^masked [0-9a-f]{16}$/, requests: 3 }]);
    t.same(
      rows('header', 'X-Api-Key').map(({ requests }) => requests),
      [2, 1],
      'equal values are known to be equal',
    );
    t.same(counts('header', 'X-Other'), {}, 'it is not kept');
    const { values } = readTop((name) => bench.rig.kernel.map(name), 0);
    t.notOk(Buffer.from(values).includes('S3cret'));
  });

  await t.test('more values than there is room for: those that are met often stay', async (t) => {
    bench.select('off', L7_AGGREGATE);
    const talk = bench.talk();
    for (let n = 0; n < 3; n++) bench.one('/often');
    const displaced = bench.count('TOP_DISPLACED', () => {
      for (let n = 0; n < 12_000; n += 4) {
        const names = [0, 1, 2, 3].map((i) =>
          (n + i).toString(26).replaceAll(/\d/g, (digit) => 'qrstuvwxyz'[+digit] ?? ''),
        );
        talk.asks(names.map((name) => `GET /${name} HTTP/1.1\r\nHost: ${name}\r\n\r\n`).join(''));
        for (let i = 0; i < 4; i++) talk.answers(200);
      }
    });
    t.ok(displaced > 12_000, `${displaced} gave way`);
    t.match(counts('path'), { '/often': 3 });
    t.ok(rows('host', '', 100_000).length + rows('path', '', 100_000).length <= 8192);
  });

  await t.test('anew', async (t) => {
    setLayer7(bench.rig, L7Setting.L7_HTTP | L7_AGGREGATE, { epoch: 1 });
    bench.one('/often');
    const tables = readTop((name) => bench.rig.kernel.map(name), 1);
    t.match(topRows(tables, TopKind.TOP_PATH, 0, 100), [{ value: '/often', requests: 1, status: { '2xx': 1 } }]);
  });
});
