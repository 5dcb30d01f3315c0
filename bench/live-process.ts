// SPDX-License-Identifier: Apache-2.0
// A process of the benchmark's own in a network namespace: it is told by lines, answers by lines, and ends with its input.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { undoAfter } from '../test/helpers/privileged.js';
import type { Teardown } from '../test/helpers/undo.js';

export class LiveProcess {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #command: string;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, command: string) {
    this.#child = child;
    this.#lines = lines;
    this.#command = command;
  }

  static start(t: Teardown, netns: string, command: string, args: readonly string[]): LiveProcess {
    const child = spawn('nsenter', [`--net=/run/netns/${netns}`, '--', command, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    undoAfter(t, () => void child.kill('SIGKILL'));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return new LiveProcess(child, lines, [command, ...args].join(' '));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** The next line that it prints; it is killed if none comes in time. */
  async line(deadlineMs: number): Promise<string> {
    const timer = setTimeout(() => void this.#child.kill('SIGKILL'), deadlineMs);
    try {
      const { value, done } = await this.#lines.next();
      if (done !== true) return value;
    } finally {
      clearTimeout(timer);
    }
    throw new Error(`${this.#command}: it ended, or did not answer within ${deadlineMs} ms`);
  }

  /** Ends its input and waits for its end. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await ended;
  }
}
