// SPDX-License-Identifier: Apache-2.0
// Metrics of packets, rules, events and programs.

import { abiHash } from '../../common/abi.gen.js';
import { isDropping } from '../judge/dropping.js';
import { label, type Family, type Sample } from './view.js';

/** What became of packets: dropped, or in monitor mode let through and counted. */
function actions(reason: string, packets: number, would: number): Sample[] {
  if (!isDropping(reason)) return [[packets, { reason, action: 'passed' }]];
  const dropped: Sample = [packets - would, { reason, action: 'dropped' }];
  return would > 0 ? [dropped, [would, { reason, action: 'would-drop' }]] : [dropped];
}

export const packetFamilies: readonly Family[] = [
  {
    name: 'ids_build_info',
    type: 'gauge',
    help: 'Version of ids, and what program and kernel share; always 1',
    labels: ['version', 'abi'],
    samples: ({ status }) => [[1, { version: status.version, abi: abiHash }]],
  },
  {
    name: 'ids_uptime_seconds',
    type: 'gauge',
    help: 'Since the daemon began to judge',
    samples: ({ status }) => [[status.uptime]],
  },
  {
    name: 'ids_monitor_mode',
    type: 'gauge',
    help: '1 in monitor mode, which drops nothing',
    samples: ({ status }) => [[status.mode === 'monitor' ? 1 : 0]],
  },
  {
    name: 'ids_notes',
    type: 'gauge',
    help: 'Things that "ids status" says an operator should know',
    samples: ({ status }) => [[status.notes.length]],
  },
  {
    name: 'ids_interfaces_configured',
    type: 'gauge',
    help: 'Interfaces that are to be judged',
    samples: ({ interfaces }) => [[interfaces]],
  },
  {
    name: 'ids_interface_attached',
    type: 'gauge',
    help: '1 for each interface that is judged, with how',
    labels: ['interface', 'mode', 'egress'],
    samples: ({ status }) => status.interfaces.map(({ name, mode, egress }) => [1, { interface: name, mode, egress }]),
  },
  {
    name: 'ids_packets_total',
    type: 'counter',
    help: 'Packets judged, by the reason that decided and what was done',
    labels: ['reason', 'action'],
    samples: ({ status }) => status.reasons.flatMap(({ reason, packets, would }) => actions(reason, packets, would)),
  },
  {
    name: 'ids_bytes_total',
    type: 'counter',
    help: 'Bytes of the packets judged, by the reason that decided',
    labels: ['reason'],
    samples: ({ status }) => status.reasons.map(({ reason, bytes }) => [bytes, { reason }]),
  },
  {
    name: 'ids_decode_packets_total',
    type: 'counter',
    help: 'Packets that are malformed or cannot be read, by what is wrong',
    labels: ['reason'],
    samples: ({ status }) => status.decode.map(({ reason, packets }) => [packets, { reason }]),
  },
  {
    name: 'ids_kernel_events_total',
    type: 'counter',
    help: 'The kernel counters of "ids status", by name',
    labels: ['event'],
    samples: ({ status }) => Object.entries(status.stats).map(([name, value]) => [value, { event: name }]),
  },
  {
    name: 'ids_flows',
    type: 'gauge',
    help: 'Flows in the table',
    samples: ({ status }) => [[status.flows.used]],
  },
  {
    name: 'ids_flows_capacity',
    type: 'gauge',
    help: 'Flows that the table has room for',
    samples: ({ status }) => [[status.flows.capacity]],
  },
  {
    name: 'ids_rules',
    type: 'gauge',
    help: 'Rules of the set in force, by placement',
    labels: ['placement'],
    samples: ({ status }) => {
      const { inline, address, engine, unsupported, errors, disabled = 0 } = status.rules.summary;
      const counts = { inline, address, engine, unsupported, error: errors, disabled };
      return Object.entries(counts).map(([placement, value]) => [value, { placement }]);
    },
  },
  {
    name: 'ids_rules_generation',
    type: 'gauge',
    help: 'Number of the rule set in force',
    samples: ({ status }) => [[status.rules.generation]],
  },
  {
    name: 'ids_uninspected_bytes_total',
    type: 'counter',
    help: 'Payload that rules look into and that was beyond the inspection depth, since the set was loaded',
    samples: ({ status }) => [[status.rules.uninspected.bytes]],
  },
  {
    name: 'ids_uninspected_streams_total',
    type: 'counter',
    help: 'Streams that bytes were missing of, or that there was no room for, since the set was loaded',
    samples: ({ status }) => [[status.rules.uninspected.streams]],
  },
  {
    name: 'ids_uninspected_messages_total',
    type: 'counter',
    help: 'Rules given up on a message, since the set was loaded',
    samples: ({ status }) => [[status.rules.uninspected.inspections]],
  },
  ...(['produced', 'delivered', 'suppressed', 'lost'] as const).map((what): Family => {
    const words = {
      produced: 'Events that arose in a stage: delivered + suppressed + lost',
      delivered: 'Events that a stage handed on',
      suppressed: 'Events that a rate bound held back; they are told as counts',
      lost: 'Events that a stage had no room for',
    };
    return {
      name: `ids_events_${what}_total`,
      type: 'counter',
      help: words[what],
      labels: ['stage'],
      samples: ({ status }) =>
        status.accounts
          .filter(({ stage }) => !stage.startsWith('output '))
          .map((account) => [account[what], { stage: label(account.stage) }]),
    };
  }),
  {
    name: 'ids_ring_records_total',
    type: 'counter',
    help: 'Records that were read from the rings',
    labels: ['ring'],
    samples: ({ ring }) => [
      [ring.events, { ring: 'events' }],
      [ring.bulk, { ring: 'bulk' }],
    ],
  },
  {
    name: 'ids_program_time_counted',
    type: 'gauge',
    help: '1 while the kernel counts the run time of programs',
    samples: ({ timed }) => [[timed ? 1 : 0]],
  },
  {
    name: 'ids_program_runs_total',
    type: 'counter',
    help: 'Packets that a program has run on while that was counted',
    labels: ['program'],
    samples: ({ programs }) => programs.map(({ program, runs }) => [runs, { program }]),
  },
  {
    name: 'ids_program_run_seconds_total',
    type: 'counter',
    help: 'Time that a program has run while that was counted',
    labels: ['program'],
    samples: ({ programs }) => programs.map(({ program, seconds: time }) => [time, { program }]),
  },
];
