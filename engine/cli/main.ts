// SPDX-License-Identifier: Apache-2.0
// The `ids` command.

import yargs from 'yargs';
import { IdsError, messageOf } from '../../common/errors.js';
import { DEFAULT_SOCKET } from '../config/defaults.js';
import { version } from '../version.js';
import type { ExitStatus, GlobalOptions } from './command.js';
import { commands, groups } from './commands/index.js';

/** Says what went wrong: one line for a user's mistake, a stack for a defect; with --json an object on standard output. */
function report(error: unknown, json: boolean): ExitStatus {
  if (json) {
    const known = error instanceof IdsError ? error : new IdsError('INTERNAL', messageOf(error));
    const { code, message, details } = known;
    process.stdout.write(`${JSON.stringify({ error: { code, message, details } })}\n`);
  }
  if (error instanceof IdsError) {
    process.stderr.write(`ids: ${error.message}\n`);
    return error.exit as ExitStatus;
  }
  process.stderr.write(`ids: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 1;
}

/** Runs the command line; resolves when it is done, with process.exitCode set. */
export async function main(argv: readonly string[]): Promise<void> {
  const json = argv.includes('--json');
  const finish = async (status: Promise<ExitStatus>): Promise<void> => {
    process.exitCode = await status.catch((error: unknown) => report(error, json));
  };
  const root = yargs([...argv])
    .scriptName('ids')
    .usage('$0 COMMAND\n\nIntrusion detection and prevention: rules judged in the kernel, alerts for your SIEM.')
    .option('json', { type: 'boolean', default: false, describe: 'print the answer as JSON' })
    .option('socket', {
      type: 'string',
      default: DEFAULT_SOCKET,
      describe: 'control socket of the daemon',
      requiresArg: true,
    })
    .parserConfiguration({ 'duplicate-arguments-array': false, 'parse-positional-numbers': false })
    .strict()
    .demandCommand(1, 'name a command')
    .recommendCommands()
    .completion('completion', 'print a completion script for bash or zsh')
    .version(version)
    .alias('h', 'help')
    .wrap(Math.min(110, process.stdout.columns || 110))
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined) => {
      throw error ?? new IdsError('USAGE', `${message ?? 'bad usage'} (see "ids --help")`);
    });
  let cli = root as unknown as import('yargs').Argv<GlobalOptions>;
  for (const one of commands) cli = one.register(cli, finish);
  for (const group of groups) {
    cli = cli.command(group.name, group.describe, (inner) => {
      let nested = inner;
      for (const one of group.commands) nested = one.register(nested, finish);
      return nested.demandCommand(1, `name what to do: ids ${group.name} --help`);
    });
  }
  try {
    await cli.parseAsync();
  } catch (error) {
    process.exitCode = report(error, json);
  }
}
