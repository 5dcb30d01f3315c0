// SPDX-License-Identifier: Apache-2.0
import { parseAddress } from '../../../common/address.js';
import { IdsError } from '../../../common/errors.js';
import type { BlockEntry } from '../../api/api.js';
import { sshPeerOf } from '../../lists/ssh-peer.js';
import { command } from '../command.js';
import { parseLimit } from '../limit.js';
import { outcomesOf, reportAdded, reportRemoved } from '../outcomes.js';
import { parseConfirm, parseTtl, requirePrefixes } from '../prefixes.js';
import { count, plain, plural, table, type Column } from '../table.js';

const ORDERS = ['address', 'hits'] as const;

const columns: readonly Column<BlockEntry>[] = [
  { title: 'prefix', value: (entry) => entry.prefix },
  { title: 'origin', value: (entry) => entry.origin },
  { title: 'action', value: (entry) => entry.action ?? 'drop' },
  { title: 'expires', value: (entry) => entry.expires ?? 'never' },
  { title: 'packets', align: 'right', value: (entry) => count(entry.packets) },
  { title: 'last seen', value: (entry) => entry.lastSeen ?? 'never' },
  { title: 'reason', value: (entry) => entry.reason },
];

export const blocklistAdd = command({
  name: 'blocklist add',
  describe: 'drop everything from these addresses or prefixes, at once',
  positionals: { prefixes: { many: true, describe: 'addresses, prefixes or ranges first-last' } },
  options: {
    ttl: { type: 'string', value: 'DURATION', describe: 'how long: 90s, 15m, 1h, 7d; for ever if not given' },
    reason: { type: 'string', value: 'TEXT', describe: 'a note for those who read the list' },
    force: { type: 'boolean', describe: 'even if it would lock somebody out or covers very much' },
    confirm: { type: 'string', value: 'DURATION', describe: 'undo it after this time unless "ids confirm" is said' },
  },
  example: ['ids blocklist add 192.0.2.7 2001:db8::/48 --ttl 1h --reason "brute force"', 'two prefixes for an hour'],
  run: async ({ prefixes, ttl, reason, force, confirm }, context) => {
    await requirePrefixes(prefixes);
    const peer = sshPeerOf(process.pid, process.env);
    const how = {
      force,
      ...(ttl === undefined ? {} : { ttl: parseTtl(ttl) }),
      ...(reason === undefined ? {} : { reason }),
      ...(peer === undefined ? {} : { sshPeer: peer }),
    };
    if (confirm !== undefined) {
      const { addOnProbation } = await import('./blocklist-import.js');
      return addOnProbation(prefixes, { ...how, confirm: parseConfirm(confirm) }, context);
    }
    return reportAdded(await outcomesOf(context.client.blocklistAdd({ prefixes, ...how })), context);
  },
});

export const blocklistRemove = command({
  name: 'blocklist remove',
  describe: 'let these prefixes in again; exit status 1 if one was not listed',
  positionals: { prefixes: { many: true, describe: 'as they were added' } },
  example: ['ids blocklist remove 192.0.2.7', 'its packets pass from now on'],
  run: async ({ prefixes }, context) => {
    await requirePrefixes(prefixes);
    return reportRemoved(await outcomesOf(context.client.blocklistRemove(prefixes)), context);
  },
});

export const blocklistList = command({
  name: 'blocklist list',
  describe: 'entries with their origin, expiry and packets dropped',
  options: {
    sort: {
      type: 'string',
      value: 'ORDER',
      default: 'address',
      complete: ORDERS,
      describe: 'address, or hits: the most packets first',
    },
    limit: { type: 'string', value: 'N', describe: 'the first N alone' },
    origin: { type: 'string', value: 'ORIGIN', describe: 'of this origin alone' },
  },
  example: ['ids blocklist list --sort hits --limit 20', 'who knocks most'],
  run: async ({ sort, limit, origin }, context) => {
    const order = ORDERS.find((known) => known === sort);
    if (!order) throw new IdsError('USAGE', `"${sort}" is no order: write address or hits`);
    const entries = await context.client.blocklistList({
      sort: order,
      ...(limit === undefined ? {} : { limit: parseLimit(limit) }),
      ...(origin === undefined ? {} : { origin }),
    });
    if (context.json) context.data(entries);
    else {
      context.lines(table(columns, entries, context.width));
      context.line(plural(entries.length, 'entry', 'entries'));
    }
    return 0;
  },
});

export const blocklistCheck = command({
  name: 'blocklist check',
  describe: 'is this address blocked, and by which entries? exit status 0 yes, 1 no',
  positionals: { address: { describe: 'an IP address' } },
  example: ['ids blocklist check 192.0.2.7', 'names the entries that cover it and what keeps it from being blocked'],
  run: async ({ address }, context) => {
    parseAddress(address);
    const check = await context.client.blocklistCheck(address);
    if (context.json) context.data(check);
    else {
      context.line(`${check.address} is ${check.blocked ? 'blocked' : 'not blocked'}`);
      for (const { prefix, origin, action, expires, reason } of check.entries) {
        const until = `${action === 'alert' ? 'alert alone, ' : ''}${expires === undefined ? 'for ever' : `until ${expires}`}`;
        context.line(plain(`  ${prefix} by ${origin}, ${until}${reason === '' ? '' : `: ${reason}`}`));
      }
      const { kept } = check;
      if (kept)
        context.line(plain(`  kept by ${kept.kind} ${kept.prefix}${kept.reason === '' ? '' : `: ${kept.reason}`}`));
    }
    return check.blocked ? 0 : 1;
  },
});

export const blocklistFlush = command({
  name: 'blocklist flush',
  describe: 'remove every entry, of every origin',
  example: ['ids blocklist flush', 'start with an empty list'],
  run: async (_values, context) => {
    const result = await context.client.blocklistFlush();
    if (context.json) context.data(result);
    else context.line(`${plural(result.removed, 'entry', 'entries')} removed`);
    return 0;
  },
});
