// SPDX-License-Identifier: Apache-2.0
// Metrics of lists, feeds, outputs and the audit log.

import type { FeedStatus } from '../api/bulk-api.js';
import type { FamilyCounts, Status } from '../api/api.js';
import { label, seconds, type Family, type Sample } from './view.js';

type Output = Status['outputs'][number];

function ofFamily(name: string, help: string, value: (one: FamilyCounts) => number): Family {
  const samples: Family['samples'] = ({ status }) =>
    status.blocklist.families.map((one) => [value(one), { family: one.family }]);
  return { name, type: 'gauge', help, labels: ['family'], samples };
}

function ofFeed(
  name: string,
  type: Family['type'],
  help: string,
  value: (one: FeedStatus) => number | undefined,
): Family {
  const sample = (one: FeedStatus): Sample[] => {
    const found = value(one);
    return found === undefined ? [] : [[found, { feed: one.name }]];
  };
  return { name, type, help, labels: ['feed'], samples: ({ feeds }) => feeds.flatMap(sample) };
}

function ofOutput(
  name: string,
  type: Family['type'],
  help: string,
  value: (one: Output, now: number) => number | undefined,
): Family {
  return {
    ...{ name, type, help, labels: ['output'] },
    samples: ({ status, now }) =>
      status.outputs.flatMap((one): Sample[] => {
        const found = value(one, now);
        return found === undefined ? [] : [[found, { output: one.name }]];
      }),
  };
}

function single(name: string, type: Family['type'], help: string, value: (status: Status) => number): Family {
  return { name, type, help, samples: ({ status }) => [[value(status)]] };
}

const circuits = ['closed', 'open', 'half-open'] as const;

export const serviceFamilies: readonly Family[] = [
  ofFamily('ids_blocklist_entries', 'Prefixes that are listed', ({ entries }) => entries),
  ofFamily('ids_blocklist_enforced_entries', 'Prefixes that the kernel has', ({ enforced }) => enforced),
  ofFamily('ids_blocklist_capacity_entries', 'Prefixes that there is room for', ({ capacity }) => capacity),
  single(
    'ids_blocklist_repairs_total',
    'counter',
    'Entries and words that the comparison with the kernel has put right',
    ({ blocklist }) => blocklist.reconciler.repairs,
  ),
  single('ids_allowlist_entries', 'gauge', 'Prefixes that are never dropped', ({ allowlist }) => allowlist.entries),
  single('ids_exemptions', 'gauge', 'Addresses that are never blocked', ({ allowlist }) => allowlist.exemptions),
  {
    name: 'ids_response_total',
    type: 'counter',
    help: 'Sources that rules have blocked, and those withheld, by why',
    labels: ['outcome'],
    samples: ({ status }) =>
      Object.entries(status.response)
        .filter(([name]) => name !== 'unproven in force')
        .map(([name, value]) => [value, { outcome: label(name) }]),
  },
  {
    name: 'ids_enrichment_total',
    type: 'counter',
    help: 'What enrichment of alerts asked for, found and left out',
    labels: ['what'],
    samples: ({ status }) =>
      Object.entries(status.enrichment)
        .filter(([name]) => name !== 'dns_cached')
        .map(([name, value]) => [value, { what: label(name) }]),
  },
  ofFeed('ids_feed_entries', 'gauge', 'Prefixes that a feed lists', ({ entries }) => entries),
  ofFeed('ids_feed_refused_entries', 'gauge', 'Prefixes of a feed that are not taken', ({ refused }) => refused),
  ofFeed('ids_feed_failures', 'gauge', 'Fetches in a row that have failed', ({ failures }) => failures),
  ofFeed(
    'ids_feed_last_success_timestamp_seconds',
    'gauge',
    'When a feed was last fetched; 0: never',
    ({ lastSuccess }) => (lastSuccess === undefined ? 0 : seconds(lastSuccess)),
  ),
  ofOutput('ids_output_raised_total', 'counter', 'Records raised for an output', ({ raised }) => raised),
  ofOutput('ids_output_delivered_total', 'counter', 'Records that the receiver has', ({ delivered }) => delivered),
  ofOutput(
    'ids_output_suppressed_total',
    'counter',
    "Records that the output's own limits held back",
    (one) => one.suppressed,
  ),
  ofOutput('ids_output_expired_total', 'counter', 'Records that waited too long', ({ expired }) => expired),
  ofOutput(
    'ids_output_dropped_total',
    'counter',
    'Records without room, or refused for good',
    ({ dropped }) => dropped,
  ),
  ofOutput('ids_output_retries_total', 'counter', 'Second and further tries', ({ retries }) => retries),
  ofOutput('ids_output_pending_records', 'gauge', 'Records that wait', ({ pending }) => pending),
  ofOutput('ids_output_pending_bytes', 'gauge', 'Bytes that wait', ({ pendingBytes }) => pendingBytes),
  ofOutput(
    'ids_output_oldest_seconds',
    'gauge',
    'Age of the oldest record that waits; 0: none waits',
    ({ oldest }, now) => (oldest === undefined ? 0 : Math.max(0, now - oldest) / 1000),
  ),
  ofOutput(
    'ids_output_dead_letters',
    'gauge',
    'Records that the receiver refuses, kept for "ids outputs dead"',
    (one) => one.dead,
  ),
  ofOutput('ids_output_durable', 'gauge', '1 if what waits outlives the process', ({ durable }) => (durable ? 1 : 0)),
  ofOutput(
    'ids_output_last_delivery_timestamp_seconds',
    'gauge',
    'When something was last delivered; 0: never',
    (one) => (one.lastDelivery === undefined ? 0 : one.lastDelivery / 1000),
  ),
  {
    name: 'ids_output_circuit',
    type: 'gauge',
    help: '1 for the state that the circuit to the receiver is in; open: so many tries have failed that the next waits',
    labels: ['output', 'state'],
    samples: ({ status }) =>
      status.outputs.flatMap(({ name, circuit }) =>
        circuits.map((state): Sample => [circuit === state ? 1 : 0, { output: name, state }]),
      ),
  },
  {
    name: 'ids_output_log_lines_total',
    type: 'counter',
    help: 'Log lines of an output, by what became of them',
    labels: ['output', 'outcome'],
    samples: ({ status }) =>
      status.outputs.flatMap(({ name, lines }): Sample[] => {
        if (!lines) return [];
        const { delivered, dropped, failed } = lines;
        return Object.entries({ delivered, dropped, failed }).map(([outcome, n]) => [n, { output: name, outcome }]);
      }),
  },
  ofOutput('ids_output_log_pending_bytes', 'gauge', 'Bytes of log lines that wait', ({ lines }) => lines?.pendingBytes),
  single('ids_audit_lines_total', 'counter', 'Lines of the audit log', ({ audit }) => audit.records),
  single('ids_audit_signed_lines', 'gauge', 'Lines that a signed checkpoint reaches', ({ audit }) => audit.signed),
  single('ids_audit_waiting_entries', 'gauge', 'Entries that could not be written yet', ({ audit }) => audit.waiting),
  single('ids_audit_lost_total', 'counter', 'Entries that found no room to wait', ({ audit }) => audit.lost),
  single('ids_audit_write_failures_total', 'counter', 'Writes that failed', ({ audit }) => audit.failures),
];
