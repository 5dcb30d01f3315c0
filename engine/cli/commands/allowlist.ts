// SPDX-License-Identifier: Apache-2.0
import type { AllowEntry } from '../../api/api.js';
import { command } from '../command.js';
import { report } from '../outcomes.js';
import { table, type Column } from '../table.js';

const columns: readonly Column<AllowEntry>[] = [
  { title: 'prefix', value: (entry) => entry.prefix },
  { title: 'kind', value: (entry) => entry.kind },
  { title: 'origin', value: (entry) => entry.origin },
  { title: 'reason', value: (entry) => entry.reason },
];

export const allowlistAdd = command<{ prefixes: string[]; reason?: string | undefined }>({
  command: 'add <prefixes..>',
  describe: 'never drop anything from these prefixes; alerts are still raised',
  example: ['ids allowlist add 198.51.100.0/24 --reason "our office"', 'never lock the office out'],
  build: (yargs) =>
    yargs
      .positional('prefixes', { type: 'string', array: true, demandOption: true, describe: 'addresses or prefixes' })
      .option('reason', { type: 'string', requiresArg: true, describe: 'a note for those who read the list' }),
  run: async ({ prefixes, reason }, context) =>
    report(await context.client.allowlistAdd({ prefixes, ...(reason === undefined ? {} : { reason }) }), context),
});

export const allowlistRemove = command<{ prefixes: string[] }>({
  command: 'remove <prefixes..>',
  describe: 'take prefixes off the allowlist',
  example: ['ids allowlist remove 198.51.100.0/24', 'exit status 1 if it was not listed'],
  build: (yargs) =>
    yargs.positional('prefixes', { type: 'string', array: true, demandOption: true, describe: 'as they were added' }),
  run: async ({ prefixes }, context) => report(await context.client.allowlistRemove(prefixes), context),
});

export const allowlistList = command<object>({
  command: 'list',
  describe: 'the allowlist and the built-in exemptions',
  example: ['ids allowlist list', 'who cannot be locked out, and why'],
  build: (yargs) => yargs,
  run: async (_options, context) => {
    const entries = await context.client.allowlistList();
    if (context.json) context.data(entries);
    else for (const line of table(columns, entries, context.width)) context.line(line);
    return 0;
  },
});
