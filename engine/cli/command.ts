// SPDX-License-Identifier: Apache-2.0
// What a command of the CLI is made of: its words, its options, its help and what it does.

import type { Context } from './context.js';

/** Exit status: 0 done; 1 no, not found or partly; 2 bad usage or input; 3 daemon unreachable; 4 privilege or kernel. */
export type ExitStatus = 0 | 1 | 2 | 3 | 4;

/** What the shell can offer for a word; undefined = nothing. */
export type Completion = 'file' | 'interface' | readonly string[];

/** One option. `list` takes several words and may be repeated; of a repeated `string` the last one counts. */
export interface OptionSpec {
  readonly type: 'boolean' | 'string' | 'list';
  readonly describe: string;
  /** One letter. */
  readonly alias?: string;
  /** What the value is, in capitals, for the help. */
  readonly value?: string;
  readonly default?: string;
  readonly required?: boolean;
  readonly complete?: Completion;
}

/** One positional word, or with `many` all that are left; needed unless `optional`. */
export interface PositionalSpec {
  readonly describe: string;
  readonly many?: boolean;
  readonly optional?: boolean;
  readonly complete?: Completion;
}

export type OptionTable = Readonly<Record<string, OptionSpec>>;
export type PositionalTable = Readonly<Record<string, PositionalSpec>>;

type OptionValue<O extends OptionSpec> = O['type'] extends 'boolean'
  ? boolean
  : O['type'] extends 'list'
    ? readonly string[]
    : O extends { readonly default: string } | { readonly required: true }
      ? string
      : string | undefined;

type PositionalValue<P extends PositionalSpec> = P extends { readonly many: true }
  ? readonly string[]
  : P extends { readonly optional: true }
    ? string | undefined
    : string;

/** What the handler of a command with these tables gets. */
export type Values<O extends OptionTable, P extends PositionalTable> = {
  readonly [K in keyof O]: OptionValue<O[K]>;
} & { readonly [K in keyof P]: PositionalValue<P[K]> };

/** A command with the types of its own values put away, as the table of commands holds it. */
export interface Command {
  /** Its words: `stop`, `rules check`. */
  readonly name: string;
  readonly describe: string;
  readonly positionals: PositionalTable;
  readonly options: OptionTable;
  /** A command line and what it does. */
  readonly example: readonly [string, string];
  /** How long the daemon may take to answer, where it is not as long as the longest request takes. */
  readonly patienceMs?: number;
  run(values: Readonly<Record<string, unknown>>, context: Context): Promise<ExitStatus>;
}

interface Spec<O extends OptionTable, P extends PositionalTable> {
  readonly name: string;
  readonly describe: string;
  readonly positionals?: P;
  readonly options?: O;
  readonly example: readonly [string, string];
  readonly patienceMs?: number;
  readonly run: (values: Values<O, P>, context: Context) => Promise<ExitStatus>;
}

export function command<
  const O extends OptionTable = Record<never, OptionSpec>,
  const P extends PositionalTable = Record<never, PositionalSpec>,
>(spec: Spec<O, P>): Command {
  return {
    name: spec.name,
    describe: spec.describe,
    positionals: spec.positionals ?? {},
    options: spec.options ?? {},
    example: spec.example,
    ...(spec.patienceMs === undefined ? {} : { patienceMs: spec.patienceMs }),
    // The parser fills in what the tables say: see parse.ts.
    run: (values, context) => spec.run(values as Values<O, P>, context),
  };
}

/** The options that every command takes. */
export const globalOptions = {
  json: { type: 'boolean', describe: 'print the answer as JSON' },
  socket: { type: 'string', value: 'PATH', describe: 'control socket of the daemon', complete: 'file' },
  help: { type: 'boolean', alias: 'h', describe: 'print this help' },
} as const satisfies OptionTable;
