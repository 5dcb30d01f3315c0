// SPDX-License-Identifier: Apache-2.0
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import {
  DeliveryError,
  Dispatcher,
  outputsSchema,
  OutboxStore,
  testOutput,
  type Batch,
  type OutputStatus,
  type Sink,
} from '../../../../alerts/index.js';
import { until } from '../../../helpers/until.js';
import { numbered, synFin } from '../samples.js';

/** By then the store knows what was delivered. */
const SETTLED_MS = 200;
const keep = { keep: 3_600_000, keepBytes: 1e9 };
const batchOf = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => numbered(from + i));
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

class FakeSink implements Sink {
  readonly target = 'nowhere';
  readonly name: string;
  readonly got: number[] = [];
  readonly ids: string[] = [];
  fail: ((batch: Batch) => Error | undefined) | undefined;

  constructor(name: string) {
    this.name = name;
  }

  async deliver(batch: Batch): Promise<void> {
    this.ids.push(batch.id);
    const error = this.fail?.(batch);
    if (error) throw error;
    this.got.push(...batch.entries.map((entry) => (entry.detection?.count ?? 0) - 1));
  }

  async close(): Promise<void> {}
}

const down = () => new Error('down');

async function open(store: OutboxStore, sinks: readonly FakeSink[], patch: object = {}): Promise<Dispatcher> {
  const configs = outputsSchema
    .parse(sinks.map(({ name }) => ({ type: 'stdout', name, events: ['alert'] })))
    .map((config) => ({ ...config, retry: { initial: 5, max: 10 }, batch: { records: 50, bytes: 1e6 }, ...patch }));
  return Dispatcher.open(configs, { store, sink: ({ name }) => sinks.find((sink) => sink.name === name) as Sink });
}

const closes = ({ raised, delivered, pending, suppressed, expired, dropped }: OutputStatus): boolean =>
  raised === delivered + pending + suppressed + expired + dropped;

t.test('what waits is there after a restart, in order, for each output on its own', async (t) => {
  const file = join(t.testdir(), 'outbox.db');
  let store = OutboxStore.open(file, keep);
  const [one, two] = [new FakeSink('one'), new FakeSink('two')];
  one.fail = down;
  let dispatcher = await open(store, [one, two]);
  for (let n = 0; n < 1000; n += 10)
    dispatcher.push([...batchOf(n, n + 9), { ...numbered(n), kind: 'drop' }, numbered(n + 9)]);
  await until(() => two.got.length === 1000);
  t.match(dispatcher.status()[0], { raised: 1000, delivered: 0, pending: 1000, dropped: 0, durable: true });
  await dispatcher.close(0);
  const before = one.ids.at(-1);
  store.close();

  store = OutboxStore.open(file, keep);
  one.fail = undefined;
  two.fail = down;
  dispatcher = await open(store, [one, two]);
  t.match(dispatcher.status()[1], { raised: 1000, delivered: 1000, pending: 0 });
  dispatcher.push(batchOf(1000, 1010));
  await until(() => one.got.length === 1010);
  t.strictSame(one.got, range(0, 1010));
  t.ok(one.ids.includes(before ?? ''), 'the batch that was refused has the same id');
  t.match(dispatcher.status(), [
    { raised: 1010, delivered: 1010, pending: 0 },
    { raised: 1010, delivered: 1000, pending: 10 },
  ]);
  t.ok(dispatcher.status().every(closes));
  await dispatcher.close(0);
  store.close();
});

