// SPDX-License-Identifier: Apache-2.0
// Runs one compiled test file in a process of its own, with a deadline, and judges what it printed.
// Node runs it directly: the loaders of the tap command cost about a second a file, and the sources are compiled anyway.
import { spawn } from 'node:child_process';
import { tapResults } from './tap-results.js';
import type { TapResults } from './tap-results.js';

/** Time in milliseconds between the polite end of a file that takes too long, in which it cleans up, and the hard one. */
const GRACE_MS = 10_000;

/** What a run of one test file came to. */
export interface FileRun extends TapResults {
  milliseconds: number;
  /** The end of what the file wrote to stderr. */
  stderr: string;
}

/** Runs a test file; an abort or the deadline ends it with SIGTERM, then SIGKILL, both to its whole process group. */
export async function runFile(file: string, deadlineMs: number, signal: AbortSignal): Promise<FileRun> {
  const started = performance.now();
  const child = spawn(process.execPath, ['--enable-source-maps', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that what a failed test left running ends with it.
    detached: true,
    // tap's own deadline comes a little earlier: it can name the test that hangs.
    env: { ...process.env, TAP_TIMEOUT: String(Math.max(1, Math.floor(deadlineMs / 1000) - 5)) },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-16_384)));

  let late = false;
  let hardEnd: NodeJS.Timeout | undefined;
  const end = (): void => {
    child.kill('SIGTERM');
    hardEnd ??= setTimeout(() => killGroup(child.pid), GRACE_MS);
  };
  const timer = setTimeout(() => {
    late = true;
    end();
  }, deadlineMs);
  signal.addEventListener('abort', end, { once: true });

  const { code, by, error } = await new Promise<{ code: number | null; by: string | null; error?: Error }>(
    (resolve) => {
      child.once('error', (error) => resolve({ code: null, by: null, error }));
      // "exit" first: a child of the test that was left running would hold stdout, and so "close", open for ever.
      child.once('exit', (code, by) => {
        killGroup(child.pid);
        child.once('close', () => resolve({ code, by }));
      });
    },
  );
  clearTimeout(timer);
  clearTimeout(hardEnd);
  signal.removeEventListener('abort', end);

  const results = tapResults(stdout);
  let trouble = '';
  if (error !== undefined) trouble = `could not be started: ${error.message}`;
  else if (late) trouble = `did not end within ${deadlineMs / 1000} s`;
  else if (signal.aborted) trouble = 'was interrupted';
  else if (by !== null) trouble = `was ended by ${by}`;
  else if (code !== 0 && results.failed === 0) trouble = `exited with status ${code}, with no assertion failed`;
  if (trouble !== '') {
    results.failed++;
    results.failures.push({ name: 'the file', detail: trouble });
  }
  return { ...results, milliseconds: Math.round(performance.now() - started), stderr };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left in the group.
  }
}
