// SPDX-License-Identifier: Apache-2.0
// What `ids status` shows, put together from the kernel's counters and the services' figures.

import type { LineQueueStatus, OutputStatus } from '../../alerts/index.js';
import { abiHash, Stat, StatNames } from '../../common/abi.gen.js';
import type { InterfaceStatus, StageAccount, Status } from '../api/api.js';
import { resolveHomeNet } from '../config/index.js';
import { dropping } from '../judge/dropping.js';
import { reasonName } from '../judge/names.js';
import { version } from '../../common/version.js';
import { unfitNote } from './address-rules.js';
import type { DaemonParts } from './daemon.js';

function accounts({ ring, dispatcher }: DaemonParts, stats: readonly number[]): StageAccount[] {
  const stat = (index: number): number => stats[index] ?? 0;
  const account = (stage: string, delivered: number, suppressed: number, lost: number): StageAccount => ({
    stage,
    produced: delivered + suppressed + lost,
    delivered,
    suppressed,
    lost,
    pending: 0,
  });
  const { events, bulk, unexplained, ...http } = ring.counts;
  const heldBack = [Stat.EVENTS_SUPPRESSED, Stat.BLOCK_EVENTS_SUPPRESSED, Stat.MATCHES_DISCARDED];
  const suppressed = heldBack.reduce((sum, index) => sum + stat(index), 0);
  const output = (name: string, one: OutputStatus): StageAccount => ({
    stage: `output ${name}`,
    produced: one.raised,
    delivered: one.delivered,
    suppressed: one.suppressed,
    lost: one.expired + one.dropped,
    pending: one.pending,
  });
  const log = (name: string, { raised, delivered, pending, dropped, failed }: LineQueueStatus): StageAccount => ({
    stage: `output ${name} log`,
    produced: raised,
    delivered,
    suppressed: 0,
    lost: dropped + failed,
    pending,
  });
  const outputs = dispatcher.status().flatMap((one) => {
    const { name, lines } = one;
    return [output(name, one), ...(lines ? [log(name, lines)] : [])];
  });
  return [
    account('kernel events', stat(Stat.EVENTS), suppressed, stat(Stat.EVENTS_LOST)),
    account('kernel flow records', stat(Stat.FLOW_RECORDS), stat(Stat.FLOW_RECORDS_HELD), stat(Stat.FLOW_RECORDS_LOST)),
    account('kernel header sections', stat(Stat.BULK), 0, stat(Stat.BULK_LOST)),
    // A header section that turns out to be no request (a piece of an upload that looks like one) was read, not lost.
    account('reader', events + bulk - unexplained, 0, unexplained),
    account('engine rules', http.alerts, http.suppressed, 0),
    account('log lines', http.lines - http.linesLost, 0, http.linesLost),
    ...outputs,
  ];
}

function interfaces({ kernel }: DaemonParts): InterfaceStatus[] {
  return kernel.attachments().map(({ name, ifindex, mode, egress, tx, vlanStripped }) => ({
    name,
    ifindex,
    mode,
    egress: egress ?? 'off',
    reject: tx ? 'xdp' : 'raw-socket',
    ...(vlanStripped === undefined ? {} : { vlanStripped }),
  }));
}

/** Feeds that are behind, and a change that still waits for its confirmation. */
function feedNotes({ feeds, confirmations }: DaemonParts): string[] {
  const { pending } = confirmations;
  const until = pending && new Date(pending.deadline).toISOString();
  const waits = pending ? [`a change of ${pending.origin} is undone at ${until} unless you say: ids confirm`] : [];
  return [...waits, ...feeds.notes()];
}

function auditNotes({ audit }: DaemonParts): string[] {
  const { waiting, lost } = audit.log.figures;
  if (waiting + lost === 0) return [];
  return [
    `the audit log lacks entries: ${waiting} wait to be written, ${lost} found no room: see the log of the daemon`,
  ];
}

export function statusOf(parts: DaemonParts): Status {
  const { flows, kernel, rules, blocklist, allowlist, responder, dispatcher, config, started } = parts;
  const verdicts = kernel.verdicts().filter(({ packets }) => packets > 0);
  const stats = kernel.stats();
  const sum = (rows: readonly { packets: number }[]): number => rows.reduce((total, { packets }) => total + packets, 0);
  const dropped = verdicts.filter(({ reason }) => dropping.has(reason));
  const would = dropped.reduce((total, row) => total + row.would, 0);
  const { notes, ...lists } = blocklist.status();
  const attached = interfaces(parts);
  const { note: homeNet } = resolveHomeNet(config);
  const unfit = unfitNote(rules.unfit);
  return {
    version,
    pid: process.pid,
    started: started.toISOString(),
    uptime: (Date.now() - started.getTime()) / 1000,
    mode: config.mode,
    interfaces: attached,
    rules: {
      generation: rules.current.generation,
      origin: rules.current.origin,
      summary: rules.current.compilation.summary,
      uninspected: rules.uninspected(),
      bits: { held: parts.ring.counts.bits, evicted: parts.ring.counts.bitsEvicted },
      datasets: { held: parts.ring.counts.datasets, refused: parts.ring.counts.datasetsRefused },
    },
    packets: {
      total: sum(verdicts),
      bytes: verdicts.reduce((total, { bytes }) => total + bytes, 0),
      dropped: sum(dropped) - would,
      would,
    },
    reasons: verdicts.map(({ reason, packets, bytes, would: passed }) => ({
      reason: reasonName(reason),
      packets,
      bytes,
      would: passed,
    })),
    decode: kernel
      .decodes()
      .map((packets, reason) => ({ reason: reasonName(reason), packets }))
      .filter(({ packets }) => packets > 0),
    accounts: accounts(parts, stats),
    stats: {
      ...Object.fromEntries(
        stats.flatMap((value, index) => {
          const name = StatNames[index];
          return name === undefined || index >= Stat.STATS ? [] : [[name.toLowerCase(), value] as const];
        }),
      ),
      http_no_request: parts.ring.counts.malformed,
    },
    flows: flows.inUse(),
    blocklist: lists,
    allowlist: allowlist.counts(),
    response: responder.counts(),
    enrichment: parts.enricher.counts,
    outputs: dispatcher.status(),
    audit: parts.audit.log.figures,
    kernel: { abi: abiHash, pins: config.pin_dir, adopted: kernel.adopted },
    notes: [
      ...notes,
      ...feedNotes(parts),
      ...auditNotes(parts),
      ...parts.interfaces.notes(),
      ...(unfit === undefined ? [] : [unfit]),
      ...(homeNet === undefined ? [] : [homeNet]),
      ...attached
        .filter(({ vlanStripped }) => vlanStripped === true)
        .map(
          ({ name }) =>
            `${name} takes VLAN tags off in hardware: rules on VLANs see none (ethtool -K ${name} rxvlan off)`,
        ),
    ],
  };
}
