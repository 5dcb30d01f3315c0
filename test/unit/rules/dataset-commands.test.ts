// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { commandDatasets, infoOf, LiveDatasets, lookups, type DatasetCommand } from '../../../rules/index.js';

const spec = { name: 'a', type: 'string', memcap: 200, scored: false, values: new Map([['x', 0]]) } as const;

t.test('values come and go, and files hear of it', async (t) => {
  lookups.changed = [];
  const kept = { ...spec, state: 'a.lst' };
  const sets = new LiveDatasets([kept, { ...spec, name: 'bad', scored: true, type: 'ip', values: new Map() }]);
  const ask = (action: DatasetCommand['action'], value?: string, more = {}): unknown =>
    commandDatasets(sets, { name: 'a', action, ...(value === undefined ? {} : { value }), ...more });
  t.same(ask('lookup', 'x'), { done: true, values: 1 });
  t.same(ask('lookup', 'eA==', { base64: true }), { done: true, values: 1 });
  t.same(ask('add', 'y, z'), { done: true, values: 2 }, 'a comma is text');
  t.same(ask('add', 'y, z'), { done: false, values: 2 });
  t.same(ask('remove', 'none'), { done: false, values: 2 });
  t.match(ask('add', 'z'.repeat(100)), { code: 'LIST_FULL' });
  t.match(ask('add', ''), { code: 'USAGE' });
  t.match(ask('add', '!', { base64: true }), { code: 'USAGE' });
  t.same(ask('dump'), { done: true, values: 2, list: ['eA==', 'eSwgeg=='] });
  t.same(ask('dump', undefined, { limit: 1 }), { done: true, values: 2, list: ['eA=='] });
  t.same(ask('clear'), { done: true, values: 0 });
  t.same(ask('clear'), { done: false, values: 0 });
  t.same(
    lookups.changed.map(({ file, key, add }) => [file, key, add]),
    [
      ['a.lst', 'y, z', true],
      ['a.lst', 'x', false],
      ['a.lst', 'y, z', false],
    ],
  );
  const scored = (action: DatasetCommand['action'], value: string): unknown =>
    commandDatasets(sets, { name: 'bad', action, value });
  t.match(scored('add', '192.0.2.7'), { code: 'USAGE', problem: /VALUE,SCORE/ });
  t.match(scored('add', '192.0.2.7,70000'), { code: 'USAGE' });
  t.same(scored('add', '192.0.2.7,80'), { done: true, values: 1 });
  t.same(scored('lookup', '192.0.2.7'), { done: true, values: 1, score: 80 });
  t.same(scored('dump', ''), { done: true, values: 1, list: ['192.0.2.7,80'] });
  t.match(commandDatasets(sets, { name: 'c', action: 'dump' }), { code: 'NOT_FOUND' });
  t.match(commandDatasets(undefined, { name: 'c', action: 'dump' }), { code: 'NOT_FOUND' });
  t.match(sets.all.map(infoOf), [
    { name: 'a', type: 'string', values: 0, bytes: 0, refused: 1, state: 'a.lst', static: false },
    { name: 'bad', type: 'ip', values: 1, static: false },
  ]);
});
