// SPDX-License-Identifier: Apache-2.0
// The socket itself: who may use it, what stands in its place, and what else may answer there.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { ApiClient } from '../../../../engine/api/client.js';
import { ApiServer } from '../../../../engine/api/server.js';
import { fromWire, toWire } from '../../../../engine/api/wire.js';
import { until } from '../../../helpers/until.js';
import { FakeApi, status } from './fake-api.js';
import { serve, temporary } from './serve.js';

t.test('the socket is for its owner and the group alone, and gone after the end', async (t) => {
  const folder = temporary(t);
  const socket = join(folder, 'run', 'ids', 'ids.sock');
  const mask = process.umask(0);
  let server;
  try {
    server = await ApiServer.open(socket, new FakeApi());
    t.equal(process.umask(), 0, 'the mask of the process is what it was');
  } finally {
    process.umask(mask);
  }
  const { mode, gid } = statSync(socket);
  t.equal(mode & 0o777, 0o660);
  const group = /^ids:[^:]*:(\d+)/m.exec(readFileSync('/etc/group', 'utf8'))?.[1];
  if (process.getuid?.() === 0) t.equal(gid, Number(group ?? 0), 'the group ids where there is one');
  await server.close();
  t.notOk(existsSync(socket));
});

t.test('a second daemon is refused, the first goes on', async (t) => {
  const { socket, client } = await serve(t);
  await t.rejects(ApiServer.open(socket, new FakeApi()), { code: 'DAEMON_RUNNING', message: /ids stop/ });
  t.strictSame(await client.status(), status);
});

t.test('what a killed daemon left behind is replaced', async (t) => {
  const socket = join(temporary(t), 'ids.sock');
  const script = `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  t.ok(statSync(socket).isSocket(), 'the socket of a dead process is there');
  await t.rejects(new ApiClient(socket).status(), { code: 'DAEMON_UNREACHABLE', message: /has ended/ });
  const server = await ApiServer.open(socket, new FakeApi());
  t.teardown(() => server.close());
  t.strictSame(await new ApiClient(socket).status(), status);
});

t.test('a file that is no socket is never removed', async (t) => {
  const folder = temporary(t);
  const file = join(folder, 'precious');
  writeFileSync(file, 'data');
  await t.rejects(ApiServer.open(file, new FakeApi()), { code: 'CONFIG_INVALID', message: /no socket/ });
  await t.rejects(ApiServer.open(folder, new FakeApi()), { code: 'CONFIG_INVALID' });
  t.equal(readFileSync(file, 'utf8'), 'data');
  await t.rejects(ApiServer.open(join(file, 'ids.sock'), new FakeApi()), {
    code: 'SYSCALL',
    message: /control socket/,
  });
  mkdirSync(join(folder, 'x'.repeat(100)));
  await t.rejects(ApiServer.open(join(folder, 'x'.repeat(100), 'ids.sock'), new FakeApi()), {
    code: 'SYSCALL',
    message: /choose another socket/,
  });
});

t.test('no daemon, or no ids daemon, is told apart', async (t) => {
  const folder = temporary(t);
  await t.rejects(new ApiClient(join(folder, 'none')).status(), { code: 'DAEMON_UNREACHABLE', message: /ids run/ });
  const web = createHttpServer((request, response) => {
    if (request.url === '/v1/status') response.end('<h1>hello</h1>');
    else if (request.url === '/v1/rules') response.writeHead(500).end('{"error":"boom"}');
    else response.writeHead(204).end();
  }).listen(join(folder, 'web'));
  t.teardown(() => web.close());
  const stranger = new ApiClient(join(folder, 'web'));
  await t.rejects(stranger.status(), { code: 'DAEMON_FAILED', message: /no ids daemon/ });
  await t.rejects(stranger.listRules(), { code: 'DAEMON_FAILED' });
  await t.rejects(stranger.allowlistList(), { code: 'DAEMON_FAILED' });
  await t.rejects(stranger.recentAlerts(1), { code: 'DAEMON_FAILED' });
  const mute = createServer((socket) => socket.destroy()).listen(join(folder, 'mute'));
  t.teardown(() => mute.close());
  await t.rejects(new ApiClient(join(folder, 'mute')).status(), { code: 'DAEMON_UNREACHABLE', message: /broke/ });
});

t.test('a caller that leaves in the middle harms nobody', async (t) => {
  const { socket, client, api } = await serve(t);
  const half = connect(socket);
  half.write('POST /v1/stop HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"de');
  const noise = connect(socket);
  noise.on('error', () => undefined).write(Buffer.alloc(1000, 0xff));
  api.listRules = () => new Promise((resolve) => setTimeout(() => resolve(undefined as never), 50));
  const hasty = connect(socket);
  hasty.write('GET /v1/rules HTTP/1.1\r\nhost: x\r\n\r\n');
  await until(() => half.bytesWritten > 0 && hasty.bytesWritten > 0);
  half.destroy();
  hasty.destroy();
  t.strictSame(await client.status(), status);
  t.notOk(
    api.calls.some(([method]) => method === 'stop'),
    'half a request is none',
  );
});

t.test('what is refused at once is read to its end: the connection is not reset', async (t) => {
  const { socket } = await serve(t);
  const body = Buffer.alloc(4_000_000);
  const headers = { 'content-type': 'text/strange', 'content-length': body.length };
  const options = { socketPath: socket, method: 'POST', path: '/v1/rules', headers, agent: false };
  const errors: Error[] = [];
  const request = httpRequest(options).on('error', (error) => errors.push(error));
  const closed = once(request, 'close');
  request.write(body, () => request.end());
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  await closed;
  t.equal(response.statusCode, 415);
  t.same(errors, []);
  t.ok((request.socket?.bytesWritten ?? 0) > body.length, 'all of it was taken');
});

t.test('errors that are none of ours keep their sense on the wire', async (t) => {
  t.equal(fromWire({ ok: true }), undefined);
  t.equal(fromWire(null), undefined);
  t.match(fromWire({ error: { code: 'FROM_THE_FUTURE', message: 'new', details: { a: 1 } } }), {
    code: 'DAEMON_FAILED',
    message: 'new',
    details: { a: 1 },
  });
  for (const odd of ['text', 7, null, [], { code: 7 }, { code: 'toString', message: {} }]) {
    t.match(fromWire({ error: odd }), { code: 'DAEMON_FAILED' }, JSON.stringify(odd));
  }
  t.equal(toWire('thrown text').body.error.message, 'thrown text');
});
