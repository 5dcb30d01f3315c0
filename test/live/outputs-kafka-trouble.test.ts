// SPDX-License-Identifier: Apache-2.0
// Kafka when it goes wrong: errors of every kind, brokers that go and come, leaders that move.
import t from 'tap';
import { OutboxStore, type Dispatcher, type OutputInput, type OutputStatus } from '../../alerts/index.js';
import { until } from '../helpers/until.js';
import { numbered, numberOf, request } from '../unit/alerts/samples.js';
import { closes, openOutputs } from './outputs-receivers.js';
import { KafkaCluster, type KafkaMessage } from './support/kafka-cluster.js';

// They wait most of the time.
t.jobs = 4;

const PRODUCE = 0;
const [LEADER_NOT_AVAILABLE, NOT_LEADER, TIMED_OUT, TOO_LARGE, NOT_ENOUGH_REPLICAS, BAD_TIME] = [5, 6, 7, 10, 19, 32];
const [UNKNOWN_TOPIC, FORBIDDEN_TOPIC, INVALID] = [3, 29, 87];
const CUT = -195;

const count = (n: number, from = 0): number[] => Array.from({ length: n }, (_, i) => from + i);
const records = (n: number, from = 0) => count(n, from).map((i) => numbered(i));
const numbers = (found: readonly KafkaMessage[]): number[] => found.map(({ value }) => numberOf(JSON.parse(value)));
const sorted = (found: readonly KafkaMessage[]): number[] => numbers(found).sort((a, b) => a - b);
/** What is left when a receiver strikes out what it has seen. */
const first = (found: readonly KafkaMessage[]): KafkaMessage[] => {
  const seen = new Set<string>();
  return found.filter(({ headers }) => !seen.has(headers) && seen.add(headers));
};

const statusOf = (dispatcher: Dispatcher): OutputStatus => dispatcher.status()[0] as OutputStatus;
const delivered = (dispatcher: Dispatcher, n: number): Promise<unknown> =>
  until(() => statusOf(dispatcher).delivered === n, { message: () => JSON.stringify(statusOf(dispatcher)) });
const output = ({ brokers }: KafkaCluster, more: object = {}): OutputInput[] => [
  { type: 'kafka', brokers: [...brokers], ...more },
];

t.test('what is refused for good is a dead letter; the others go on', { buffered: true }, async (t) => {
  const cluster = await KafkaCluster.start(t);
  await cluster.tell('topic', 'ids', 1, 1);
  // The four together, the first two, the other two, and each of these.
  await cluster.tell('errors', PRODUCE, TOO_LARGE, 0, TOO_LARGE, TOO_LARGE, 0);
  const store = OutboxStore.open(`${t.testdir()}/outbox.db`, { keep: 0, keepBytes: 0 });
  t.teardown(() => store.close());
  const dispatcher = await openOutputs(t, output(cluster), {}, { store });
  dispatcher.push(records(4));
  await delivered(dispatcher, 3);
  t.match(statusOf(dispatcher), { dropped: 1, dead: 1, pending: 0, retries: 0, state: 'idle' });
  const [letter] = dispatcher.output('kafka').outbox.deadLetters(10);
  t.match(letter, { error: /^kafka:\/\/.* ids: .*larger than the max message size/, detection: { count: 3 } });
  t.strictSame(numbers(await cluster.messages('ids')), [0, 1, 3]);
  t.equal(dispatcher.settleDead('kafka', 'retry'), 1);
  await delivered(dispatcher, 4);

  const long = { ...request, http: { url: 'x'.repeat(20_000), headers: `A: ${'y'.repeat(20_000)}` } };
  await cluster.tell('errors', PRODUCE, TOO_LARGE);
  dispatcher.push([{ ...long, count: 101 }]);
  await delivered(dispatcher, 5);
  await cluster.tell('errors', PRODUCE, TOO_LARGE, TOO_LARGE);
  dispatcher.push([{ ...long, count: 102 }]);
  await until(() => statusOf(dispatcher).dead === 1);
  await cluster.tell('errors', PRODUCE, BAD_TIME);
  dispatcher.push(records(2, 200));
  await delivered(dispatcher, 7);
  const found = await cluster.messages('ids');
  t.strictSame(numbers(found), [0, 1, 3, 2, 100, 200, 201]);
  t.match(JSON.parse(found[4]?.value ?? ''), { ids: { shortened: true } });
  const now = Date.now();
  const times = found.map(({ time }) => Math.abs(now - time) < 60_000);
  t.strictSame(times, [false, false, false, false, false, true, true], 'of sending where the broker wants no other');
  t.ok(closes(statusOf(dispatcher)));
  await dispatcher.close(0);
});

