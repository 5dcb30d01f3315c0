// SPDX-License-Identifier: Apache-2.0
// Kafka, in the mock cluster of librdkafka, read back with kcat.
import { createHook } from 'node:async_hooks';
import { createServer, type Socket } from 'node:net';
import t from 'tap';
import { until } from '../helpers/until.js';
import { blocked6, numbered, numberOf } from '../unit/alerts/samples.js';
import { closes, freePort, openOutputs } from './outputs-receivers.js';
import { KafkaCluster } from './support/kafka-cluster.js';

// They wait most of the time.
t.jobs = 3;

const count = (n: number): number[] => [...Array(n).keys()];

/** How often a library looks through queues of requests in so many milliseconds. */
async function looksThroughQueues(ms: number): Promise<number> {
  let looks = 0;
  const timeouts = createHook({
    init: (_, type) => {
      if (type === 'Timeout' && new Error().stack?.includes('requestQueue')) looks++;
    },
  }).enable();
  await new Promise((resolve) => setTimeout(resolve, ms));
  timeouts.disable();
  return looks;
}

for (const options of [{}, { compression: 'gzip', key: 'id' }] as const) {
  t.test(`all arrive: ${JSON.stringify(options)}`, { buffered: true }, async (t) => {
    const cluster = await KafkaCluster.start(t, 2);
    const dispatcher = await openOutputs(t, [
      { type: 'kafka', brokers: [...cluster.brokers], topic: 'ids', ...options },
    ]);
    dispatcher.push(Array.from({ length: 1000 }, (_, n) => numbered(n)));
    await until(() => dispatcher.status()[0]?.delivered === 1000, {
      deadline: 30_000,
      message: () => JSON.stringify(dispatcher.status()[0]),
    });
    dispatcher.push([{ ...blocked6, count: 1001 }]);
    await until(() => dispatcher.status()[0]?.delivered === 1001);
    const found = await cluster.messages('ids');
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
    t.ok((await looksThroughQueues(300)) < 5, 'a producer at rest is at rest');
    await dispatcher.close(1000);
  });
}

t.test('brokers that are not there, hang, or speak no TLS', { timeout: 60_000, buffered: true }, async (t) => {
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
