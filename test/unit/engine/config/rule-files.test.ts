// SPDX-License-Identifier: Apache-2.0
import { symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import t from 'tap';
import { ruleFiles, SHIPPED_RULES } from '../../../../engine/config/index.js';

t.test('files, directories and patterns, each file once', async (t) => {
  const root = t.testdir({
    'ids.yaml': '',
    'local.rules': '',
    empty: {},
    set: { 'b.rules': '', 'a.rules': '', 'notes.txt': '', '.hidden.rules': '', sub: { 'c.rules': '' } },
    other: { sub: { 'd1.rules': '', 'd2.rules': '', 'd+.rules': '' } },
  });
  symlinkSync(join(root, 'local.rules'), join(root, 'set/z.rules'));
  const file = join(root, 'ids.yaml');
  const found = (...rules: string[]): string[] => ruleFiles(rules, file).map((path) => relative(root, path));
  t.same(found('local.rules'), ['local.rules']);
  t.same(found('set'), ['set/a.rules', 'set/b.rules', 'set/z.rules']);
  t.same(found('set/b.rules', 'set'), ['set/b.rules', 'set/a.rules', 'set/z.rules']);
  t.same(found('*/sub/*.rules'), ['other/sub/d+.rules', 'other/sub/d1.rules', 'other/sub/d2.rules', 'set/sub/c.rules']);
  t.same(found('other/sub/d[!1].rules'), ['other/sub/d+.rules', 'other/sub/d2.rules']);
  t.same(found('other/sub/d?.rules').length, 3);
  t.same(found('set/.*.rules'), ['set/.hidden.rules']);
  t.same(found(join(root, 'local.rules')), ['local.rules']);
  t.throws(() => found('absent.rules'), {
    code: 'FILE_UNREADABLE',
    message: /absent\.rules does not exist: correct the key rules of/,
  });
  t.throws(() => found('empty'), { code: 'FILE_UNREADABLE', message: /empty holds no \*\.rules file/ });
  t.throws(() => found('x*.rules'), { code: 'FILE_UNREADABLE' });
  t.throws(() => found('local.rules/deeper'), { code: 'FILE_UNREADABLE' });
});

t.test('the shipped rules are the default', async (t) => {
  const files = ruleFiles(undefined, '/etc/ids/ids.yaml');
  t.ok(files.length > 0);
  t.ok(files.every((path) => path.startsWith(SHIPPED_RULES) && path.endsWith('.rules')));
});
