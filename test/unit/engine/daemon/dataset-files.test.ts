// SPDX-License-Identifier: Apache-2.0
// Sets that are kept: read at the beginning, written with what has changed, never outside of their directory.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { DatasetFiles } from '../../../../engine/daemon/dataset-files.js';
import type { DatasetSpec } from '../../../../rules/index.js';

const folder = mkdtempSync(join(tmpdir(), 'ids-dataset-files-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

const spec = (o: Partial<DatasetSpec>): DatasetSpec => ({
  name: 'seen',
  type: 'string',
  memcap: 1 << 20,
  scored: false,
  values: new Map(),
  ...o,
});
const keys = (files: DatasetFiles, one: DatasetSpec): string[] => [...(files.begin([one])[0]?.values.keys() ?? [])];
const failed = (error: unknown): void => {
  throw error;
};

t.test('what packets changed is there after a restart', async (t) => {
  const files = new DatasetFiles(folder, failed);
  const seen = spec({ state: 'sub/seen.lst' });
  t.same(keys(files, seen), [], 'no file yet');
  files.apply([
    { file: 'sub/seen.lst', key: 'a', add: true },
    { file: 'sub/seen.lst', key: 'b', add: true },
    { file: 'sub/seen.lst', key: 'a', add: false },
    { file: 'unknown.lst', key: 'x', add: true },
  ]);
  t.same(keys(files, seen), ['b'], 'a reload goes on with it');
  files.close();
  t.equal(readFileSync(join(folder, 'datasets/sub/seen.lst'), 'utf8'), 'Yg==\n');
  t.same(keys(new DatasetFiles(folder, failed), seen), ['b']);
  t.same(keys(new DatasetFiles(folder, failed), spec({ save: 'sub/seen.lst' })), [], 'save only writes');
});

t.test('no way leads out', async (t) => {
  mkdirSync(join(folder, 'datasets'), { recursive: true });
  mkdirSync(join(folder, 'elsewhere'));
  writeFileSync(join(folder, 'elsewhere/x.lst'), 'YQ==\n');
  symlinkSync('../elsewhere', join(folder, 'datasets/out'));
  const failures: unknown[] = [];
  const files = new DatasetFiles(folder, (error) => failures.push(error));
  t.throws(() => files.begin([spec({ state: 'out/x.lst' })]), { code: 'STORE_FAILED', message: /leads out/ });
  files.begin([spec({ save: 'out/x.lst' })]);
  files.apply([{ file: 'out/x.lst', key: 'b', add: true }]);
  files.close();
  t.match(failures, [{ code: 'STORE_FAILED' }]);
  t.equal(readFileSync(join(folder, 'elsewhere/x.lst'), 'utf8'), 'YQ==\n');
});
