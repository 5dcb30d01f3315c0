// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { run } from '../../helpers/run.js';

const script = path.resolve(import.meta.dirname, '../../../../scripts/sum-results');

t.test('counts of suites and parts that failed without counting are summed', async (t) => {
  const folder = t.testdir({
    'unit.json': '{"passed":120,"failed":1,"skipped":0}\n',
    'kernel.json': '{"passed":30,"failed":0,"skipped":2}\n',
    'failed-parts': 'lint\ntypes\n',
  });
  t.equal((await run(script, [folder])).stdout, '150 3 2\n');
});

t.test('a suite whose counts cannot be read is a failure', async (t) => {
  const folder = t.testdir({ 'unit.json': '{"passed":', 'failed-parts': '' });
  const { stdout, stderr } = await run(script, [folder]);
  t.equal(stdout, '0 1 0\n');
  t.match(stderr, /unit\.json holds no counts/);
});

t.test('zero in every place is no error of the arithmetic', async (t) => {
  const folder = t.testdir({ 'failed-parts': '' });
  writeFileSync(path.join(folder, 'unit.json'), '{"passed":0,"failed":0,"skipped":0}\n');
  t.equal((await run(script, [folder])).stdout, '0 0 0\n');
});

t.test('a folder without results is refused', async (t) => {
  await t.rejects(run(script, [t.testdir({})]), { message: /exit status 1\n.*holds no results/s });
});
