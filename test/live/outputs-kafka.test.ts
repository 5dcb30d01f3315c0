// SPDX-License-Identifier: Apache-2.0
// Kafka, in the mock cluster of librdkafka, read back with kcat.
import { createServer, type Socket } from 'node:net';
import t from 'tap';
import { until } from '../helpers/until.js';
import { blocked6, numbered, numberOf } from '../unit/alerts/samples.js';
import { closes, freePort, openOutputs } from './outputs-receivers.js';
import { kafkaCluster, kafkaMessages } from './support/brokers.js';
import { Authority } from './support/certificates.js';
import { SyslogNg } from './support/syslog-ng.js';
import { unpackSyslogNg } from './support/syslog-ng.js';

const count = (n: number): number[] => [...Array(n).keys()];

for (const options of [{}, { compression: 'gzip', key: 'id' }] as const) {
  t.test(`all arrive: ${JSON.stringify(options)}`, async (t) => {
    const brokers = await kafkaCluster(t, 2);
    const dispatcher = await openOutputs(t, [{ type: 'kafka', brokers: brokers.split(','), topic: 'ids', ...options }]);
    dispatcher.push(Array.from({ length: 1000 }, (_, n) => numbered(n)));
    await until(() => dispatcher.status()[0]?.delivered === 1000, {
      deadline: 30_000,
      message: () => JSON.stringify(dispatcher.status()[0]),
    });
    dispatcher.push([{ ...blocked6, count: 1001 }]);
    await until(() => dispatcher.status()[0]?.delivered === 1001);
    const found = await kafkaMessages(brokers, 'ids');
    const numbers = found.map(({ value }) => numberOf(JSON.parse(value)));
    if ('key' in options) {
      t.strictSame(
        numbers.sort((a, b) => a - b),
        count(1001),
        'all partitions together',
      );
      t.ok(found.every(({ key, headers }) => /^[0-9a-f]{32}$/.test(key) && headers.includes(`id=${key}`)));
    } else {
      const ofOne = found.filter(({ key }) => key === '128.232.110.120');
      t.strictSame(
        ofOne.map(({ value }) => numberOf(JSON.parse(value))),
        count(1000),
        'those of one source in order',
      );
      t.equal(found.filter(({ key }) => key === '2001:db8::1').length, 1);
    }
    t.equal(new Set(found.map(({ headers }) => headers)).size, 1001, 'an id for each');
    await dispatcher.close(1000);
  });
}

t.test('brokers that are not there, hang, or speak no TLS', { timeout: 60_000 }, async (t) => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
    socket.resume();
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    sockets.forEach((socket) => socket.destroy());
    silent.close();
  });
  const { port } = silent.address() as { port: number };
  const base = { type: 'kafka', topic: 'ids' } as const;
  const dispatcher = await openOutputs(
    t,
    [
      { ...base, name: 'none', brokers: [`127.0.0.1:${await freePort()}`] },
      { ...base, name: 'silent', brokers: [`127.0.0.1:${port}`] },
      { ...base, name: 'tls', brokers: [`127.0.0.1:${port}`], tls: {} },
    ],
    { timeout: 1500 },
  );
  dispatcher.push([numbered(0)]);
  await until(() => dispatcher.status().every(({ retries }) => retries > 1), { deadline: 30_000 });
  for (const status of dispatcher.status()) {
    t.match(status, { delivered: 0, pending: 1 });
    t.notMatch(status.lastError?.message, /\n/);
  }
  t.match(dispatcher.status()[0]?.lastError?.message, /^kafka:\/\/127\.0\.0\.1:\d+ ids: .*(ECONNREFUSED|timeout)/);
  t.match(dispatcher.status()[1]?.lastError?.message, /time/i);
  await dispatcher.close(0);
  await until(() => sockets.size === 0, { message: 'no socket is left open' });
  t.ok(dispatcher.status().every(closes));
});

const unpacked = unpackSyslogNg();
t.test('TLS from a stranger', { skip: 'reason' in unpacked ? unpacked.reason : false }, async (t) => {
  const folder = t.testdir();
  const [authority, stranger] = [new Authority(folder, 'authority'), new Authority(folder, 'stranger')];
  const port = await freePort();
  // Any server that speaks TLS will do: the certificate is looked at before a word of Kafka.
  const tls = authority.issue('server', 'DNS:localhost');
  const server = new SyslogNg(t, folder, 'root' in unpacked ? unpacked.root : '', { port, tls });
  await server.start();
  const dispatcher = await openOutputs(t, [
    { type: 'kafka', brokers: [`localhost:${port}`], tls: { ca: stranger.ca } },
  ]);
  dispatcher.push([numbered(0)]);
  const error = await until(() => dispatcher.status()[0]?.lastError, { deadline: 20_000 });
  t.match(error.message, /nobody who is known here/);
  await dispatcher.close(0);
});
