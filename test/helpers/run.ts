// SPDX-License-Identifier: Apache-2.0
// Runs other programs: to their end with a deadline, or beside the test until it ends.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { undoAfter } from './undo.js';
import type { Teardown } from './undo.js';
import { until } from './until.js';

/** How a program is run. */
export interface RunOptions {
  /** Milliseconds until it is killed and the run has failed; 15 s unless told. */
  deadline?: number;
  /** What it reads from stdin; nothing unless told. */
  input?: string | Uint8Array;
  cwd?: string;
  /** Added to the environment of the test; undefined takes a variable away. */
  env?: NodeJS.ProcessEnv;
  /** Exit statuses that are no failure: only 0 unless told; 'any' takes all. */
  status?: 'any' | readonly number[];
}

/** What a program printed and how it ended: by an exit status, or by a signal, which `status` shows as 128 + its number. */
export interface RunResult {
  status: number;
  stdout: string;
  stderr: string;
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
};

function statusOf(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (SIGNAL_NUMBERS[signal ?? ''] ?? 0);
}

/** Runs a program to its end; another status than the expected ones, or the deadline, rejects with what it printed. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { deadline = 15_000, input, status: expected = [0] } = options;
  const child = spawn(command, args, { cwd: options.cwd, env: { ...process.env, ...options.env }, stdio: 'pipe' });
  const output = collect(child);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, deadline);
  try {
    const ended = new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(statusOf(code, signal)));
    });
    // A program that does not read its input to the end is its own affair.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const status = await ended;
    const line = [command, ...args].join(' ');
    if (late) throw new Error(`${line}: killed after ${deadline} ms\n${output.stdout}${output.stderr}`);
    if (expected !== 'any' && !expected.includes(status)) {
      throw new Error(`${line}: exit status ${status}\n${output.stdout}${output.stderr}`);
    }
    return { status, ...output };
  } finally {
    clearTimeout(timer);
  }
}

/** A program that runs beside the test. */
export interface Background {
  readonly pid: number;
  /** Everything that it has printed until now. */
  readonly output: { readonly stdout: string; readonly stderr: string };
  /** The exit status once it has ended (128 + number for a signal). */
  readonly ended: Promise<number>;
  /** Sends a signal (SIGTERM unless told) and waits for the end; SIGKILL follows after `deadline` ms (5 s unless told). */
  stop(signal?: NodeJS.Signals, deadline?: number): Promise<number>;
  /** Waits until stdout or stderr matches; fails at once when the program has ended without. */
  prints(pattern: RegExp, deadline?: number): Promise<RegExpExecArray>;
}

/** Starts a program beside the test; it is killed at the test's end, also after a failure or an interrupt. */
export function start(
  t: Teardown,
  command: string,
  args: readonly string[],
  options: Pick<RunOptions, 'cwd' | 'env'> = {},
): Background {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = collect(child);
  const line = [command, ...args].join(' ');
  let status: number | undefined;
  const ended = new Promise<number>((resolve) => {
    child.once('error', (error) => {
      output.stderr += `${line}: ${error.message}\n`;
      resolve((status = 127));
    });
    child.once('close', (code, signal) => resolve((status = statusOf(code, signal))));
  });
  undoAfter(t, () => void child.kill('SIGKILL'));
  return {
    pid: child.pid ?? 0,
    output,
    ended,
    async stop(signal = 'SIGTERM', deadline = 5_000) {
      child.kill(signal);
      const hard = setTimeout(() => child.kill('SIGKILL'), deadline);
      await ended.finally(() => clearTimeout(hard));
      return ended;
    },
    async prints(pattern, deadline = 10_000) {
      const said = (): string => `${line}; it printed:\n${output.stdout}${output.stderr}`;
      const found = await until(
        () => {
          const match = pattern.exec(output.stdout) ?? pattern.exec(output.stderr);
          return match ?? (status === undefined ? undefined : 'ended');
        },
        { deadline, message: () => `${String(pattern)} of ${said()}` },
      );
      if (found === 'ended') throw new Error(`status ${status} before ${String(pattern)} came from ${said()}`);
      return found;
    },
  };
}

function collect(child: ChildProcess): { stdout: string; stderr: string } {
  const output = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  return output;
}
