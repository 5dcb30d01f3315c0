// SPDX-License-Identifier: Apache-2.0
// The settings of the programs as the configuration makes them.

import { ControlFlag } from '../../common/abi.gen.js';
import type { Kernel } from '../bpf/index.js';
import type { Config } from '../config/index.js';
import { defaultRedaction } from '../layer7/structure/names.js';
import { structureTable } from '../layer7/structure/structure-table.js';

/** Writes them into the kernel; programs that an earlier daemon left running obey from their next packet on. */
export function settle(kernel: Kernel, config: Config): void {
  const { redact, events, flows, mode, reject_rate: rejectRate } = config;
  const names = redact === 'off' ? defaultRedaction : redact;
  kernel.writeStructure(structureTable({ ...names, kept: [] }));
  kernel.control.update({
    flags:
      (mode === 'monitor' ? ControlFlag.CONTROL_MONITOR : 0) |
      (redact === 'off' ? 0 : ControlFlag.CONTROL_REDACT) |
      (flows.fragments === 'hold' ? ControlFlag.CONTROL_HOLD_FRAGMENTS : 0) |
      (flows.midstream ? ControlFlag.CONTROL_MIDSTREAM : 0) |
      ControlFlag.CONTROL_FLOW_DROPS |
      (kernel.control.read().flags & ControlFlag.CONTROL_CUTS) |
      ControlFlag.CONTROL_ESTABLISHED,
    sourceRate: events.source_rate,
    ruleRate: events.rule_rate,
    blockedRate: events.blocked_rate,
    packetRate: events.packet_rate,
    rejectRate,
    timeouts: timeoutsOf(config),
  });
}

/** By enum ids_timeout. */
function timeoutsOf({ flows: { timeouts: t } }: Config): number[] {
  return [
    ...[t.tcp_new, t.tcp_established, t.tcp_closed],
    ...[t.udp_new, t.udp_established, t.other_new, t.other_established, t.fragments],
  ];
}
