// SPDX-License-Identifier: Apache-2.0
// Runs a command line within the test: what it printed and its exit status.
import { runCli } from '../../../../engine/cli/main.js';

export interface Invocation {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

export interface InvokeOptions {
  /** Columns of a terminal; a pipe if absent. */
  readonly columns?: number;
  /** Gets what is written to a terminal that standard error is; there is none if absent. */
  readonly onTerminal?: (text: string) => void;
  readonly env?: NodeJS.ProcessEnv;
  readonly gone?: AbortSignal;
  readonly onOut?: (text: string) => void;
}

export async function invoke(words: readonly string[], options: InvokeOptions = {}): Promise<Invocation> {
  let [out, err] = ['', ''];
  const status = await runCli(words, {
    out: (text) => {
      out += text;
      options.onOut?.(text);
    },
    err: (text) => void (err += text),
    env: options.env ?? {},
    columns: options.columns,
    terminal: options.onTerminal,
    gone: options.gone ?? new AbortController().signal,
  });
  return { status, out, err };
}

/** The words of a command line as a shell takes them, with quotes; `sudo` and a path before the program are cut off. */
export function shellWords(line: string): string[] {
  const words: string[] = [];
  for (const [, double, single, bare] of line.matchAll(/"([^"]*)"|'([^']*)'|((?:[^\s"'\\]|\\.)+)/g)) {
    words.push(double ?? single ?? bare ?? '');
  }
  return words;
}
