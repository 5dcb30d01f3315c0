// SPDX-License-Identifier: Apache-2.0
// Receivers that decide on single records, in any order.
import t from 'tap';
import {
  DeliveryError,
  Dispatcher,
  OutboxStore,
  outputsSchema,
  type Batch,
  type Detection,
  type LineBatch,
  type Sink,
} from '../../../alerts/index.js';
import { Fates } from '../../../alerts/fates.js';
import type { Fate } from '../../../alerts/sinks/sink.js';
import { until } from '../../helpers/until.js';
import { numbered, numberOf } from './samples.js';

const batchOf = (from: number, to: number): Detection[] =>
  Array.from({ length: to - from }, (_, i) => numbered(from + i));
const numbers = ({ entries }: Batch): number[] => entries.map(({ line }) => numberOf(JSON.parse(line)));

class Deciding implements Sink {
  readonly name = 'deciding';
  readonly target = 'test';
  readonly calls: number[][] = [];
  readonly #fate: (record: number, call: number) => Fate;
  readonly #number: (batch: Batch) => number[];

  constructor(fate: (record: number, call: number) => Fate, number = numbers) {
    this.#fate = fate;
    this.#number = number;
  }

  deliver(batch: Batch): Promise<void> {
    const given = this.#number(batch);
    const fates = given.map((record) => this.#fate(record, this.calls.length));
    this.calls.push(given);
    if (fates.every((fate) => fate === 'delivered')) return Promise.resolve();
    return Promise.reject(new DeliveryError('some were not taken', { fates }));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

async function open(sink: Sink, store: OutboxStore, events?: readonly ['http']): Promise<Dispatcher> {
  const [config] = outputsSchema.parse([
    { type: 'stdout', batch: { records: 6 }, ...(events && { events: [...events] }) },
  ]);
  const output = { ...(config as NonNullable<typeof config>), retry: { initial: 1, max: 2 } };
  return Dispatcher.open([output], { sink: () => sink, store });
}

t.test('each record meets its own fate, and only those that wait are sent again', async (t) => {
  const store = OutboxStore.open(`${t.testdir()}/outbox.db`, { keep: 0, keepBytes: 0 });
  t.teardown(() => store.close());
  const sink = new Deciding((record, call) => {
    if (record === 1) return { refused: 'no mapping' };
    if (record === 4) return 'lost';
    return record === 2 && call < 2 ? 'retry' : 'delivered';
  });
  const dispatcher = await open(sink, store);
  t.teardown(() => dispatcher.close(0));
  dispatcher.push(batchOf(0, 8));
  await until(() => dispatcher.status()[0]?.pending === 0);
  t.same(sink.calls, [[0, 1, 2, 3, 4, 5], [2], [2], [6, 7]]);
  t.match(dispatcher.status()[0], { raised: 8, delivered: 6, dropped: 2, dead: 1, retries: 2 });
  const [letter] = dispatcher.output('deciding').outbox.deadLetters(10);
  t.match(letter, { error: 'no mapping', detection: { count: 2 } });
});

t.test('refused ones alone need no second try', async (t) => {
  const store = OutboxStore.open(`${t.testdir()}/outbox.db`, { keep: 0, keepBytes: 0 });
  t.teardown(() => store.close());
  const sink = new Deciding((record) => (record < 3 ? { refused: `r${record}` } : 'delivered'));
  const dispatcher = await open(sink, store);
  t.teardown(() => dispatcher.close(0));
  dispatcher.push(batchOf(0, 6));
  await until(() => dispatcher.status()[0]?.pending === 0);
  t.equal(sink.calls.length, 1);
  t.match(dispatcher.status()[0], { delivered: 3, dropped: 3, dead: 3, retries: 0, circuit: 'closed' });
  t.same(
    dispatcher
      .output('deciding')
      .outbox.deadLetters(10)
      .map(({ error }) => error),
    ['r0', 'r1', 'r2'],
  );
});

t.test('log lines', async (t) => {
  const store = OutboxStore.open(`${t.testdir()}/outbox.db`, { keep: 0, keepBytes: 0 });
  t.teardown(() => store.close());
  const sink = new Deciding(
    (record, call) => (record % 5 === 1 ? { refused: 'x' } : record === 2 && call === 0 ? 'retry' : 'delivered'),
    ({ entries }) => entries.map(({ line }) => Number(line)),
  );
  const dispatcher = await open(sink, store, ['http']);
  t.teardown(() => dispatcher.close(0));
  const text = Array.from({ length: 8 }, (_, i) => `${i}\n`).join('');
  const batch: LineBatch = { kind: 'http', count: 8, bytes: Buffer.from(text) };
  dispatcher.pushLines([batch]);
  await until(() => dispatcher.status()[0]?.lines?.pending === 0);
  t.same(sink.calls, [
    [0, 1, 2, 3, 4, 5],
    [2, 6, 7],
  ]);
  t.match(dispatcher.status()[0]?.lines, { raised: 8, delivered: 6, failed: 2, dropped: 0 });
});

t.test('what is decided behind an open record waits for it', async (t) => {
  const [a, b, c] = batchOf(0, 3).map((_, i) => ({ kind: 'alert', line: String(i), bytes: 1 }) as const);
  if (!a || !b || !c) return t.fail();
  const fates = new Fates([a, b, c]);
  fates.decide(b, 'delivered');
  fates.decide(c, 'lost');
  t.same([...fates.settled()], []);
  t.same([fates.open, fates.waiting], [[a], 3]);
  fates.decide(a, 'delivered');
  t.same(
    [...fates.settled()],
    [
      { fate: 'delivered', entries: [a, b] },
      { fate: 'lost', entries: [c] },
    ],
  );
  return t.equal(fates.waiting, 0);
});
