// SPDX-License-Identifier: Apache-2.0
// What every command of the CLI gets and gives.

import type { ArgumentsCamelCase, Argv } from 'yargs';
import { IdsError } from '../../common/errors.js';
import { ApiClient } from '../api/client.js';

/** Exit status: 0 done; 1 no, not found or partly; 2 bad usage or input; 3 daemon unreachable; 4 privilege or kernel. */
export type ExitStatus = 0 | 1 | 2 | 3 | 4;

export interface GlobalOptions {
  readonly json: boolean;
  readonly socket: string;
}

/** Where a command writes and whom it asks. */
export interface Context {
  readonly json: boolean;
  readonly client: ApiClient;
  /** A line for people, on standard output. */
  line(text?: string): void;
  /** With --json: the answer as one JSON value on one line. */
  data(value: unknown): void;
  /** A line on standard error. */
  warn(text: string): void;
  readonly width: number;
  readonly color: boolean;
}

/** One command: its words, its help, what it does. The handler's result is the exit status. */
export interface Command<Options> {
  readonly command: string;
  readonly describe: string;
  readonly example: readonly [string, string];
  build(yargs: Argv<GlobalOptions>): Argv<Options & GlobalOptions>;
  run(options: ArgumentsCamelCase<Options & GlobalOptions>, context: Context): Promise<ExitStatus>;
}

/** A command with its options' type put away, as the table of commands holds it. */
export interface AnyCommand {
  readonly command: string;
  readonly describe: string;
  register(yargs: Argv<GlobalOptions>, finish: (status: Promise<ExitStatus>) => Promise<void>): Argv<GlobalOptions>;
}

/** A group of commands such as `rules check`, `rules load`. */
export interface CommandGroup {
  readonly name: string;
  readonly describe: string;
  readonly commands: readonly AnyCommand[];
}

export function command<Options>(spec: Command<Options>): AnyCommand {
  return {
    command: spec.command,
    describe: spec.describe,
    register: (yargs, finish) =>
      yargs.command(
        spec.command,
        spec.describe,
        (inner) => spec.build(inner).example(spec.example[0], spec.example[1]),
        (options) => finish(runWith(spec, options)),
      ) as Argv<GlobalOptions>,
  };
}

async function runWith<Options>(
  spec: Command<Options>,
  options: ArgumentsCamelCase<Options & GlobalOptions>,
): Promise<ExitStatus> {
  return spec.run(options, contextOf(options));
}

function contextOf(options: GlobalOptions): Context {
  return {
    json: options.json,
    client: new ApiClient(options.socket),
    line: (text = '') => void process.stdout.write(`${text}\n`),
    data: (value) => void process.stdout.write(`${JSON.stringify(value)}\n`),
    warn: (text) => void process.stderr.write(`${text}\n`),
    width: process.stdout.columns || 120,
    color: process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
  };
}

/** The positional words of a command as a list of texts. */
export function words(value: unknown): string[] {
  const list = Array.isArray(value) ? value : [value];
  const texts = list.filter((word) => word !== undefined && word !== null).map(String);
  if (texts.length === 0) throw new IdsError('USAGE', 'nothing was named');
  return texts;
}
