// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { DeliveryError, Dispatcher, outputsSchema, type Batch, type Sink } from '../../../alerts/index.js';
import { Portion } from '../../../alerts/portion.js';
import { TookTooLong } from '../../../alerts/sinks/sink.js';
import { until } from '../../helpers/until.js';
import { numbered, numberOf } from './samples.js';

t.test('halves, and grows up to the whole again', async (t) => {
  const entries = Array.from({ length: 10 }, (_, i) => ({ kind: 'alert', line: String(i), bytes: 1 }) as const);
  const lease: Batch = { id: 'x', entries };
  const portion = new Portion();
  t.strictSame(portion.of(lease, entries), lease);
  portion.less(10);
  t.strictSame(portion.of(lease, entries), { id: 'x.0-5', entries: entries.slice(0, 5) });
  t.strictSame(portion.of(lease, entries.slice(5)), { id: 'x.5-5', entries: entries.slice(5) });
  portion.less(1);
  t.equal(portion.of(lease, entries).entries.length, 1, 'not less than one');
  for (let records = 2; records < 10; records++) {
    portion.more(10);
    t.equal(portion.records, records);
  }
  portion.more(10);
  t.equal(portion.records, Infinity);
  portion.less(400);
  portion.more(500);
  t.equal(portion.records, 210);
});

t.test('records that come through in parts stay in order, and refused ones hold up no other', async (t) => {
  const sizes: number[] = [];
  const got: number[] = [];
  const sink: Sink = {
    name: 'slow',
    target: 'there',
    deliver: async ({ entries }) => {
      sizes.push(entries.length);
      if (entries.length > 3) throw new DeliveryError('late', { cause: new TookTooLong('late') });
      const numbers = entries.map(({ line }) => numberOf(JSON.parse(line)));
      got.push(...numbers);
      if (numbers.includes(4)) throw new DeliveryError('no', { final: true });
    },
    close: async () => undefined,
  };
  const [config] = outputsSchema.parse([{ type: 'stdout', name: 'slow', batch: { records: 12 } }]);
  const output = { ...(config as NonNullable<typeof config>), retry: { initial: 1, max: 2 } };
  const dispatcher = await Dispatcher.open([output], { sink: () => sink });
  dispatcher.push(Array.from({ length: 12 }, (_, n) => numbered(n)));
  await until(() => dispatcher.status()[0]?.pending === 0);
  t.strictSame(got, [...Array(12).keys()]);
  t.strictSame(sizes.slice(0, 6), [12, 6, 3, 4, 2, 2]);
  const { delivered = 0, dropped = 0 } = dispatcher.status()[0] ?? {};
  t.equal(delivered + dropped, 12);
  t.ok(dropped > 0 && dropped <= 3, 'those of the part that was refused');
  await dispatcher.close(0);
});
