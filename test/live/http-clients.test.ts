// SPDX-License-Identifier: Apache-2.0
// Real clients and a real server: every request and its answer is logged exactly once, as the server's own log has it.
//   IDS_HTTP_REQUESTS=100000 for as many at once instead of 2,000.
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { inNetns, privileged, twoHosts, until, type Host } from '../helpers/privileged.js';
import type { TopRow } from '../../engine/api/layer7-api.js';
import { lines, TestDaemon } from './support/daemon.js';
import { nginx, type Served } from './support/nginx.js';
import { fileURLToPath } from 'node:url';

const REQUESTS = Number(process.env['IDS_HTTP_REQUESTS'] ?? 2000);
const CONCURRENCY = 64;

interface HttpRecord {
  readonly event_type: string;
  readonly src_port: number;
  readonly http: {
    readonly hostname?: string;
    readonly url?: string;
    readonly http_user_agent?: string;
    readonly http_method?: string;
    readonly status?: number;
  };
}

/** A request in one line, from either log. */
const ofServed = ({ method, uri, host, agent, status, port }: Served): string =>
  [port, method, uri, host.replace(/:\d+$/, ''), agent, status].join(' ');
const ofRecord = ({ src_port: port, http }: HttpRecord): string =>
  [port, http.http_method, http.url, http.hostname, http.http_user_agent ?? '', http.status].join(' ');

const python = `
import http.client, sys
for host in sys.argv[1:]:
    c = http.client.HTTPConnection(host, 80, timeout=10)
    for n in range(5):
        c.request('GET', f'/python/{n}', headers={'User-Agent': 'python/1', 'X-Long': 'y' * 3000})
        c.getresponse().read()
    c.request('POST', '/upload/python', body=(b'z' * 1000 for _ in range(20)), headers={'User-Agent': 'python/1'}, encode_chunked=True)
    c.getresponse().read()
    c.request('HEAD', '/large/python', headers={'User-Agent': 'python/1'})
    c.getresponse().read()
    c.request('PUT', '/upload/python', body='x' * 100000, headers={'User-Agent': 'python/1'})
    c.getresponse().read()
    c.close()
`;

/** What the clients are told to do, with a server's address in brackets if it needs them. */
const commands = (host: string, plain: string): [string, ...string[]][] => {
  const at = (path: string): string => `http://${host}/${path}`;
  return [
    [
      'curl',
      '-sS',
      at('curl/1'),
      at('curl/2?a=b%20c'),
      at('204/x'),
      at('304/x'),
      at('404/x'),
      at('moved/x'),
      at('curl/last'),
    ],
    ['curl', '-sS', '-I', at('large/head'), at('curl/head'), '-w', ''],
    ['curl', '-sS', '-o', '/dev/null', at('large/one'), '-o', '/dev/null', at('curl/behind')],
    ['curl', '-sS', '--compressed', at('chunked/1'), at('chunked/2'), at('curl/behind-chunks')],
    ['curl', '-sS', '-d', 'a=1', at('upload/small'), '--next', '-sS', at('curl/behind-post')],
    [
      'curl',
      '-sS',
      '-H',
      'Expect: 100-continue',
      '--data-binary',
      '@/bin/true',
      at('upload/continue'),
      at('upload/again'),
    ],
    [
      'curl',
      '-sS',
      '-H',
      'Transfer-Encoding: chunked',
      '--data-binary',
      '@/bin/true',
      at('upload/chunks'),
      at('upload/c2'),
    ],
    ['curl', '-sS', '--http1.0', at('curl/http10')],
    ['curl', '-sS', '-A', 'x'.repeat(8000), '-H', `X-Big: ${'y'.repeat(6000)}`, at('curl/long')],
    ['wget', '-q', '-O', '/dev/null', at('wget/1'), at('wget/2'), at('large/wget')],
    ['python3', '-c', python, plain],
  ];
};

async function ask(from: Host, server: Host): Promise<void> {
  for (const [host, plain] of [
    [server.ipv4, server.ipv4],
    [`[${server.ipv6}]`, server.ipv6],
  ] as const) {
    for (const [command, ...args] of commands(host, plain)) {
      await inNetns(from.netns, command, args, { status: 'any', deadline: 30_000 });
    }
  }
}

