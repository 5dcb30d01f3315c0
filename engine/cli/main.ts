// SPDX-License-Identifier: Apache-2.0
// The `ids` command.

import { IdsError, messageOf } from '../../common/errors.js';
import { ApiClient } from '../api/client.js';
import { DEFAULT_SOCKET } from '../config/defaults.js';
import { version } from '../../common/version.js';
import type { ExitStatus } from './command.js';
import { openContext, processIo, type Io } from './context.js';
import { helpText } from './help.js';
import { parse } from './parse.js';

/** Says what went wrong: one line for a user's mistake, a stack for a defect; with --json an object on standard output. */
function report(error: unknown, json: boolean, io: Io): ExitStatus {
  const known = error instanceof IdsError ? error : undefined;
  if (json) {
    const { code, message, details } = known ?? new IdsError('INTERNAL', messageOf(error));
    io.out(`${JSON.stringify({ error: { code, message, details } })}\n`);
  }
  const stack = error instanceof Error ? error.stack : undefined;
  const text = known ? known.message : (stack ?? messageOf(error));
  for (const line of text.split('\n')) io.err(`ids: ${line}\n`);
  return (known?.exit ?? 1) as ExitStatus;
}

/** Runs one command line and gives its exit status; never throws. */
export async function runCli(argv: readonly string[], io: Io): Promise<ExitStatus> {
  const end = argv.indexOf('--');
  const json = argv.slice(0, end < 0 ? undefined : end).includes('--json');
  try {
    const request = parse(argv);
    if (request.kind === 'version') {
      io.out(`${version}\n`);
      return 0;
    }
    if (request.kind === 'help') {
      const text = helpText(request.topic, io.columns);
      if (request.asked) io.out(text);
      else io.err(text);
      return request.asked ? 0 : 2;
    }
    const { patienceMs } = request.command;
    const patience = patienceMs === undefined ? {} : { timeoutMs: patienceMs };
    const client = new ApiClient(request.socket ?? DEFAULT_SOCKET, patience);
    const context = openContext(io, { json: request.json, socket: request.socket, client });
    return await request.command.run(request.values, context);
  } catch (error) {
    return report(error, json, io);
  }
}

/** Runs the command line of this process; resolves when it is done, with process.exitCode set. */
export async function main(argv: readonly string[]): Promise<void> {
  const status = await runCli(argv, processIo());
  if (status !== 0) process.exitCode = status;
}
