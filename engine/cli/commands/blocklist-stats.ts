// SPDX-License-Identifier: Apache-2.0
import type { OriginStats } from '../../api/bulk-api.js';
import { command } from '../command.js';
import { count, table, type Column } from '../table.js';

const columns: readonly Column<OriginStats>[] = [
  { title: 'origin', value: ({ origin }) => origin },
  { title: 'dropping', align: 'right', value: ({ entries, alerting }) => count(entries - alerting) },
  { title: 'alerting', align: 'right', value: ({ alerting }) => count(alerting) },
  { title: 'packets', align: 'right', value: ({ packets }) => count(packets) },
  { title: 'bytes', align: 'right', value: ({ bytes }) => count(bytes) },
];

export const blocklistStats = command({
  name: 'blocklist stats',
  describe: 'how full the list is, and what each origin lists and drops',
  example: ['ids blocklist stats', 'entries, packets and bytes by origin'],
  run: async (_values, context) => {
    const stats = await context.client.blocklistStats();
    if (context.json) context.data(stats);
    else {
      const { entries4, capacity4, entries6, capacity6, enforced, repairs, origins } = stats;
      context.line(`IPv4 ${count(entries4)} of ${count(capacity4)}, IPv6 ${count(entries6)} of ${count(capacity6)}`);
      context.line(`enforced ${count(enforced)}, repaired ${count(repairs)}`);
      context.lines(table(columns, origins, context.width));
    }
    return 0;
  },
});

export const confirm = command({
  name: 'confirm',
  describe: 'keep a change that was made with --confirm',
  example: ['ids confirm', 'you are still here: it stays'],
  run: async (_values, context) => {
    const result = await context.client.confirm();
    if (context.json) context.data(result);
    else context.line(`confirmed: ${count(result.entries)} entries of ${result.origin} stay`);
    return 0;
  },
});
