// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { Origins } from '../../../../engine/lists/origins.js';
import { HitSlots } from '../../../../engine/lists/slots.js';

t.test('counter slots: 0 is nobody’s, a freed one comes back last', async (t) => {
  const slots = new HitSlots(5);
  t.equal(slots.free, 4);
  t.equal(slots.claim(0), false);
  t.equal(slots.claim(5), false);
  t.equal(slots.claim(2), true);
  t.equal(slots.claim(2), false);
  t.same([slots.take(), slots.take()], [1, 3]);
  slots.release(1);
  slots.release(1);
  t.same([slots.take(), slots.take(), slots.take()], [4, 1, 0]);
  slots.release(0);
  t.equal(slots.free, 0);
  t.equal(slots.take(), 0);
});

t.test('no slot is ever handed out twice', async (t) => {
  const slots = new HitSlots(3000);
  const held = new Set<number>();
  for (let i = 0; i < 50_000; i++) {
    if (i % 3 === 2 || slots.free === 0) {
      const [one] = held;
      if (one === undefined) continue;
      held.delete(one);
      slots.release(one);
    } else {
      const slot = slots.take();
      if (slot === 0 || held.has(slot)) return void t.fail(`slot ${slot} at ${i}`);
      held.add(slot);
    }
  }
  t.equal(slots.free, 2999 - held.size);
});

t.test('origins keep their number, until names that nobody uses have to give way', async (t) => {
  const stored: [number, string][] = [];
  const origins = new Origins([[3, 'feed:a']], (id, name) => void stored.push([id, name]));
  t.equal(origins.id('feed:a'), 3);
  t.equal(origins.id('manual'), 1);
  t.equal(origins.id('manual'), 1);
  t.same(stored, [[1, 'manual']]);
  t.same([origins.name(3), origins.name(1), origins.name(99)], ['feed:a', 'manual', 'unknown']);
  origins.use('manual', 1);
  for (let i = 0; i < 5000; i++) {
    origins.id(`rule:${i}`);
    if (i >= 10) continue;
    origins.use(`rule:${i}`, 1);
  }
  t.equal(origins.name(origins.id('manual')), 'manual', 'a name in use is never taken away');
  t.equal(origins.name(origins.id('rule:3')), 'rule:3');
  for (let i = 0; i < 5000; i++) origins.use(`rule:${i}`, 1);
  for (let i = 5000; i < 9200; i++) {
    origins.id(`rule:${i}`);
    origins.use(`rule:${i}`, 1);
  }
  t.equal(origins.name(origins.id('rule:9999')), 'other', 'with no number left they share one');
});
