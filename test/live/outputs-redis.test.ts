// SPDX-License-Identifier: Apache-2.0
// Redis streams, in a real redis-server.
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import t from 'tap';
import { run } from '../helpers/run.js';
import { until } from '../helpers/until.js';
import { numbered, numberOf } from '../unit/alerts/samples.js';
import { closes, freePort, openOutputs } from './outputs-receivers.js';
import { redisServer } from './support/brokers.js';
import { Authority } from './support/certificates.js';

const count = (n: number): number[] => [...Array(n).keys()];

/** Field `record` of all entries, and their ids. */
async function entries(port: number, ...more: string[]): Promise<{ ids: string[]; numbers: number[] }> {
  const { stdout } = await run('redis-cli', ['-p', String(port), ...more, '--json', 'XRANGE', 'ids', '-', '+']);
  const rows = (JSON.parse(stdout) as [string, string[]][]).map(([, fields]) => fields);
  return { ids: rows.map(([, id = '']) => id), numbers: rows.map((fields) => numberOf(JSON.parse(fields[5] ?? ''))) };
}

t.test('all arrive in order, over a restart of the server', async (t) => {
  const server = redisServer(t, t.testdir(), await freePort());
  const dispatcher = await openOutputs(t, [{ type: 'redis', port: server.port }]);
  dispatcher.push([numbered(0)]);
  await until(() => (dispatcher.status()[0]?.retries ?? 0) > 1);
  t.match(dispatcher.status()[0]?.lastError?.message, /^redis:\/\/127\.0\.0\.1:\d+ ids: .*ECONNREFUSED/);
  await server.start();
  dispatcher.push(Array.from({ length: 2000 }, (_, n) => numbered(n + 1)));
  await until(() => dispatcher.status()[0]?.delivered === 2001);
  await server.stop('SIGKILL');
  dispatcher.push([numbered(2001)]);
  await until(() => dispatcher.status()[0]?.state === 'retrying');
  await server.start();
  await until(() => dispatcher.status()[0]?.delivered === 2002);
  const { ids, numbers } = await entries(server.port);
  t.strictSame(numbers, count(2002));
  t.equal(new Set(ids).size, 2002);
  t.match(ids[0], /^[0-9a-f]{32}$/);
  await dispatcher.close(1000);
});

t.test('a server that hangs is noticed; one that is full or wants a password says so', async (t) => {
  const dir = t.testdir({ password: 'hush-hush-4711\n', wrong: 'hush-wrong-4711' });
  const server = redisServer(t, dir, await freePort(), ['--requirepass', 'hush-hush-4711']);
  await server.start();
  const file = path.join(dir, 'wrong');
  const patch = { timeout: 300 };
  const dispatcher = await openOutputs(
    t,
    [
      { type: 'redis', name: 'none', port: server.port },
      { type: 'redis', name: 'secret', port: server.port, password: { file } },
    ],
    patch,
  );
  dispatcher.push([numbered(0)]);
  await until(() => dispatcher.status().every(({ retries }) => retries > 1));
  t.match(
    dispatcher.status().map(({ lastError }) => lastError?.message),
    [/NOAUTH/, /WRONGPASS/],
  );
  t.notMatch(JSON.stringify(dispatcher.status()), /4711/, 'no secret is shown');
  writeFileSync(file, 'hush-hush-4711');
  await until(() => dispatcher.status()[1]?.delivered === 1);
  server.signal('SIGSTOP');
  dispatcher.push([numbered(1)]);
  await until(() => /timeout: no answer within 0\.3 s/.test(dispatcher.status()[1]?.lastError?.message ?? ''));
  server.signal('SIGCONT');
  await until(() => dispatcher.status()[1]?.delivered === 2);
  const { numbers } = await entries(server.port, '--no-auth-warning', '-a', 'hush-hush-4711');
  t.strictSame([...new Set(numbers)], [0, 1]);
  await dispatcher.close(0);
  t.ok(dispatcher.status().every(closes));
});

t.test('what says yes to everything has not taken an entry', async (t) => {
  const server = createServer((socket) => {
    socket
      .on('error', () => undefined)
      .on('data', (data) => socket.write('+OK\r\n'.repeat(data.toString().split('*').length)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const dispatcher = await openOutputs(t, [{ type: 'redis', port: (server.address() as AddressInfo).port }]);
  dispatcher.push([numbered(0)]);
  await until(() => /the answer is no id of an entry/.test(dispatcher.status()[0]?.lastError?.message ?? ''));
  t.match(dispatcher.status()[0], { delivered: 0, pending: 1, state: 'retrying' });
  await dispatcher.close(0);
});

t.test('TLS with a client certificate; a stranger is not trusted', async (t) => {
  const folder = t.testdir();
  const authority = new Authority(folder, 'authority');
  const stranger = new Authority(folder, 'stranger');
  const own = authority.issue('server', 'DNS:localhost');
  const client = authority.issue('client', 'DNS:client');
  const port = await freePort();
  const files = ['--tls-cert-file', own.cert, '--tls-key-file', own.key, '--tls-ca-cert-file', authority.ca];
  const server = redisServer(t, folder, port, ['--tls-port', String(port), ...files]);
  await server.start();
  const tls = { ca: authority.ca, cert: client.cert, key: { file: client.key } };
  const base = { type: 'redis', host: 'localhost', port } as const;
  const dispatcher = await openOutputs(t, [
    { ...base, name: 'good', tls, max_length: 0 },
    { ...base, name: 'stranger', tls: { ca: stranger.ca } },
  ]);
  dispatcher.push([numbered(0)]);
  await until(() => dispatcher.status()[0]?.delivered === 1);
  await until(() => (dispatcher.status()[1]?.retries ?? 0) > 1);
  t.match(dispatcher.status()[1]?.lastError?.message, /nobody who is known here/);
  await dispatcher.close(0);
});
