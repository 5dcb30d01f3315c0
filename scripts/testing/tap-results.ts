// SPDX-License-Identifier: Apache-2.0
// Reads what a test file printed (TAP 14, subtests included) and counts its assertions.
import { Parser } from 'tap-parser';
import type { Result } from 'tap-parser';

/** One assertion that did not hold: its name with those of the tests around it, and the diagnostic beneath it. */
export interface Failure {
  name: string;
  detail: string;
}

/** What one TAP stream holds, in assertions; a subtest's own closing line is not one. */
export interface TapResults {
  passed: number;
  failed: number;
  /** Names of the tests that were skipped or are still to do, each with its reason. */
  skipped: string[];
  failures: Failure[];
}

/** Counts the assertions of a finished TAP stream; a stream that stops short of its plan has failed. */
export function tapResults(text: string): TapResults {
  const results: TapResults = { passed: 0, failed: 0, skipped: [], failures: [] };
  const parser = new Parser();
  watch(parser, results);
  let bailout = '';
  parser.on('bailout', (reason: string) => (bailout = reason || 'no reason given'));
  let ended = false;
  parser.on('complete', () => (ended = true));
  parser.end(text);

  // Errors of the stream itself, such as a plan that was not kept, belong to no assertion.
  const errors = (parser.results?.failures ?? []).flatMap((failure) => (failure.tapError ? [failure.tapError] : []));
  if (bailout !== '') errors.push(`bailed out: ${bailout}`);
  if (!ended) errors.push('the stream ended in the middle');
  if (parser.results?.ok !== true && errors.length + results.failed === 0) errors.push('the stream is not well-formed');
  for (const error of errors) fail(results, 'TAP', String(error));

  const plan = parser.results?.plan;
  if (plan?.skipAll === true && results.passed + results.failed === 0 && results.skipped.length === 0) {
    const reason = plan.skipReason.replace(/^SKIP\s*/i, '');
    if (reason === 'no tests found' || reason === '') fail(results, 'TAP', 'the file asserts nothing');
    else results.skipped.push(`whole file: ${reason}`);
  }
  return results;
}

function watch(parser: Parser, results: TapResults): void {
  let failedBefore: number | undefined;
  parser.on('child', (child: Parser) => {
    failedBefore = results.failed;
    watch(child, results);
  });
  parser.on('assert', (result: Result) => {
    const closing = failedBefore !== undefined;
    const explained = closing && results.failed > (failedBefore ?? 0);
    failedBefore = undefined;
    count(result, closing, explained, results);
  });
}

function count(result: Result, closing: boolean, explained: boolean, results: TapResults): void {
  const name = result.fullname || result.name || '(unnamed)';
  if (result.skip !== false || result.todo !== false) {
    const reason = result.skip === false ? result.todo : result.skip;
    results.skipped.push(typeof reason === 'string' && reason !== '' ? `${name}: ${reason}` : name);
  } else if (!result.ok) {
    // A subtest can fail by itself (its plan, its time), with every assertion inside it holding.
    if (!explained) fail(results, name, detailOf(result));
  } else if (!closing) {
    results.passed++;
  }
}

function fail(results: TapResults, name: string, detail: string): void {
  results.failed++;
  results.failures.push({ name, detail });
}

/** Large numbers of a diagnostic are read as what JSON does not know. */
const plain = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

function detailOf(result: Result): string {
  const lines: string[] = [];
  for (const [key, value] of Object.entries((result.diag ?? {}) as Record<string, unknown>)) {
    if (key === 'source' || key === 'at') continue;
    const text = typeof value === 'string' ? value.trimEnd() : JSON.stringify(value, plain);
    lines.push(text.includes('\n') ? `${key}:\n${text.replace(/^/gm, '  ')}` : `${key}: ${text}`);
  }
  if (typeof result.tapError === 'string' && lines.length === 0) lines.push(result.tapError);
  return lines.join('\n');
}
