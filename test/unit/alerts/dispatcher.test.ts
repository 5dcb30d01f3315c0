// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import {
  DeliveryError,
  Dispatcher,
  outputsSchema,
  type Batch,
  type OutputConfig,
  type OutputStatus,
  type Sink,
} from '../../../alerts/index.js';
import { until } from '../../helpers/until.js';
import { numbered, synFin } from './samples.js';

type Behaviour = (batch: Batch, signal: AbortSignal, call: number) => Promise<void> | void;

class FakeSink implements Sink {
  readonly name: string;
  readonly target = 'nowhere';
  readonly got: number[] = [];
  readonly ids: string[] = [];
  closed = 0;
  readonly #behaviour: Behaviour;

  constructor(name: string, behaviour: Behaviour = () => undefined) {
    this.name = name;
    this.#behaviour = behaviour;
  }

  async deliver(batch: Batch, signal: AbortSignal): Promise<void> {
    this.ids.push(batch.id);
    await this.#behaviour(batch, signal, this.ids.length);
    this.got.push(...batch.entries.map((entry) => (entry.detection?.count ?? 0) - 1));
  }

  async close(): Promise<void> {
    this.closed++;
  }
}

const configs = (names: readonly string[], patch: object = {}): OutputConfig[] =>
  outputsSchema
    .parse(names.map((name) => ({ type: 'stdout', name })))
    .map((config) => ({ ...config, retry: { initial: 5, max: 20 }, ...patch }));

const open = (sinks: readonly FakeSink[], patch: object = {}, log?: object): Promise<Dispatcher> =>
  Dispatcher.open(
    configs(
      sinks.map((sink) => sink.name),
      patch,
    ),
    { sink: (config) => sinks.find((sink) => sink.name === config.name) as Sink, ...(log as object) },
  );

const batchOf = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => numbered(from + i));
const closes = (status: OutputStatus): boolean =>
  status.raised === status.delivered + status.pending + status.suppressed + status.expired + status.dropped;
const forever: Behaviour = (_batch, signal) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));

t.test('a dead output holds up neither the caller nor a live one', async (t) => {
  const [dead, live] = [new FakeSink('dead', forever), new FakeSink('live')];
  const dispatcher = await open([dead, live], {
    queue: { records: 500, bytes: 1e9, overflow: 'drop-newest', max_age: 60_000 },
  });
  for (let i = 0; i < 20; i++) {
    dispatcher.push(batchOf(i * 100, i * 100 + 100));
    await until(() => live.got.length === (i + 1) * 100);
  }
  t.strictSame(live.got, [...Array(2000).keys()]);
  const [one, two] = dispatcher.status();
  t.match(one, { name: 'dead', state: 'delivering', raised: 2000, delivered: 0, pending: 500, dropped: 1500 });
  t.match(two, { name: 'live', raised: 2000, delivered: 2000, pending: 0, dropped: 0 });
  const before = performance.now();
  await dispatcher.close(50);
  t.ok(performance.now() - before < 2000, 'gives up after the time to drain');
  t.match(dispatcher.status()[0], { state: 'closed', pending: 0, dropped: 2000, delivered: 0 });
  t.ok(dispatcher.status().every(closes));
  t.strictSame([dead.closed, live.closed], [1, 1]);
  await dispatcher.close(50);
  t.equal(dead.closed, 1, 'closed once');
  dispatcher.push(batchOf(0, 5));
  t.match(dispatcher.status()[1], { raised: 2005, dropped: 5 });
});

t.test('tries again under the same id, in order, and tells when it works again', async (t) => {
  const said: string[] = [];
  const log = { info: (_: object, m: string) => said.push(m), warn: (_: object, m: string) => said.push(m) };
  const sink = new FakeSink('flaky', (_batch, _signal, call) => {
    if (call <= 4) throw new Error('not now');
  });
  const dispatcher = await open([sink], {}, { log });
  dispatcher.push(batchOf(0, 30));
  dispatcher.push(batchOf(30, 60));
  await until(() => sink.got.length === 60);
  t.strictSame(sink.got, [...Array(60).keys()]);
  t.equal(new Set(sink.ids.slice(0, 5)).size, 1);
  t.match(dispatcher.status()[0], { delivered: 60, retries: 4, lastError: { message: 'not now' } });
  t.strictSame(said, ['output does not take records; they wait', 'output works again']);
  await dispatcher.close(100);
});