t.test('a process that dies loses nothing that push() took', async (t) => {
  const file = join(t.testdir(), 'outbox.db');
  const store = OutboxStore.open(file, keep);
  const sink = new FakeSink('one');
  const dispatcher = await open(store, [sink], { batch: { records: 7, bytes: 1e6 } });
  sink.fail = () => (sink.got.length >= 21 ? down() : undefined);
  dispatcher.push(batchOf(0, 30));
  await until(() => sink.got.length === 21 && dispatcher.status()[0]?.state === 'retrying');
  await pause(SETTLED_MS);
  // What a new process would find: a copy of the file and its log, as they are now.
  const copy = `${file}.copy`;
  copyFileSync(file, copy);
  copyFileSync(`${file}-wal`, `${copy}-wal`);
  await dispatcher.close(0);
  store.close();
  const later = OutboxStore.open(copy, keep);
  const again = new FakeSink('one');
  const second = await open(later, [again]);
  await until(() => again.got.length === 9);
  t.strictSame(again.got, range(21, 30));
  t.match(second.status()[0], { raised: 30, delivered: 30, pending: 0 });
  await second.close(0);
  later.close();
});

t.test('more than memory holds waits on disk, and goes out in order', async (t) => {
  const store = OutboxStore.open(join(t.testdir(), 'outbox.db'), keep);
  const sink = new FakeSink('one');
  sink.fail = down;
  const dispatcher = await open(store, [sink], { batch: { records: 2000, bytes: 1e7 } });
  const fat = 'x'.repeat(2000);
  for (let n = 0; n < 10_000; n += 100) {
    dispatcher.push(batchOf(n, n + 100).map((one) => ({ ...one, http: { url: fat } })));
  }
  t.match(dispatcher.status()[0], { pending: 10_000, dropped: 0 });
  sink.fail = undefined;
  await until(() => sink.got.length === 10_000);
  t.strictSame(sink.got, range(0, 10_000));
  t.match(dispatcher.status()[0], { pending: 0, pendingBytes: 0, delivered: 10_000 });
  await dispatcher.close(0);
  store.close();
});

t.test('what a receiver refuses for good is a dead letter', async (t) => {
  const file = join(t.testdir(), 'outbox.db');
  let store = OutboxStore.open(file, keep);
  const sink = new FakeSink('one');
  sink.fail = () => (sink.ids.length === 1 ? new DeliveryError('too odd', { final: true }) : undefined);
  let dispatcher = await open(store, [sink], { batch: { records: 3, bytes: 1e6 } });
  dispatcher.push(batchOf(0, 6));
  await until(() => sink.got.length === 3);
  t.match(dispatcher.status()[0], { raised: 6, delivered: 3, dropped: 3, dead: 3 });
  await dispatcher.close(0);
  store.close();
  store = OutboxStore.open(file, keep);
  dispatcher = await open(store, [new FakeSink('one')]);
  t.match(dispatcher.status()[0], { dead: 3, dropped: 3 });
  await dispatcher.close(0);
  t.match(store.queue('one').dead(10), [{ error: 'too odd', detection: numbered(0) }, {}, { detection: numbered(2) }]);
  store.close();
});

t.test('what was delivered is let go of after a while, what waits is not', async (t) => {
  const store = OutboxStore.open(join(t.testdir(), 'outbox.db'), { keep: 50, keepBytes: 1e9 });
  const [one, two] = [new FakeSink('one'), new FakeSink('two')];
  const dispatcher = await open(store, [one, two]);
  dispatcher.push(batchOf(0, 10));
  await until(() => one.got.length === 10 && two.got.length === 10);
  two.fail = down;
  dispatcher.push(batchOf(10, 20));
  await until(() => one.got.length === 20);
  const left = (): number[] =>
    [...store.since(0, 'one')].flatMap(({ records }) => records.map((told) => (told?.detection.count ?? 0) - 1));
  await until(() => left().length === 10);
  t.strictSame(left(), range(10, 20));
  await dispatcher.close(0);
  store.collect(Date.now() + 1000, ['one'], 0);
  store.collect(Date.now() + 1000, ['one'], 0);
  t.strictSame(left(), [], 'nor for an output that is no longer there');
  store.close();
});

