// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import t from 'tap';
import { tapResults } from '../../../scripts/testing/tap-results.js';
import type { TapResults } from '../../../scripts/testing/tap-results.js';

// Real output of the library that the tests are written with.
function printedBy(body: string): string {
  const source = `import t from 'tap';\n${body}`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    cwd: path.resolve(import.meta.dirname, '../../../..'),
    encoding: 'utf8',
    env: { ...process.env, TAP_CHILD_ID: undefined },
  });
  return run.stdout;
}

const counts = (results: TapResults): number[] => [results.passed, results.failed, results.skipped.length];

t.test('assertions are counted at every depth, closing lines of subtests are not', async (t) => {
  const results = tapResults(
    printedBy(`t.ok(1); t.test('a', async t => { t.ok(1); t.test('b', async t => { t.ok(1); t.ok(1); }); });`),
  );
  t.same(counts(results), [4, 0, 0]);
});

t.test('a failure is counted once and named with the tests around it', async (t) => {
  const results = tapResults(
    printedBy(`t.test('a', async t => t.test('b', async t => { t.ok(1); t.equal(1, 2, 'sum'); }));`),
  );
  t.same(counts(results), [1, 1, 0]);
  t.equal(results.failures[0]?.name, 'a > b > sum');
  t.match(results.failures[0]?.detail, /diff:/);
});

t.test('a diagnostic may hold numbers that JSON has no room for', async (t) => {
  const results = tapResults(
    printedBy(`t.fail('large', { one: 12345678901234567890n, more: [12345678901234567890n] });`),
  );
  t.match(results.failures[0]?.detail, /more: \["12345678901234567890"\]/);
});

t.test('an exception in a test fails it', async (t) => {
  const results = tapResults(printedBy(`t.test('a', async () => { throw new Error('boom'); });`));
  t.same(counts(results), [0, 1, 0]);
  t.equal(results.failures[0]?.name, 'a > boom');
});

t.test('a subtest that breaks its own plan fails though its assertions hold', async (t) => {
  const results = tapResults(printedBy(`t.test('a', async t => { t.plan(3); t.ok(1); });`));
  t.equal(results.passed, 1);
  t.ok(results.failed >= 1);
});

t.test('parallel subtests are printed in another form and counted alike', async (t) => {
  const results = tapResults(
    printedBy(
      `t.jobs = 2; t.test('a', { buffered: true }, async t => { t.ok(1); }); t.test('b', { buffered: true }, async t => { t.ok(0); });`,
    ),
  );
  t.same(counts(results), [1, 1, 0]);
});

t.test('skipped and unfinished tests are named with their reason', async (t) => {
  const results = tapResults(
    printedBy(
      `t.ok(1); t.test('a', { skip: 'no root' }, async () => {}); t.test('b', { todo: 'later' }, async () => {});`,
    ),
  );
  t.same(counts(results), [1, 0, 2]);
  t.same(results.skipped, ['a: no root', 'b: later']);
});

t.test('a file that skips all of itself is a skip, not a failure', async (t) => {
  const results = tapResults(printedBy(`t.plan(0, 'needs root');`));
  t.same(counts(results), [0, 0, 1]);
  t.match(results.skipped[0], /needs root/);
});

t.test('silence, half a stream and a broken plan are failures', async (t) => {
  t.same(counts(tapResults('')), [0, 1, 0]);
  t.same(counts(tapResults(printedBy(''))), [0, 1, 0], 'a file that asserts nothing');
  t.ok(tapResults('TAP version 14\nok 1 - a\n').failed >= 1, 'no plan: the process died');
  t.ok(tapResults('TAP version 14\n1..3\nok 1 - a\n').failed >= 1);
  t.ok(tapResults('TAP version 14\n# Subtest: a\n    ok 1 - b\n').failed >= 1);
  t.ok(tapResults('TAP version 14\nok 1 - a\nBail out! no memory\n').failed >= 1);
});