t.test('what is refused for good is counted and the next goes on', async (t) => {
  const sink = new FakeSink('picky', (_batch, _signal, call) => {
    if (call === 2) throw new DeliveryError('no', { final: true });
  });
  const dispatcher = await open([sink], { batch: { records: 10, bytes: 1e6 } });
  dispatcher.push(batchOf(0, 30));
  await until(() => dispatcher.status()[0]?.pending === 0);
  t.match(dispatcher.status()[0], { raised: 30, delivered: 20, dropped: 10, retries: 0 });
  t.strictSame(sink.got, [...Array(10).keys(), ...Array.from({ length: 10 }, (_, i) => i + 20)]);
  await dispatcher.close(100);
});

t.test('a batch that is refused for too long is given up', async (t) => {
  const sink = new FakeSink('old', () => {
    throw new Error('no');
  });
  const dispatcher = await open([sink], {
    retry: { initial: 5, max: 5 },
    queue: { records: 500, bytes: 1e9, overflow: 'drop-newest', max_age: 40 },
  });
  dispatcher.push(batchOf(0, 3));
  await until(() => dispatcher.status()[0]?.expired === 3);
  t.ok((dispatcher.status()[0]?.retries ?? 0) > 1);
  await dispatcher.close(0);
});

t.test('what has arrived of a broken batch is not sent again', async (t) => {
  const sink = new FakeSink('half', (batch, _signal, call) => {
    if (call > 1) return;
    sink.got.push(...batch.entries.slice(0, 4).map((entry) => (entry.detection?.count ?? 0) - 1));
    throw new DeliveryError('broke', { delivered: 4 });
  });
  const dispatcher = await open([sink]);
  dispatcher.push(batchOf(0, 10));
  await until(() => dispatcher.status()[0]?.delivered === 10);
  t.strictSame(sink.got, [...Array(10).keys()]);
  t.ok(dispatcher.status().every(closes));
  await dispatcher.close(0);
});

t.test('Retry-After is honoured, and closing does not wait for it', async (t) => {
  const times: number[] = [];
  const sink = new FakeSink('asked', (_batch, _signal, call) => {
    times.push(performance.now());
    if (call === 1) throw new DeliveryError('later', { retryAfterMs: 300 });
    if (call === 2) throw new DeliveryError('much later', { retryAfterMs: 3_600_000 });
  });
  const dispatcher = await open([sink]);
  dispatcher.push(batchOf(0, 1));
  await until(() => times.length === 2);
  t.ok((times[1] ?? 0) - (times[0] ?? 0) >= 295);
  t.equal(dispatcher.status()[0]?.state, 'retrying');
  await dispatcher.close(5000);
  t.match(dispatcher.status()[0], { delivered: 1, dropped: 0 }, 'one more try at the end');
});

t.test('close delivers what waits', async (t) => {
  const sink = new FakeSink('slow', () => new Promise((resolve) => setTimeout(resolve, 5)));
  const dispatcher = await open([sink], { batch: { records: 10, bytes: 1e6 } });
  dispatcher.push(batchOf(0, 200));
  await dispatcher.close(10_000);
  t.match(dispatcher.status()[0], { delivered: 200, dropped: 0, pending: 0 });
});

t.test('a record that cannot be put into words fails alone', async (t) => {
  const sink = new FakeSink('good');
  const dispatcher = await open([sink]);
  dispatcher.push([numbered(0), { ...synFin, generation: 1n as unknown as number }, numbered(1)]);
  dispatcher.push([{ ...synFin, src: 'not an address' }]);
  await until(() => sink.got.length === 2);
  t.match(dispatcher.status()[0], { raised: 4, delivered: 2, dropped: 2 });
  await dispatcher.close(0);
});

t.test('an output that cannot be opened names itself, and closes those before it', async (t) => {
  const first = new FakeSink('first');
  const sink = (config: OutputConfig): Sink => {
    if (config.name === 'first') return first;
    throw new Error('no such file');
  };
  await t.rejects(Dispatcher.open(configs(['first', 'second']), { sink }), {
    code: 'OUTPUT_FAILED',
    message: 'output "second": no such file',
  });
  t.equal(first.closed, 1);
});
