// SPDX-License-Identifier: Apache-2.0
// Runs the compiled files of one suite and writes the counts to dist/test-results/SUITE.json:
//   node dist/scripts/run-tests.js unit|kernel|live [PART-OF-A-FILE-NAME…]
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runFile } from './testing/run-file.js';
import type { FileRun } from './testing/run-file.js';
import { deadlineOf, suites } from './testing/suites.js';
import type { Suite } from './testing/suites.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const strict = process.env['CI'] === 'true';

interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

function testFiles(name: string, parts: readonly string[]): string[] {
  const folder = path.join(root, 'dist/test', name);
  let entries: string[];
  try {
    entries = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
  return entries
    .filter((file) => file.endsWith('.test.js') && (parts.length === 0 || parts.some((part) => file.includes(part))))
    .sort()
    .map((file) => path.join(folder, file));
}

function report(suite: Suite, label: string, run: FileRun, totals: Totals): void {
  const skipFails = suite.privileged && strict;
  const failed = run.failed + (skipFails ? run.skipped.length : 0);
  totals.passed += run.passed;
  totals.failed += failed;
  totals.skipped += skipFails ? 0 : run.skipped.length;
  const skipped = run.skipped.length > 0 ? `, ${run.skipped.length} skipped` : '';
  console.log(
    `${failed > 0 ? 'FAIL' : 'ok  '} ${label}: ${run.passed} passed, ${run.failed} failed${skipped} (${run.milliseconds} ms)`,
  );
  for (const skip of run.skipped) console.log(`       ${skipFails ? 'must not be skipped in CI' : 'skipped'}: ${skip}`);
  for (const { name, detail } of run.failures)
    console.log(`       not ok: ${name}\n${detail.replace(/^/gm, '         ')}`);
  if (failed > 0 && run.stderr.trim() !== '')
    console.log(`       stderr:\n${run.stderr.trimEnd().replace(/^/gm, '         ')}`);
}

async function runSuite(name: string, suite: Suite, parts: readonly string[]): Promise<Totals> {
  const totals: Totals = { passed: 0, failed: 0, skipped: 0 };
  if (suite.privileged && process.getuid?.() !== 0) {
    totals[strict ? 'failed' : 'skipped']++;
    console.log(
      `SKIPPED ${name}: it loads BPF programs and makes network namespaces, which needs root: sudo npm run test:${name}`,
    );
    return totals;
  }
  const files = testFiles(name, parts);
  if (files.length === 0) {
    totals.failed++;
    console.log(`FAIL ${name}: no test file ${parts.length > 0 ? `matches ${parts.join(', ')}` : 'was built'}`);
    return totals;
  }
  const deadline = deadlineOf(suite);
  const interrupt = new AbortController();
  const stop = (): void => interrupt.abort();
  process.on('SIGINT', stop).on('SIGTERM', stop);
  const begins = (file: string, parts: readonly string[]): boolean =>
    parts.some((part) => path.basename(file).startsWith(part));
  const isAlone = (file: string): boolean => begins(file, suite.alone);
  const rank = (file: string): number => {
    const at = suite.first.findIndex((part) => begins(file, [part]));
    return at < 0 ? suite.first.length : at;
  };
  const runAll = async (queue: Iterator<string>, jobs: number): Promise<void> => {
    const worker = async (): Promise<void> => {
      for (let next = queue.next(); next.done !== true && !interrupt.signal.aborted; next = queue.next()) {
        const run = await runFile(next.value, deadline, interrupt.signal);
        report(suite, path.relative(path.join(root, 'dist/test'), next.value).replace(/\.test\.js$/, ''), run, totals);
      }
    };
    await Promise.all(Array.from({ length: jobs }, worker));
  };
  const others = files.filter((file) => !isAlone(file)).sort((a, b) => rank(a) - rank(b));
  await runAll(others.values(), suite.jobs);
  await runAll(files.filter(isAlone).values(), 1);
  if (interrupt.signal.aborted) totals.failed++;
  process.off('SIGINT', stop).off('SIGTERM', stop);
  return totals;
}

const [name = '', ...parts] = process.argv.slice(2);
const suite = suites.get(name);
if (suite === undefined) {
  console.error(`run-tests: "${name}" is no suite; there are ${[...suites.keys()].join(', ')}`);
  process.exitCode = 2;
} else {
  const totals = await runSuite(name, suite, parts);
  const folder = path.join(root, 'dist/test-results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, `${name}.json`), `${JSON.stringify(totals)}\n`);
  console.log(`${name}: ${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
  process.exitCode = totals.failed > 0 ? 1 : 0;
}
