// SPDX-License-Identifier: Apache-2.0
import { formatDuration } from '../../../common/duration.js';
import type { Status } from '../../api/api.js';
import { command } from '../command.js';
import type { Context } from '../context.js';
import { printSummary } from '../rules-summary.js';
import { count, plural, table } from '../table.js';

function show(status: Status, context: Context): void {
  const section = (title: string, lines: readonly string[]): void => {
    if (lines.length === 0) return;
    context.line();
    context.line(context.style(`${title}:`, 'bold'));
    for (const line of lines) context.line(`  ${line}`);
  };
  context.line(
    `ids ${status.version}, pid ${status.pid}, up ${formatDuration(status.uptime)}, mode ${status.mode}, ` +
      `rules generation ${status.rules.generation} (from ${status.rules.origin})`,
  );
  printSummary(status.rules.summary, context);
  const { bytes, streams, inspections } = status.rules.uninspected;
  if (bytes + streams + inspections > 0) {
    const given = inspections > 0 ? `, ${count(inspections)} rules given up on a message` : '';
    context.line(`not inspected: ${count(bytes)} bytes beyond the depth, ${count(streams)} streams with gaps${given}`);
  }
  const { held, evicted } = status.rules.bits;
  if (held + evicted > 0) context.line(`bits of addresses: ${count(held)} set, ${count(evicted)} given up`);
  const { packets } = status;
  context.line(
    `${count(packets.total)} packets, ${count(packets.dropped)} dropped, ${count(packets.would)} would have been dropped`,
  );
  section(
    'interfaces',
    status.interfaces.map(({ name, mode, egress, reject, vlanStripped }) => {
      const vlan = vlanStripped === true ? ', VLAN tags are taken off by the NIC and not seen' : '';
      const leaving = egress === 'off' ? 'what leaves is not judged' : `egress by ${egress}`;
      return `${name}: XDP ${mode}, ${leaving}, reject by ${reject}${vlan}`;
    }),
  );
  section(
    'packets by reason',
    table(
      [
        { title: 'reason', value: (row) => row.reason },
        { title: 'packets', align: 'right', value: (row) => count(row.packets) },
        { title: 'bytes', align: 'right', value: (row) => count(row.bytes) },
        { title: 'would', align: 'right', value: (row) => count(row.would) },
      ],
      status.reasons,
    ),
  );
  section(
    'malformed headers',
    status.decode.map(({ reason, packets: seen }) => `${reason}: ${count(seen)}`),
  );
  const { flows } = status;
  context.line();
  context.line(
    `${count(flows.used)} of ${count(flows.capacity)} flows in use; ${count(flows.full)} packets found no place, ` +
      `${count(flows.evicted)} half-open flows gave way`,
  );
  section(
    'events (produced = delivered + suppressed + lost + pending)',
    table(
      [
        { title: 'stage', value: (row) => row.stage },
        { title: 'produced', align: 'right', value: (row) => count(row.produced) },
        { title: 'delivered', align: 'right', value: (row) => count(row.delivered) },
        { title: 'suppressed', align: 'right', value: (row) => count(row.suppressed) },
        { title: 'lost', align: 'right', value: (row) => count(row.lost) },
        { title: 'pending', align: 'right', value: (row) => count(row.pending) },
      ],
      status.accounts,
    ),
  );
  const { blocklist, allowlist } = status;
  section('lists', [
    ...blocklist.families.map(
      ({ family, entries, enforced, capacity }) =>
        `blocklist ${family}: ${count(entries)} prefixes listed, ${count(enforced)} enforced, room for ${count(capacity)}`,
    ),
    `blocklist compared with the kernel: ${count(blocklist.reconciler.samples)} samples, ` +
      `${count(blocklist.reconciler.passes)} full passes, ${count(blocklist.reconciler.repairs)} repairs`,
    `allowlist: ${count(allowlist.entries)} entries, ${count(allowlist.exemptions)} built-in exemptions`,
  ]);
  section(
    'response',
    Object.entries(status.response).map(([name, value]) => `${name}: ${count(value)}`),
  );
  section(
    'enrichment of alerts',
    Object.entries(status.enrichment).map(([name, value]) => `${name}: ${count(value)}`),
  );
  section(
    'outputs',
    status.outputs.map(
      (output) =>
        `${output.name}: ${output.state}, ${count(output.delivered)} of ${count(output.raised)} delivered, ` +
        `${count(output.pending)} pending, ${count(output.suppressed)} suppressed, ${count(output.expired)} expired, ` +
        `${count(output.dropped)} dropped` +
        (output.lastError === undefined ? '' : `; last error: ${output.lastError.message}`),
    ),
  );
  const { audit } = status;
  section('audit log', [
    `${plural(audit.records, 'line')}, signed up to ${count(audit.signed)}` +
      (audit.waiting + audit.lost > 0 ? `; ${count(audit.waiting)} wait, ${count(audit.lost)} lost` : ''),
  ]);
  section(
    'kernel counters',
    Object.entries(status.stats)
      .filter(([, value]) => value > 0)
      .map(([name, value]) => `${name}: ${count(value)}`),
  );
  section('notes', status.notes);
}

export const status = command({
  name: 'status',
  describe: 'what the daemon does: interfaces, packets by reason, events, lists, outputs',
  example: ['ids status --json', 'for programs'],
  run: async (_values, context) => {
    const answer = await context.client.status();
    if (context.json) context.data(answer);
    else show(answer, context);
    return 0;
  },
});
