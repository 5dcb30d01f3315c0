// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { count, plain, plural, table } from '../../../../engine/cli/table.js';

t.test('columns are as wide as their widest cell, numbers stand right', async (t) => {
  const lines = table(
    [
      { title: 'name', value: (row: readonly [string, number?]) => row[0] },
      { title: 'n', align: 'right', value: (row) => row[1] },
      { title: 'note', value: () => undefined },
    ],
    [['a', 1], ['longer', 22_000], ['none']],
  );
  t.strictSame(lines, ['NAME        N  NOTE', 'a           1', 'longer  22000', 'none']);
});

t.test('lines are cut to the width with a mark', async (t) => {
  const rows = ['x'.repeat(30), 'y'.repeat(10)];
  const lines = table([{ title: 'text', value: (row: string) => row }], rows, 10);
  t.strictSame(lines, ['TEXT', `${'x'.repeat(9)}…`, 'y'.repeat(10)]);
});

t.test('a million rows are no problem', async (t) => {
  const rows = Array.from({ length: 1_000_000 }, (_, i) => i);
  t.equal(table([{ title: 'n', value: (row: number) => row }], rows).length, 1_000_001);
});

t.test('what would steer a terminal does not reach it', async (t) => {
  t.equal(plain('a\u001b[2Jb\r\nc\u009bd\u202ee\u2066f\tg'), 'a.[2Jb..c.d.e.f.g');
  t.equal(plain('ünïcödé 漢字'), 'ünïcödé 漢字');
});

t.test('numbers', async (t) => {
  t.equal(count(1234567), '1,234,567');
  t.equal(plural(1, 'rule'), '1 rule');
  t.equal(plural(2000, 'entry', 'entries'), '2,000 entries');
});