t.test('errors that pass: all arrive in order', { buffered: true }, async (t) => {
  const cluster = await KafkaCluster.start(t);
  await cluster.tell('topic', 'ids', 1, 1);
  const dispatcher = await openOutputs(t, output(cluster, { batch: { records: 50 } }));
  await cluster.tell('errors', PRODUCE, NOT_LEADER, 0, TIMED_OUT, LEADER_NOT_AVAILABLE, 0, NOT_ENOUGH_REPLICAS, CUT);
  dispatcher.push(records(200));
  await delivered(dispatcher, 200);
  // More than its library tries.
  await cluster.tell('errors', PRODUCE, ...count(9).map(() => NOT_ENOUGH_REPLICAS));
  dispatcher.push(records(10, 200));
  await delivered(dispatcher, 210);
  t.ok(statusOf(dispatcher).retries > 0);
  t.match(statusOf(dispatcher), { dropped: 0, lastError: { message: /in-sync replicas/ } });
  t.strictSame(numbers(await cluster.messages('ids')), count(210));
  await cluster.tell('leader', 'ids', 0, -1);
  dispatcher.push(records(1, 210));
  await until(() => /partition has no leader/.test(statusOf(dispatcher).lastError?.message ?? ''));
  await cluster.tell('leader', 'ids', 0, 1);
  await delivered(dispatcher, 211);
  // The first try is appended, and its answer comes too late.
  await cluster.tell('at', 1, PRODUCE, '0:1500');
  await dispatcher.close(0);
  const hasty = await openOutputs(t, output(cluster), { timeout: 500 });
  hasty.push(records(10, 211));
  await delivered(hasty, 10);
  const found = await cluster.messages('ids');
  t.ok(found.length > 221, 'twice');
  t.strictSame(numbers(first(found)), count(221), 'of the same id');
  await hasty.close(0);

  await cluster.tell('at', 1, PRODUCE, `${INVALID}:0`, `${FORBIDDEN_TOPIC}:0`);
  const keyless = await openOutputs(t, output(cluster, { key: 'none' }));
  await cluster.tell('refuse', 'ids', UNKNOWN_TOPIC);
  keyless.push(records(1));
  const told = new Set<string>();
  await until(() => told.add(statusOf(keyless).lastError?.message ?? '').size > 1);
  await cluster.tell('refuse', 'ids', 0);
  await until(() => told.add(statusOf(keyless).lastError?.message ?? '') && statusOf(keyless).delivered === 1, {
    interval: 1,
  });
  t.match([...told].slice(1), [/has no such topic/, /compacted one\? Then set key$/, /ACL has to allow us Write/]);
  t.match(statusOf(keyless), { delivered: 1, dropped: 0 });
  await keyless.close(0);
});

for (const key of ['none', 'id'] as const) {
  t.test(
    `a leader that moves, brokers that go and come: nothing is lost (key: ${key})`,
    { buffered: true },
    async (t) => {
      const cluster = await KafkaCluster.start(t, 2);
      await cluster.tell('topic', 'ids', 2, 2);
      await cluster.tell('leader', 'ids', 0, 1);
      await cluster.tell('leader', 'ids', 1, 2);
      const dispatcher = await openOutputs(t, output(cluster, { key }), { timeout: 2000 });
      dispatcher.push(records(20));
      await delivered(dispatcher, 20);
      t.equal(new Set((await cluster.messages('ids')).map(({ partition }) => partition)).size, 2);

      await cluster.tell('at', 2, PRODUCE, `${NOT_LEADER}:0`);
      dispatcher.push(records(21, 20));
      await delivered(dispatcher, 41);
      t.strictSame(sorted(first(await cluster.messages('ids'))), count(41), 'one broker of two failed');

      await cluster.tell('leader', 'ids', 1, 1);
      dispatcher.push(records(20, 41));
      await delivered(dispatcher, 61);
      t.strictSame(sorted(first(await cluster.messages('ids'))), count(61), 'both partitions have one leader');

      await cluster.tell('leader', 'ids', 1, 2);
      await cluster.tell('down', 2);
      dispatcher.push(records(20, 61));
      await until(() => statusOf(dispatcher).retries > 0);
      await cluster.tell('up', 2);
      await delivered(dispatcher, 81);
      await cluster.tell('down', -1);
      dispatcher.push(records(20, 81));
      await until(() => statusOf(dispatcher).retries > 2);
      t.equal(statusOf(dispatcher).pending, 20);
      await cluster.tell('up', -1);
      await delivered(dispatcher, 101);
      const found = first(await cluster.messages('ids'));
      t.strictSame(sorted(found), count(101));
      // Without a key a record that is sent again may get into the other partition.
      for (const partition of key === 'id' ? [0, 1] : []) {
        const own = found.filter((message) => message.partition === partition);
        t.strictSame(numbers(own), sorted(own), 'in order');
      }
      t.ok(closes(statusOf(dispatcher)));
      await dispatcher.close(0);
    },
  );
}
