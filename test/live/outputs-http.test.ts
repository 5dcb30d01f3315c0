// SPDX-License-Identifier: Apache-2.0
// The transport of outputs over HTTP against real servers: TLS of every kind, a proxy, names, addresses, secrets.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps, type ServerOptions } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Server } from 'node:http';
import path from 'node:path';
import type { TLSSocket } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { Dispatcher, outputsSchema, type Log } from '../../alerts/index.js';
import type { Teardown } from '../helpers/undo.js';
import { until } from '../helpers/until.js';
import { numbered } from '../unit/alerts/samples.js';
import { Authority } from './outputs-certificates.js';
import { freePort, openOutputs, Recorder } from './outputs-receivers.js';

async function listen(t: Teardown, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

interface Asked {
  readonly client: string | undefined;
  readonly body: string;
}

/** A server with TLS that keeps who asked what. */
async function secure(t: Teardown, options: ServerOptions): Promise<{ port: number; asked: Asked[]; server: Server }> {
  const asked: Asked[] = [];
  const server = createHttps(options, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate();
      asked.push({ client: (subject as { CN?: string } | undefined)?.CN, body: Buffer.concat(chunks).toString() });
      response.writeHead(204).end();
    });
  });
  return { port: await listen(t, server), asked, server };
}

/** What the last failure of an only output was, once it has failed. */
async function failure(dispatcher: Dispatcher): Promise<string> {
  dispatcher.push([numbered(0)]);
  const { message } = await until(() => dispatcher.status()[0]?.lastError);
  t.match(dispatcher.status()[0], { delivered: 0, dropped: 0, pending: 1 }, 'the record waits');
  await dispatcher.close(0);
  return message;
}

async function arrives(dispatcher: Dispatcher): Promise<void> {
  const { delivered = 0 } = dispatcher.status()[0] ?? {};
  dispatcher.push([numbered(1)]);
  await until(() => dispatcher.status()[0]?.delivered === delivered + 1, {
    message: () => dispatcher.status()[0]?.lastError?.message ?? 'nothing came',
  });
}

