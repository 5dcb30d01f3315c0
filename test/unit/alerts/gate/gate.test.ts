// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import {
  Dispatcher,
  engineRecord,
  outputsSchema,
  Told,
  toEve,
  type Batch,
  type Detection,
  type OutputInput,
  type Sink,
} from '../../../../alerts/index.js';
import { Gate, type GateConfig } from '../../../../alerts/gate/gate.js';
import { until } from '../../../helpers/until.js';
import { blocked6, numbered, rule, synFin } from '../samples.js';

type Pass = (detection: Detection, now: number) => boolean;

const gate = (input: object): Pick<Gate, 'due'> & { takes: (detection: Detection) => boolean; pass: Pass } => {
  const [config] = outputsSchema.parse([{ type: 'stdout', ...input }]);
  const made = new Gate(config as GateConfig);
  return {
    takes: (detection) => made.takes(Told.of(detection)),
    pass: (detection, now) => made.pass(Told.of(detection), now),
    due: (now, all) => made.due(now, all),
  };
};
const notice = engineRecord({ level: 'Error', module: 'feeds', reason: 'feed-shrank', message: 'x', timeUs: 1 });
const allowed: Detection = { ...synFin, verdict: 'pass', rule: { ...rule, severity: 3, sid: 7, action: 'allowed' } };

t.test('a filter takes what meets all of it', async (t) => {
  const takes = (filter: object): boolean[] => [synFin, allowed, blocked6, notice].map(gate({ filter }).takes);
  t.strictSame(takes({}), [true, true, true, true]);
  t.strictSame(takes({ severity: 2 }), [true, false, false, true]);
  t.strictSame(takes({ classtypes: ['attempted-recon'] }), [true, true, false, false]);
  t.strictSame(takes({ sids: [7] }), [false, true, false, false]);
  t.strictSame(takes({ sids: ['9000000-9000999', 7] }), [true, true, false, false]);
  t.strictSame(takes({ actions: ['dropped'] }), [true, false, true, false]);
  t.strictSame(takes({ actions: ['allowed'] }), [false, true, false, false]);
  t.strictSame(takes({ tags: ['tag stealth'] }), [true, true, false, false]);
  t.strictSame(takes({ tags: ['tag other', 'created_at'] }), [true, true, false, false]);
  t.strictSame(takes({ tags: ['tag other'] }), [false, false, false, false]);
  t.strictSame(takes({ tags: ['tag'], severity: 2 }), [true, false, false, false]);
  t.strictSame(takes({ except: { sids: [7] } }), [true, false, true, true]);
  t.strictSame(takes({ except: { actions: ['dropped'], severity: 2 } }), [false, true, true, true]);
  const monitored = { ...synFin, would: true };
  t.notOk(gate({ filter: { actions: ['dropped'] } }).takes(monitored), 'in monitor mode nothing was dropped');
});

t.test('filters that are wrong', async (t) => {
  const bad = [
    { sids: ['9-1'] },
    { sids: ['x'] },
    { severity: 0 },
    { actions: ['burnt'] },
    { tags: ['a,b'] },
    { colour: 1 },
  ];
  for (const filter of bad)
    t.notOk(outputsSchema.safeParse([{ type: 'stdout', filter }]).success, JSON.stringify(filter));
});

t.test('repeats are told as one record at the end of the window', async (t) => {
  const one = gate({ collapse: { window: '10s' } });
  const at = (us: number, more: object = {}): Detection => ({ ...synFin, timeUs: us, ...more });
  t.ok(one.pass(at(1), 0));
  t.notOk(one.pass(at(2), 1000));
  t.notOk(one.pass(at(3, { sport: 9 }), 2000), 'ports do not matter');
  t.ok(one.pass(at(4, { src: '192.0.2.9' }), 2000), 'addresses do');
  t.ok(one.pass(at(5, { rule: { ...rule, sid: 8 } }), 2000), 'and rules');
  t.ok(
    one.pass(at(6, { kind: 'drop' }), 2000) && one.pass(at(7, { kind: 'drop' }), 2000),
    'an audit of drops stays whole',
  );
  t.ok(one.pass(notice, 0) && one.pass(notice, 0));
  t.strictSame(one.due(9999), []);
  t.strictSame(one.due(10_000), [{ ...at(3, { sport: 9 }), repeats: { count: 2, first: 2, last: 3 } }]);
  t.strictSame(one.due(99_000), [], 'what came once is not told again');
  t.ok(one.pass(at(8), 99_000), 'a new window');
  t.notOk(one.pass(at(9), 99_001));
  t.match(one.due(99_002, true), [{ repeats: { count: 1 } }], 'at the end all is told');
  const drops = gate({ collapse: { window: '10s', events: ['drop'] } });
  t.ok(drops.pass(blocked6, 0));
  t.notOk(drops.pass(blocked6, 1));
});

