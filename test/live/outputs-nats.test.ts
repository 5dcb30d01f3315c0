// SPDX-License-Identifier: Apache-2.0
// NATS JetStream, in a real nats-server.
import { jetstreamManager } from '@nats-io/jetstream';
import {
  connect,
  credsAuthenticator,
  nkeyAuthenticator,
  nkeys,
  type ConnectionOptions,
  type NatsConnection,
} from '@nats-io/transport-node';
import { copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { until } from '../helpers/until.js';
import { numbered, numberOf, request } from '../unit/alerts/samples.js';
import { closes, freePort, openOutputs } from './outputs-receivers.js';
import { natsServer } from './support/brokers.js';
import { Authority, type Pair } from './support/certificates.js';
import { NatsAuthority } from './support/nats-authority.js';

const count = (n: number): number[] => [...Array(n).keys()];

async function within<T>(options: ConnectionOptions, run: (nc: NatsConnection) => Promise<T>): Promise<T> {
  const nc = await connect({ ...options, reconnect: false });
  try {
    return await run(nc);
  } finally {
    await nc.close();
  }
}

const makeStream = (options: ConnectionOptions): Promise<unknown> =>
  within(options, async (nc) => (await jetstreamManager(nc)).streams.add({ name: 'IDS', subjects: ['ids.>'] }));

/** The messages of the stream, in its order. */
const messages = (options: ConnectionOptions): Promise<string[]> =>
  within(options, async (nc) => {
    const { streams } = await jetstreamManager(nc);
    const { state } = await streams.info('IDS');
    const wanted = count(state.messages).map((n) => streams.getMessage('IDS', { seq: state.first_seq + n }));
    return (await Promise.all(wanted)).map((message) => message?.string() ?? '');
  });

t.test('all arrive in order; what is sent twice is stored once', async (t) => {
  const server = natsServer(t, t.testdir(), await freePort());
  const at = { servers: `127.0.0.1:${server.port}` };
  const dispatcher = await openOutputs(t, [{ type: 'nats', servers: [at.servers] }]);
  dispatcher.push([numbered(0)]);
  await until(() => (dispatcher.status()[0]?.retries ?? 0) > 1);
  t.match(dispatcher.status()[0]?.lastError?.message, /^nats:\/\/127\.0\.0\.1:\d+ ids\.alerts: .*refused/);
  await server.start();
  await until(() => /no stream takes this subject/.test(dispatcher.status()[0]?.lastError?.message ?? ''));
  await makeStream(at);
  const delivered = (): number => dispatcher.status()[0]?.delivered ?? 0;
  dispatcher.push(Array.from({ length: 3000 }, (_, n) => numbered(n + 1)));
  for (const [signal, part] of [
    ['SIGKILL', 1000],
    ['SIGTERM', 2000],
  ] as const) {
    await until(() => delivered() > part, { interval: 1 });
    await server.stop(signal);
    t.ok(delivered() < 3001, 'killed while it takes records');
    await until(() => dispatcher.status()[0]?.state === 'retrying');
    await server.start();
  }
  await until(() => delivered() === 3001);
  dispatcher.push([numbered(5), numbered(3001)]);
  await until(() => delivered() === 3003);
  t.strictSame(
    (await messages(at)).map((line) => numberOf(JSON.parse(line))),
    count(3002),
  );
  await dispatcher.close(1000);
});

t.test('a server that hangs is noticed, and records fit its longest message', async (t) => {
  const server = natsServer(t, t.testdir(), await freePort(), ['max_payload: 4096']);
  const at = { servers: `127.0.0.1:${server.port}` };
  await server.start();
  await makeStream(at);
  const dispatcher = await openOutputs(t, [{ type: 'nats', servers: [at.servers] }], { timeout: 300 });
  dispatcher.push([{ ...request, count: 1, http: { url: 'x'.repeat(8000), headers: `A: ${'y'.repeat(8000)}` } }]);
  await until(() => dispatcher.status()[0]?.delivered === 1);
  const [first = ''] = await messages(at);
  t.match(JSON.parse(first), { ids: { shortened: true } });
  server.signal('SIGSTOP');
  dispatcher.push([numbered(1)]);
  await until(() => /time/i.test(dispatcher.status()[0]?.lastError?.message ?? ''), {
    message: () => JSON.stringify(dispatcher.status()),
  });
  server.signal('SIGCONT');
  await until(() => dispatcher.status()[0]?.delivered === 2);
  t.equal((await messages(at)).length, 2, 'what came twice is there once');
  await dispatcher.close(0);
});

t.test('users, tokens and TLS; no secret is shown', async (t) => {
  const folder = t.testdir({ token: 'wrong-4711', password: 'right-0815' });
  const authority = new Authority(folder, 'authority');
  const stranger = new Authority(folder, 'stranger');
  const own = authority.issue('server', 'DNS:localhost');
  const withToken = natsServer(t, folder, await freePort(), ['authorization { token: "right-4711" }']);
  const tls = `tls { cert_file: "${own.cert}", key_file: "${own.key}", ca_file: "${authority.ca}" }`;
  const users = 'authorization { users = [ { user: "ids", password: "right-0815" } ] }';
  const withTls = natsServer(t, folder, await freePort(), [tls, users]);
  await Promise.all([withToken.start(), withTls.start()]);
  const token = path.join(folder, 'token');
  const password = { file: path.join(folder, 'password') };
  const base = { type: 'nats' as const, servers: [`localhost:${withTls.port}`], username: 'ids', password };
  const dispatcher = await openOutputs(t, [
    { type: 'nats', name: 'token', servers: [`127.0.0.1:${withToken.port}`], token: { file: token } },
    { ...base, name: 'user', tls: { ca: authority.ca } },
    { ...base, name: 'stranger', tls: { ca: stranger.ca } },
    { type: 'nats', name: 'plain', servers: [`127.0.0.1:${withToken.port}`], tls: {}, token: { file: token } },
  ]);
  await makeStream({ servers: `127.0.0.1:${withToken.port}`, token: 'right-4711' });
  await makeStream({
    servers: `localhost:${withTls.port}`,
    user: 'ids',
    pass: 'right-0815',
    tls: { caFile: authority.ca },
  });
  dispatcher.push([numbered(0)]);
  await until(() => dispatcher.status()[1]?.delivered === 1, {
    message: () => JSON.stringify(dispatcher.status()[1]?.lastError),
  });
  await until(() => dispatcher.status().every(({ name, retries }) => name === 'user' || retries > 1));
  t.match(
    dispatcher.status().map(({ lastError }) => lastError?.message ?? ''),
    [/refuses us: look at username, token/, '', /nobody who is known here/, /does not support 'tls'/],
  );
  t.notMatch(JSON.stringify(dispatcher.status()), /4711|0815/);
  writeFileSync(token, 'right-4711\n');
  await until(() => dispatcher.status()[0]?.delivered === 1);
  await dispatcher.close(0);
  t.ok(dispatcher.status().every(closes));
});

t.test('certificates of the server that are wrong, and renewed there', async (t) => {
  const folder = t.testdir();
  const authority = new Authority(folder, 'authority');
  const own = authority.issue('own', 'DNS:localhost');
  const good = authority.issue('good', 'DNS:localhost');
  const troubles = [
    { pair: authority.issue('expired', 'DNS:localhost', { expired: true }), says: /has expired/ },
    { pair: authority.issue('other', 'DNS:siem.example'), says: /another name .*siem\.example/ },
  ];
  const server = natsServer(t, folder, await freePort(), [`tls { cert_file: "${own.cert}", key_file: "${own.key}" }`]);
  const showing = async ({ cert, key }: Pair): Promise<void> => {
    await server.stop();
    copyFileSync(cert, own.cert);
    copyFileSync(key, own.key);
    await server.start();
  };
  const at = { servers: `localhost:${server.port}`, tls: { caFile: authority.ca } };
  await showing(good);
  await makeStream(at);
  const dispatcher = await openOutputs(t, [{ type: 'nats', servers: [at.servers], tls: { ca: authority.ca } }]);
  for (const [n, { pair, says }] of troubles.entries()) {
    await showing(pair);
    dispatcher.push([numbered(n)]);
    await until(() => says.test(dispatcher.status()[0]?.lastError?.message ?? ''), {
      message: () => JSON.stringify(dispatcher.status()),
    });
    t.match(dispatcher.status()[0], { state: 'retrying', delivered: n, pending: 1 });
    await showing(good);
    await until(() => dispatcher.status()[0]?.delivered === n + 1);
  }
  t.strictSame(
    (await messages(at)).map((line) => numberOf(JSON.parse(line))),
    count(2),
  );
  await dispatcher.close(0);
});

t.test('an NKey', async (t) => {
  const user = nkeys.createUser();
  const folder = t.testdir({ seed: user.getSeed() });
  const nkey = { file: path.join(folder, 'seed') };
  const users = `authorization { users = [ { nkey: ${user.getPublicKey()} } ] }`;
  const server = natsServer(t, folder, await freePort(), [users]);
  await server.start();
  const servers = [`127.0.0.1:${server.port}`];
  await makeStream({ servers, authenticator: nkeyAuthenticator(user.getSeed()) });
  const dispatcher = await openOutputs(t, [{ type: 'nats', servers, nkey }]);
  dispatcher.push([numbered(0)]);
  await until(() => dispatcher.status()[0]?.delivered === 1);
  t.equal((await messages({ servers, authenticator: nkeyAuthenticator(user.getSeed()) })).length, 1);
  await dispatcher.close(0);
});

t.test('JWTs: those that are refused wait for better ones', async (t) => {
  const [own, foreign] = [new NatsAuthority(), new NatsAuthority()];
  const [right, revoked, admin, fresh] = ['right', 'revoked', 'admin', 'fresh'].map((name) => own.user(name));
  if (!right || !revoked || !admin || !fresh) return;
  own.revoke(revoked);
  const files: Readonly<Record<string, string>> = {
    right: right.creds,
    trimmed: own.user('trimmed').creds.trim(),
    windows: own.user('windows').creds.replaceAll('\n', '\r\n'),
    foreign: foreign.user('foreign').creds,
    revoked: revoked.creds,
    expired: own.user('expired', { exp: -10 }).creds,
    denied: own.user('denied', { permissions: { pub: { deny: ['ids.>'] } } }).creds,
    broken: own.user('broken').creds.replace(/^SU\w{9}/m, 'SU'),
  };
  const folder = t.testdir(files);
  const port = await freePort();
  const server = natsServer(t, folder, port, own.configuration());
  await server.start();
  const at = { servers: `127.0.0.1:${port}`, authenticator: credsAuthenticator(Buffer.from(admin.creds)) };
  await makeStream(at);
  const file = (name: string): string => path.join(folder, name);
  const dispatcher = await openOutputs(
    t,
    Object.keys(files).map((name) => {
      return {
        type: 'nats' as const,
        name,
        servers: [at.servers],
        subject: `ids.${name}`,
        credentials: { file: file(name) },
      };
    }),
  );
  dispatcher.push([numbered(0)]);
  const words = [
    /^$/,
    /^$/,
    /^$/,
    /refuses us/,
    /refuses us/,
    /refuses us/,
    /Violation for Publish/,
    /broken: a \.creds file/,
  ];
  const status = () => dispatcher.status();
  await until(() => status().every(({ delivered, retries }, i) => (i < 3 ? delivered === 1 : retries > 1)), {
    message: () => JSON.stringify(status()),
  });
  t.match(
    status().map(({ lastError }) => lastError?.message ?? ''),
    words,
  );
  // An account can disown a user who is connected.
  own.revoke(right);
  natsServer(t, folder, port, own.configuration());
  server.signal('SIGHUP');
  await until(async () => {
    dispatcher.push([numbered(1)]);
    return /refuses us/.test(status()[0]?.lastError?.message ?? '');
  });
  t.notMatch(JSON.stringify(status()), /eyJ|SU\w{20}/);
  for (const name of Object.keys(files)) writeFileSync(file(name), fresh.creds);
  await until(() => status().every(({ pending }) => pending === 0), { message: () => JSON.stringify(status()) });
  t.ok(status().every((one) => closes(one) && one.delivered === one.raised));
  t.equal((await messages(at)).length, 2 * Object.keys(files).length, 'each once');
  await dispatcher.close(0);
});