if (privileged(t)) {
  t.test('every request once', { timeout: 60_000 + REQUESTS * 10 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    const web = await nginx(t, victim);
    const daemon = TestDaemon.prepare(t, victim);
    const log = join(daemon.folder, 'http.json');
    daemon.configure({
      rules: '',
      config: { outputs: [{ type: 'file', path: log, events: ['http'], queue: { log_bytes: 1 << 28 } }] },
    });
    await daemon.run();
    const records = (): HttpRecord[] =>
      lines(log)
        .map((line) => JSON.parse(line) as HttpRecord)
        .filter(({ event_type: type }) => type === 'http');
    const compare = async (t: Test): Promise<void> => {
      const served = web.served().map(ofServed).sort();
      await until(() => records().length >= served.length, {
        deadline: 30_000,
        interval: 200,
        message: () => `${served.length} records, there are ${records().length}`,
      }).catch(() => undefined);
      const logged = records().map(ofRecord).sort();
      const missing = served.filter((line) => !logged.includes(line)).slice(0, 20);
      t.same(missing, [], 'nothing is missing');
      t.equal(logged.length, served.length, 'and nothing is twice');
    };
    await t.test('curl, wget and Python', async (t) => {
      await ask(attacker, victim);
      t.ok(web.served().length > 60, `${web.served().length} requests`);
      await compare(t);
    });
    await t.test(`${REQUESTS} requests, ${CONCURRENCY} at once`, async (t) => {
      const program = fileURLToPath(new URL('support/http-load.js', import.meta.url));
      const words = [program, victim.ipv4, '80', String(REQUESTS), String(CONCURRENCY)];
      const { stdout } = await inNetns(attacker.netns, process.execPath, words, { deadline: 30_000 + REQUESTS * 5 });
      t.same(JSON.parse(stdout), { requests: REQUESTS, failed: 0 });
      const lost = (await daemon.status()).accounts.map(({ stage, lost }) => [stage, lost]).filter(([, n]) => n !== 0);
      t.same(lost, [], 'nothing is lost');
      const served = new Set(web.served().map(ofServed));
      await until(() => records().length >= served.size, {
        deadline: 60_000,
        interval: 500,
        message: 'all records',
      }).catch(() => undefined);
      const logged = records().map(ofRecord);
      t.equal(logged.length, served.size, 'as many records as requests');
      t.equal(new Set(logged).size, served.size, 'none is twice');
      t.same(logged.filter((line) => !served.has(line)).slice(0, 10), [], 'each as the server has it');
    });
    await t.test('the kernel selects as it is told, at once', async (t) => {
      const before = records().length;
      const { stats } = await daemon.status();
      const words = ['--path', '/m', '--status', '300-399', '--header', 'X-Request-ID'];
      t.equal((await daemon.cli('log', 'http', ...words)).status, 0);
      const paths = ['moved/1', 'curl/1', 'moved/2', 'more', '404/x'];
      const urls = paths.map((path) => `http://${victim.ipv4}/${path}`);
      await inNetns(attacker.netns, 'curl', ['-s', '-H', 'X-Request-ID: 7', '-H', 'X-Other: 8', ...urls]);
      await until(() => records().length >= before + 2, { message: 'two records' });
      t.match(
        records().slice(before),
        [1, 2].map((n) => ({
          http: { url: `/moved/${n}`, status: 302, redirect: /there/, request_headers: [{ name: 'X-Request-ID' }] },
        })),
      );
      const after = (await daemon.status()).stats;
      const added = (name: string): number => (after[name] ?? 0) - (stats[name] ?? 0);
      t.same(['http', 'bulk', 'http_held', 'log_left_out'].map(added), [5, 4, 3, 3], 'the rest stayed in the kernel');
      const top = async (...by: string[]): Promise<TopRow[]> => daemon.ids<TopRow[]>('top', 'http', ...by);
      const templates = await top('--by', 'path', '-n', '1000');
      const moved = templates.find(({ value }) => value === '/moved/#');
      t.match(moved, { requests: 2, responses: 2, status: { '3xx': 2 }, latencyP50Us: Number });
      t.match(await top('--by', 'header:x-request-id'), [{ value: '7', requests: 5 }]);
      t.equal((await top('--by', 'method')).at(0)?.value, 'GET');
      t.match(JSON.parse((await daemon.cli('top', 'http', '--reset', '--json')).stdout), { reset: true });
      t.same(await top('--by', 'path'), []);
      t.equal((await daemon.cli('log', 'http', 'default')).status, 0);
    });
  });
}