t.test('one record a window, if the first is held too', async (t) => {
  const one = gate({ collapse: { window: '10s', first: 'held' } });
  const at = (us: number, more: object = {}): Detection => ({ ...synFin, timeUs: us, ...more });
  for (const us of [1, 2, 3]) t.notOk(one.pass(at(us), us));
  t.notOk(one.pass(at(4, { src: '192.0.2.9' }), 4));
  t.ok(one.pass(at(5, { kind: 'drop' }), 5), 'an audit of drops stays whole');
  t.strictSame(one.due(10_000), []);
  t.strictSame(one.due(10_004), [
    { ...at(3), repeats: { count: 3, first: 1, last: 3 } },
    { ...at(4, { src: '192.0.2.9' }), repeats: { count: 1, first: 4, last: 4 } },
  ]);
  t.notOk(one.pass(at(6), 11_000), 'a new window');
  t.match(one.due(11_001, true), [{ repeats: { count: 1, first: 6 } }]);
});

t.test('a window that is over and was not told yet takes repeats until it is', async (t) => {
  const one = gate({ collapse: { window: '10s' } });
  one.pass(synFin, 0);
  t.notOk(one.pass(synFin, 1));
  t.notOk(one.pass(synFin, 20_000));
  t.match(one.due(20_001), [{ repeats: { count: 2 } }]);
});

t.test('a rate limit holds back and says how many', async (t) => {
  const one = gate({ limit: { records: 3, per: '10s' } });
  const passed = (count: number, now: number): number =>
    Array.from({ length: count }, () => one.pass(synFin, now)).filter(Boolean).length;
  t.equal(passed(10, 1_000_000), 3);
  t.strictSame(one.due(1_005_000), []);
  t.match(one.due(1_010_000), [
    { kind: 'engine', count: 7, reason: 'output-rate-limit', engine: { module: 'outputs' } },
  ]);
  t.strictSame(one.due(1_020_000), []);
  t.equal(passed(10, 1_010_000), 3);
  t.equal(passed(10, 1_013_334), 1, 'a third of the time, a third of the records');
  t.match(one.due(1_013_335, true), [{ count: 16 }]);
});

class Collector implements Sink {
  readonly name = 'stdout';
  readonly target = 'here';
  readonly got: Detection[] = [];
  async deliver(batch: Batch): Promise<void> {
    this.got.push(...batch.entries.flatMap(({ detection }) => detection ?? []));
  }
  async close(): Promise<void> {}
}

async function open(input: Partial<OutputInput>): Promise<{ sink: Collector; dispatcher: Dispatcher }> {
  const sink = new Collector();
  const configs = outputsSchema.parse([{ type: 'stdout', ...input }]);
  return { sink, dispatcher: await Dispatcher.open(configs, { sink: () => sink }) };
}

t.test('what is held back is suppressed, what is not taken was not raised', async (t) => {
  const { sink, dispatcher } = await open({
    filter: { sids: [rule.sid] },
    collapse: { window: '1s' },
    limit: { records: 2, per: '60s' },
  });
  dispatcher.push([allowed, synFin, synFin, synFin]);
  dispatcher.push([{ ...synFin, src: '192.0.2.1' }, { ...synFin, src: '192.0.2.2' }, notice]);
  await until(() => sink.got.length === 2);
  t.match(dispatcher.status()[0], { raised: 5, delivered: 2, suppressed: 3, pending: 0, dropped: 0 });
  await until(() => sink.got.length === 3, { deadline: 10_000 });
  t.match(toEve(sink.got[2] as Detection), { ids: { repeats: { count: 2 } } });
  await dispatcher.close(1000);
  t.match(sink.got[3], { reason: 'output-rate-limit', count: 1 });
  t.match(dispatcher.status()[0], { raised: 7, delivered: 4, suppressed: 3 });
});

t.test('an audit of many different ones is not touched', async (t) => {
  const { sink, dispatcher } = await open({ collapse: {} });
  dispatcher.push(Array.from({ length: 500 }, (_, i) => ({ ...numbered(i), src: `10.0.${i >> 8}.${i & 255}` })));
  await until(() => sink.got.length === 500);
  await dispatcher.close(100);
  t.equal(sink.got.length, 500);
});
