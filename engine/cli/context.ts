// SPDX-License-Identifier: Apache-2.0
// Where a command writes and whom it asks.

import type { Api } from '../api/api.js';

/** The terminal or the pipes around a command. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  readonly env: NodeJS.ProcessEnv;
  /** Columns of the terminal; undefined = standard output is none. */
  readonly columns: number | undefined;
  /** Writes to the terminal that standard error is; undefined = it is none. */
  readonly terminal: ((text: string) => void) | undefined;
  /** Aborts when nobody reads standard output any more (`| head`). */
  readonly gone: AbortSignal;
}

const styles = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;
export type Style = keyof typeof styles;

export interface Context {
  readonly json: boolean;
  readonly client: Api;
  /** The socket as the command line names it; undefined = the default one. */
  readonly socket: string | undefined;
  readonly io: Io;
  /** Columns that a line may have; Infinity where standard output is no terminal. */
  readonly width: number;
  /** A line for people, on standard output. */
  line(text?: string): void;
  lines(texts: readonly string[]): void;
  /** With --json: the answer as one JSON value on one line. */
  data(value: unknown): void;
  /** A line on standard error. */
  warn(text: string): void;
  /** The text in a colour, where standard output is a terminal that wants colours. */
  style(text: string, style: Style): string;
}

/** Lines that are written at once. */
const CHUNK = 1000;

export function openContext(io: Io, options: { json: boolean; socket: string | undefined; client: Api }): Context {
  const { NO_COLOR: noColor = '', TERM: term } = io.env;
  // https://no-color.org: any value but the empty one.
  const color = io.columns !== undefined && noColor === '' && term !== 'dumb';
  const lines = (texts: readonly string[]): void => {
    for (let at = 0; at < texts.length && !io.gone.aborted; at += CHUNK) {
      io.out(`${texts.slice(at, at + CHUNK).join('\n')}\n`);
    }
  };
  return {
    ...options,
    io,
    width: io.columns ?? Infinity,
    line: (text = '') => io.out(`${text}\n`),
    lines,
    data: (value) => io.out(`${JSON.stringify(value)}\n`),
    warn: (text) => io.err(`${text}\n`),
    style: (text, style) => (color ? `\u001b[${styles[style]}m${text}\u001b[0m` : text),
  };
}

/** The process's own streams. */
export function processIo(): Io {
  const { stdout, stderr } = process;
  const gone = new AbortController();
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (!gone.signal.aborted && error.code !== 'EPIPE') {
      process.exitCode = 1;
      stderr.write(`ids: cannot write standard output: ${error.message}\n`);
    }
    gone.abort();
  });
  // There is nowhere left to say it.
  stderr.on('error', () => undefined);
  return {
    out: (text) => void (gone.signal.aborted || stdout.write(text)),
    err: (text) => void stderr.write(text),
    env: process.env,
    columns: stdout.isTTY ? stdout.columns || 80 : undefined,
    terminal: stderr.isTTY ? (text) => void stderr.write(text) : undefined,
    gone: gone.signal,
  };
}
