// SPDX-License-Identifier: Apache-2.0
// Syslog over TLS against a real syslog-ng that wants certificates of clients.
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import type { Dispatcher } from '../../alerts/index.js';
import { until } from '../helpers/until.js';
import { numbered, numberOf } from '../unit/alerts/samples.js';
import { closes, freePort, openOutputs } from './outputs-receivers.js';
import { Authority, type Pair } from './support/certificates.js';
import { SyslogNg, unpackSyslogNg } from './support/syslog-ng.js';

const unpacked = unpackSyslogNg();
const skip = 'reason' in unpacked ? unpacked.reason : false;
const root = 'root' in unpacked ? unpacked.root : '';
const count = (n: number): number[] => [...Array(n).keys()];
const numbersOf = (receiver: SyslogNg): number[] =>
  receiver.received().map(({ message }) => numberOf(JSON.parse(message)));

interface Around {
  readonly folder: string;
  readonly authority: Authority;
  readonly clients: Authority;
  readonly own: Pair;
}

function around(t: Test): Around {
  const folder = t.testdir();
  const authority = new Authority(folder, 'authority');
  const clients = new Authority(folder, 'clients');
  return { folder, authority, clients, own: clients.issue('client', 'DNS:client') };
}

async function failure(dispatcher: Dispatcher): Promise<string> {
  const { message } = await until(() => dispatcher.status()[0]?.lastError);
  return message;
}

t.test('a client certificate, a receiver that goes and comes, and certificates read anew', { skip }, async (t) => {
  const { folder, authority, clients, own } = around(t);
  const tls = authority.issue('server', 'DNS:localhost');
  const receiver = new SyslogNg(t, folder, root, { port: await freePort(), tls, clients: clients.ca });
  await receiver.start();
  const options = { ca: authority.ca, cert: own.cert, key: { file: own.key }, server_name: 'localhost' };
  const dispatcher = await openOutputs(t, [
    { type: 'syslog', transport: 'tls', host: '127.0.0.1', port: receiver.port, tls: options },
  ]);
  dispatcher.push(Array.from({ length: 300 }, (_, n) => numbered(n)));
  await until(() => receiver.received().length === 300, { message: () => receiver.said });
  t.match(receiver.received()[0], { pri: 21 * 8 + 3, app: 'ids', msgid: 'alert' });
  await receiver.stop();
  dispatcher.push([numbered(300)]);
  await until(() => dispatcher.status()[0]?.state === 'retrying');
  await receiver.start();
  await until(() => numbersOf(receiver).includes(300));
  // The certificate is renewed in its place: a connection that is there goes on with the new one once told to.
  const other = clients.issue('renewed', 'DNS:renewed');
  copyFileSync(other.cert, own.cert);
  copyFileSync(other.key, own.key);
  await dispatcher.reopen();
  dispatcher.push([numbered(301)]);
  await until(() => numbersOf(receiver).includes(301));
  t.strictSame(numbersOf(receiver), count(302));
  copyFileSync(path.join(folder, 'clients.key'), own.key);
  await dispatcher.reopen();
  t.match(dispatcher.status()[0]?.lastError?.message, /TLS cannot use .*client\.pem, .*client\.key/);
  dispatcher.push([numbered(302)]);
  await until(() => numbersOf(receiver).includes(302), { message: 'the connection that is there goes on' });
  const [status] = dispatcher.status();
  t.ok(status && closes(status));
  t.match(status, { raised: 303, delivered: 303 });
  await dispatcher.close(1000);
});

t.test('without the certificate that the receiver wants nothing is taken for delivered', { skip }, async (t) => {
  const { folder, authority, clients, own } = around(t);
  const tls = authority.issue('server', 'DNS:localhost');
  const receiver = new SyslogNg(t, folder, root, { port: await freePort(), tls, clients: clients.ca });
  await receiver.start();
  const base = { type: 'syslog', transport: 'tls', host: 'localhost', port: receiver.port } as const;
  const wrong = authority.issue('wrong', 'DNS:client');
  const dispatcher = await openOutputs(t, [
    { ...base, name: 'none', tls: { ca: authority.ca } },
    { ...base, name: 'wrong', tls: { ca: authority.ca, cert: wrong.cert, key: { file: wrong.key } } },
  ]);
  dispatcher.push([numbered(0)]);
  await until(() => dispatcher.status().every(({ retries }) => retries > 1));
  for (const status of dispatcher.status()) {
    t.match(status, { delivered: 0, pending: 1 });
    t.match(status.lastError?.message, /^tls:\/\/localhost:\d+: connecting: the receiver refuses us .*tls\.cert/);
  }
  t.strictSame(receiver.received(), []);
  // The right one comes into its place: the next try has it.
  copyFileSync(own.cert, wrong.cert);
  copyFileSync(own.key, wrong.key);
  await until(() => dispatcher.status()[1]?.delivered === 1);
  await until(() => receiver.received().length > 0, { message: () => receiver.said });
  t.strictSame(numbersOf(receiver), [0]);
  await dispatcher.close(0);
});

t.test('certificates that do not fit are one clear line, and tried again', { skip, timeout: 90_000 }, async (t) => {
  const { folder, authority, clients } = around(t);
  const cases = [
    { name: 'expired', pair: authority.issue('expired', 'DNS:localhost', { expired: true }), says: /has expired/ },
    { name: 'other', pair: authority.issue('other', 'DNS:siem.example'), says: /another name .*siem\.example/ },
    { name: 'unknown', pair: clients.issue('unknown', 'DNS:localhost'), says: /nobody who is known here.*tls\.ca/ },
  ];
  for (const { name, pair, says } of cases) {
    const receiver = new SyslogNg(t, path.join(folder, name), root, { port: await freePort(), tls: pair });
    await receiver.start();
    const base = { type: 'syslog', transport: 'tls', host: 'localhost', port: receiver.port } as const;
    const dispatcher = await openOutputs(t, [{ ...base, tls: { ca: authority.ca } }]);
    dispatcher.push([numbered(0)]);
    await until(() => (dispatcher.status()[0]?.retries ?? 0) > 2);
    const message = await failure(dispatcher);
    t.match(message, says);
    t.notMatch(message, /\n/);
    t.match(dispatcher.status()[0], { delivered: 0, pending: 1, state: 'retrying' });
    t.strictSame(receiver.received(), []);
    await dispatcher.close(0);
    if (name === 'other') {
      const told = { ca: authority.ca, server_name: 'siem.example' };
      const named = await openOutputs(t, [{ ...base, tls: told }]);
      named.push([numbered(1)]);
      await until(() => named.status()[0]?.delivered === 1);
      await named.close(0);
    } else {
      const trusting = await openOutputs(t, [{ ...base, tls: { verify: false } }]);
      trusting.push([numbered(1)]);
      await until(() => trusting.status()[0]?.delivered === 1);
      await trusting.close(0);
    }
    await until(() => receiver.received().length === 1);
    await receiver.stop();
  }
});

t.test('a port that speaks no TLS, and old TLS', { skip }, async (t) => {
  const { folder, authority } = around(t);
  const receiver = new SyslogNg(t, folder, root, { port: await freePort() });
  await receiver.start();
  const base = { type: 'syslog', transport: 'tls', host: 'localhost', port: receiver.port } as const;
  const dispatcher = await openOutputs(t, [{ ...base, tls: { ca: authority.ca } }], { timeout: 500 });
  dispatcher.push([numbered(0)]);
  t.match(await failure(dispatcher), /speaks no TLS|nothing moved for 0\.5 s|closed the connection/);
  await dispatcher.close(0);
});
