// SPDX-License-Identifier: Apache-2.0
import { parseDuration } from '../../../common/duration.js';
import type { BlockEntry } from '../../api/api.js';
import { sshPeerOf } from '../../lists/index.js';
import { command } from '../command.js';
import { report } from '../outcomes.js';
import { count, plain, plural, table, type Column } from '../table.js';

const columns: readonly Column<BlockEntry>[] = [
  { title: 'prefix', value: (entry) => entry.prefix },
  { title: 'origin', value: (entry) => entry.origin },
  { title: 'expires', value: (entry) => entry.expires ?? 'never' },
  { title: 'packets', align: 'right', value: (entry) => count(entry.packets) },
  { title: 'last seen', value: (entry) => entry.lastSeen ?? 'never' },
  { title: 'reason', value: (entry) => entry.reason },
];

export const blocklistAdd = command<{
  prefixes: string[];
  ttl?: string | undefined;
  reason?: string | undefined;
  force: boolean;
}>({
  command: 'add <prefixes..>',
  describe: 'drop everything from these addresses or prefixes, at once',
  example: ['ids blocklist add 192.0.2.7 2001:db8::/48 --ttl 1h --reason "brute force"', 'two prefixes for an hour'],
  build: (yargs) =>
    yargs
      .positional('prefixes', { type: 'string', array: true, demandOption: true, describe: 'addresses or prefixes' })
      .option('ttl', {
        type: 'string',
        requiresArg: true,
        describe: 'how long: 90s, 15m, 1h, 7d; for ever if not given',
      })
      .option('reason', { type: 'string', requiresArg: true, describe: 'a note for those who read the list' })
      .option('force', { type: 'boolean', default: false, describe: 'even if it would lock somebody out' }),
  run: async ({ prefixes, ttl, reason, force }, context) => {
    const peer = sshPeerOf(process.pid, process.env);
    const outcomes = await context.client.blocklistAdd({
      prefixes,
      force,
      ...(ttl === undefined ? {} : { ttl: parseDuration(ttl) }),
      ...(reason === undefined ? {} : { reason }),
      ...(peer === undefined ? {} : { sshPeer: peer }),
    });
    return report(outcomes, context);
  },
});

export const blocklistRemove = command<{ prefixes: string[] }>({
  command: 'remove <prefixes..>',
  describe: 'let these prefixes in again',
  example: ['ids blocklist remove 192.0.2.7', 'exit status 1 if it was not listed'],
  build: (yargs) =>
    yargs.positional('prefixes', { type: 'string', array: true, demandOption: true, describe: 'as they were added' }),
  run: async ({ prefixes }, context) => report(await context.client.blocklistRemove(prefixes), context),
});

export const blocklistList = command<object>({
  command: 'list',
  describe: 'all entries with their origin, expiry and packets dropped',
  example: ['ids blocklist list --json', 'for programs'],
  build: (yargs) => yargs,
  run: async (_options, context) => {
    const entries = await context.client.blocklistList();
    if (context.json) context.data(entries);
    else {
      for (const line of table(columns, entries, context.width)) context.line(line);
      context.line(plural(entries.length, 'entry', 'entries'));
    }
    return 0;
  },
});

export const blocklistCheck = command<{ address: string }>({
  command: 'check <address>',
  describe: 'is this address blocked, by which entries? exit status 0 yes, 1 no',
  example: ['ids blocklist check 192.0.2.7', 'names the entries that cover it'],
  build: (yargs) => yargs.positional('address', { type: 'string', demandOption: true, describe: 'an IP address' }),
  run: async ({ address }, context) => {
    const check = await context.client.blocklistCheck(address);
    if (context.json) context.data(check);
    else {
      context.line(`${check.address} is ${check.blocked ? 'blocked' : 'not blocked'}`);
      for (const { prefix, origin, expires, reason } of check.entries) {
        context.line(
          plain(`  ${prefix} by ${origin}, ${expires === undefined ? 'for ever' : `until ${expires}`}  ${reason}`),
        );
      }
      if (check.kept) context.line(plain(`  kept by ${check.kept.kind} ${check.kept.prefix} (${check.kept.reason})`));
    }
    return check.blocked ? 0 : 1;
  },
});

export const blocklistFlush = command<object>({
  command: 'flush',
  describe: 'remove every entry, of every origin',
  example: ['ids blocklist flush', 'start with an empty list'],
  build: (yargs) => yargs,
  run: async (_options, context) => {
    const result = await context.client.blocklistFlush();
    if (context.json) context.data(result);
    else context.line(`${plural(result.removed, 'entry', 'entries')} removed`);
    return 0;
  },
});