t.test('a record that could not be put into words is no end of a replay', async (t) => {
  const store = OutboxStore.open(join(t.testdir(), 'outbox.db'), keep);
  const sink = new FakeSink('one');
  const dispatcher = await open(store, [sink]);
  const broken = { ...synFin, generation: 1n as unknown as number };
  dispatcher.push([numbered(0), broken, numbered(1), broken, numbered(2)]);
  await until(() => sink.got.length === 3);
  dispatcher.push([numbered(3)]);
  await until(() => sink.got.length === 4);
  await until(() => dispatcher.status()[0]?.pending === 0);
  t.strictSame(await dispatcher.replay('one', 0), { queued: 4, unreadable: 2 });
  await until(() => sink.got.length === 8);
  t.strictSame(sink.got, [...range(0, 4), ...range(0, 4)], 'each once, and the right ones');
  t.match(dispatcher.status(), [{ raised: 10, delivered: 8, dropped: 2 }]);
  await dispatcher.close(0);
  store.close();
});

t.test('what was raised for one output is replayed to it alone', async (t) => {
  const store = OutboxStore.open(join(t.testdir(), 'outbox.db'), keep);
  const [one, two] = [new FakeSink('one'), new FakeSink('two')];
  const dispatcher = await open(store, [one, two]);
  dispatcher.push([numbered(0)]);
  dispatcher.pushTo('one', [numbered(1)]);
  await until(() => one.got.length === 2 && two.got.length === 1);
  await until(() => dispatcher.status().every(({ pending }) => pending === 0));
  t.match(await dispatcher.replay('one', 0), { queued: 2 });
  t.match(await dispatcher.replay('two', 0), { queued: 1 });
  await until(() => one.got.length === 4 && two.got.length === 2);
  t.strictSame(
    [one.got, two.got],
    [
      [0, 1, 0, 1],
      [0, 0],
    ],
  );
  await dispatcher.close(0);
  store.close();
});

t.test('a test does not wait for the next try', async (t) => {
  const store = OutboxStore.open(join(t.testdir(), 'outbox.db'), keep);
  const sink = new FakeSink('one');
  sink.fail = down;
  const dispatcher = await open(store, [sink], { retry: { initial: 3_600_000, max: 3_600_000 } });
  dispatcher.push([numbered(0)]);
  await until(() => dispatcher.status()[0]?.retries === 1);
  sink.fail = undefined;
  t.match(await testOutput(dispatcher, 'one'), { outcome: 'delivered' });
  t.equal(sink.got[0], 0, 'and takes along what waits');
  await dispatcher.close(0);
  store.close();
});

t.test('bounded in bytes', async (t) => {
  const store = OutboxStore.open(join(t.testdir(), 'outbox.db'), { keep: 3_600_000, keepBytes: 5000 });
  const sink = new FakeSink('one');
  const dispatcher = await open(store, [sink]);
  for (let n = 0; n < 50; n++) dispatcher.push([numbered(n)]);
  await until(() => sink.got.length === 50);
  await pause(SETTLED_MS);
  store.collect(Date.now(), ['one'], 1e9);
  const kept = [...store.since(0, 'one')].flatMap(({ records }) => records.map((told) => told?.detection));
  t.ok(kept.length > 0 && JSON.stringify(kept).length < 5500);
  t.equal(kept.at(-1)?.count, 50, 'the latest stay');
  await dispatcher.close(0);
  store.close();
});

t.test('a damaged file is moved aside', async (t) => {
  const file = join(t.testdir(), 'outbox.db');
  writeFileSync(file, 'this is no database, and it is long enough to be looked at as one'.repeat(100));
  const store = OutboxStore.open(file, keep);
  t.match(store.damaged, /outbox\.db\.damaged-\d+$/);
  const sink = new FakeSink('one');
  const dispatcher = await open(store, [sink]);
  dispatcher.push([synFin]);
  await until(() => sink.got.length === 1);
  await dispatcher.close(0);
  store.close();
});
