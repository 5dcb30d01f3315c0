// SPDX-License-Identifier: Apache-2.0
import type { AllowEntry } from '../../api/api.js';
import { command } from '../command.js';
import { outcomesOf, reportAdded, reportRemoved } from '../outcomes.js';
import { requirePrefixes } from '../prefixes.js';
import { count, plural, table, type Column } from '../table.js';

const columns: readonly Column<AllowEntry>[] = [
  { title: 'prefix', value: (entry) => entry.prefix },
  { title: 'kind', value: (entry) => entry.kind },
  { title: 'origin', value: (entry) => entry.origin },
  { title: 'reason', value: (entry) => entry.reason },
];

export const allowlistAdd = command({
  name: 'allowlist add',
  describe: 'never drop anything from these prefixes; alerts are still raised',
  positionals: { prefixes: { many: true, describe: 'addresses, prefixes or ranges first-last' } },
  options: {
    reason: { type: 'string', value: 'TEXT', describe: 'a note for those who read the list' },
  },
  example: ['ids allowlist add 198.51.100.0/24 --reason "our office"', 'never lock the office out'],
  run: async ({ prefixes, reason }, context) => {
    await requirePrefixes(prefixes);
    const request = context.client.allowlistAdd({ prefixes, ...(reason === undefined ? {} : { reason }) });
    return reportAdded(await outcomesOf(request), context);
  },
});

export const allowlistRemove = command({
  name: 'allowlist remove',
  describe: 'take prefixes off the allowlist; exit status 1 if one was not listed',
  positionals: { prefixes: { many: true, describe: 'as they were added' } },
  example: ['ids allowlist remove 198.51.100.0/24', 'what it says may be dropped again'],
  run: async ({ prefixes }, context) => {
    await requirePrefixes(prefixes);
    return reportRemoved(await outcomesOf(context.client.allowlistRemove(prefixes)), context);
  },
});

export const allowlistList = command({
  name: 'allowlist list',
  describe: 'the allowlist and the built-in exemptions',
  example: ['ids allowlist list', 'who cannot be locked out, and why'],
  run: async (_values, context) => {
    const entries = await context.client.allowlistList();
    if (context.json) context.data(entries);
    else {
      const listed = entries.filter(({ kind }) => kind === 'allowlist').length;
      context.lines(table(columns, entries, context.width));
      context.line(`${plural(listed, 'entry', 'entries')}, ${count(entries.length - listed)} built-in exemptions`);
    }
    return 0;
  },
});