t.test('certificates of receivers', async (t) => {
  const authority = await Authority.make(t.testdir());
  const read = ({ cert, key }: { cert: string; key: string }) => ({ cert: readFileSync(cert), key: readFileSync(key) });
  const good = await secure(t, read(await authority.issue('good')));
  const expired = await secure(t, read(await authority.issue('expired', 'DNS:localhost', -1)));
  const other = await secure(t, read(await authority.issue('other', 'DNS:other.example')));
  const open = (port: number, tls?: object): Promise<Dispatcher> =>
    openOutputs(t, [{ type: 'webhook', url: `https://localhost:${port}/`, ...(tls && { tls }) }]);
  const ca = authority.cert;

  const works = await open(good.port, { ca });
  await arrives(works);
  await works.close(0);
  t.match(await failure(await open(good.port)), /localhost:\d+\/: unable to verify the first certificate/);
  t.match(await failure(await open(expired.port, { ca })), /certificate has expired/);
  t.match(await failure(await open(other.port, { ca })), /Hostname\/IP does not match certificate's altnames/);
  t.match(await failure(await open(good.port, { ca, server_name: 'other.example' })), /does not match/);
  const named = await open(other.port, { ca, server_name: 'other.example' });
  await arrives(named);
  await named.close(0);
  const trusting = await open(expired.port, { verify: false });
  await arrives(trusting);
  await trusting.close(0);
  t.same([good.asked.length, expired.asked.length, other.asked.length], [1, 1, 1], 'who was not trusted got nothing');
});

t.test('client certificates, and their change on reopen', async (t) => {
  const dir = t.testdir();
  const authority = await Authority.make(dir);
  const server = await authority.issue('server');
  const first = await authority.issue('first');
  const second = await authority.issue('second');
  const elsewhere = path.join(dir, 'other');
  mkdirSync(elsewhere);
  const strange = await Authority.make(elsewhere);
  const { port, asked } = await secure(t, {
    cert: readFileSync(server.cert),
    key: readFileSync(server.key),
    ca: readFileSync(authority.cert),
    requestCert: true,
    rejectUnauthorized: true,
  });
  const [cert, key] = [path.join(dir, 'client.pem'), path.join(dir, 'client.key')];
  copyFileSync(first.cert, cert);
  copyFileSync(first.key, key);
  const url = `https://localhost:${port}/`;
  const tls = { ca: authority.cert, cert, key: { file: key } };
  const dispatcher = await openOutputs(t, [{ type: 'webhook', url, tls }]);
  await arrives(dispatcher);
  copyFileSync(second.cert, cert);
  await dispatcher.reopen();
  t.match(dispatcher.status()[0]?.lastError?.message, /TLS cannot use .*client\.pem.*key values mismatch/);
  await arrives(dispatcher);
  copyFileSync(second.key, key);
  await dispatcher.reopen();
  await arrives(dispatcher);
  t.same(
    asked.map(({ client }) => client),
    ['first', 'first', 'second'],
  );
  await dispatcher.close(0);
  const none = await openOutputs(t, [{ type: 'webhook', url, tls: { ca: authority.cert } }]);
  t.match(await failure(none), /certificate required|other side closed|ECONNRESET|alert/i);
  const untrusted = await strange.issue('untrusted');
  const wrong = { ca: authority.cert, cert: untrusted.cert, key: { file: untrusted.key } };
  t.match(
    await failure(await openOutputs(t, [{ type: 'webhook', url, tls: wrong }])),
    /unknown ca|alert|ECONNRESET|other side closed/i,
  );
  const torn = { ca: authority.cert, cert: first.cert, key: { file: second.key } };
  await t.rejects(openOutputs(t, [{ type: 'webhook', url, tls: torn }]), {
    message: /output "webhook": TLS cannot use/,
  });
});

/** A proxy that knows CONNECT alone. */
async function startProxy(t: Teardown, credentials?: string): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createHttp((_, response) => response.writeHead(405).end());
  server.on('connect', (request, client: Socket) => {
    const expected = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
    client.on('error', () => undefined);
    sockets.add(client);
    if (expected !== undefined && request.headers['proxy-authorization'] !== expected) {
      return client.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
    }
    asked.push(request.url ?? '');
    const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(request.url ?? '') ?? [];
    const upstream = connect({ host, port: Number(port) }, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    sockets.add(upstream);
    upstream.on('error', () => client.destroy());
    return undefined;
  });
  t.teardown(() => sockets.forEach((socket) => socket.destroy()));
  return { port: await listen(t, server), asked };
}

t.test('through a proxy', async (t) => {
  const dir = t.testdir();
  const authority = await Authority.make(dir);
  const { cert, key } = await authority.issue('server');
  const { port, asked } = await secure(t, { cert: readFileSync(cert), key: readFileSync(key) });
  const plain = new Recorder(t, await freePort());
  await plain.start();
  const proxy = await startProxy(t, 'ids:pass-word-1234');
  const credentials = { file: path.join(dir, 'credentials') };
  writeFileSync(credentials.file, 'ids:pass-word-1234\n');
  const through = { url: `http://localhost:${proxy.port}`, credentials };
  for (const output of [
    { url: `https://localhost:${port}/`, tls: { ca: authority.cert } },
    { url: `http://127.0.0.1:${plain.port}/` },
  ]) {
    const dispatcher = await openOutputs(t, [{ type: 'webhook', ...output, proxy: through }]);
    await arrives(dispatcher);
    await dispatcher.close(0);
  }
  t.same(proxy.asked, [`localhost:${port}`, `127.0.0.1:${plain.port}`]);
  t.same([asked.length, plain.requests.length], [1, 1]);
  t.notOk(plain.requests[0]?.headers['proxy-authorization'], 'the receiver is not told');

  writeFileSync(credentials.file, 'ids:wrong-word-99\n');
  const url = `https://localhost:${port}/`;
  const refused = await failure(await openOutputs(t, [{ type: 'webhook', url, proxy: through }]));
  t.match(refused, /407/);
  t.notMatch(refused, /wrong-word|aWRzO/);
  const gone = `http://127.0.0.1:${await freePort()}`;
  t.match(await failure(await openOutputs(t, [{ type: 'webhook', url, proxy: gone }])), /ECONNREFUSED/);
});

t.test('names and addresses', async (t) => {
  const server = new Recorder(t, await freePort());
  await server.start();
  const nowhere = { type: 'webhook', url: 'http://receiver.invalid/' } as const;
  t.match(await failure(await openOutputs(t, [nowhere])), /getaddrinfo (ENOTFOUND|EAI_AGAIN) receiver\.invalid/);
  const port = await freePort();
  t.match(await failure(await openOutputs(t, [{ type: 'webhook', url: `http://localhost:${port}/` }])), /ECONNREFUSED/);
  const guarded = ['localhost', '127.0.0.1', '2130706433', '[::ffff:127.0.0.1]'];
  for (const host of guarded) {
    const url = `http://${host}:${server.port}/`;
    const output = { type: 'webhook', url, private_addresses: 'deny' } as const;
    t.match(
      await failure(await openOutputs(t, [output])),
      /is no public address, and private_addresses says deny/,
      host,
    );
  }
  t.equal(server.requests.length, 0, 'no connection was made');
  const [issue] =
    outputsSchema.safeParse([{ ...nowhere, proxy: 'http://p:1', private_addresses: 'deny' }]).error?.issues ?? [];
  t.match(issue, { path: [0, 'private_addresses'], message: /a proxy resolves names itself/ });
});

t.test('templates, packed bodies, two keys, and secrets that are nowhere to be seen', async (t) => {
  const dir = t.testdir();
  const server = new Recorder(t, await freePort());
  await server.start();
  const put = (name: string, text: string): { file: string } => {
    writeFileSync(path.join(dir, name), text);
    return { file: path.join(dir, name) };
  };
  const words = ['first-key-of-24-characters!', 'other-key-of-24-characters!', 'bearer-word-77', 'header-word-88'];
  const logged: string[] = [];
  const note = (fields: object, message: string): void => void logged.push(JSON.stringify(fields) + message);
  const log: Log = { info: note, warn: note };
  const [config] = outputsSchema.parse([
    {
      type: 'webhook',
      url: `http://127.0.0.1:${server.port}/in`,
      secrets: [put('a', words[0] ?? ''), put('b', words[1] ?? '')],
      bearer: put('c', words[2] ?? ''),
      headers: { 'X-Key': put('d', words[3] ?? '') },
      template: '{"text": "{{ record.alert.signature }}", "n": {{ count }}}',
      content_type: 'application/vnd.test+json',
      compression: 'gzip',
    },
  ]);
  // The receiver says what it was told.
  server.answer = (response, { headers }, n) =>
    response
      .writeHead(n < 4 ? 500 : n === 4 ? 422 : 200)
      .end(`no ${headers.authorization} ${String(headers['x-key'])}`);
  const retry = { initial: 10, max: 20 };
  const dispatcher = await Dispatcher.open([{ ...(config as NonNullable<typeof config>), retry }], { log });
  t.teardown(() => dispatcher.close(0));
  dispatcher.push([numbered(0), numbered(1)]);
  await until(() => dispatcher.status()[0]?.dropped === 2);
  dispatcher.push([numbered(2)]);
  await until(() => dispatcher.status()[0]?.delivered === 1);
  const headers = server.requests.at(-1)?.headers ?? {};
  t.match(headers, {
    'content-type': 'application/vnd.test+json',
    'content-encoding': 'gzip',
    'x-key': words[3],
    authorization: `Bearer ${words[2]}`,
  });
  t.equal(String(headers['webhook-signature']).split(' ').length, 2);
  t.same(JSON.parse(gunzipSync(server.requests.at(-1)?.bytes ?? Buffer.alloc(0)).toString()), {
    text: 'IDS SCAN SYN and FIN set',
    n: 1,
  });
  const seen = JSON.stringify([dispatcher.status(), logged]);
  t.ok(logged.length >= 2);
  for (const word of words) t.notOk(seen.includes(word), 'a secret is not shown');
  await dispatcher.close(0);
});
