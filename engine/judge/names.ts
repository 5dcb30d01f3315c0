// SPDX-License-Identifier: Apache-2.0
// Names of numbers in events: reasons as operators see them, protocols as EVE writes them.

import { ReasonNames } from '../../common/abi.gen.js';

/** `rule-drop`, `decode-tcp-doff` …: a reason as it stands in status, alerts and metrics. */
export function reasonName(reason: number): string {
  return (ReasonNames[reason] ?? `reason-${reason}`).toLowerCase().replaceAll('_', '-');
}

/** Keywords of the IANA protocol numbers that Suricata writes by name; others stand as three digits. */
const protocols: Readonly<Record<number, string>> = {
  0: 'HOPOPT',
  1: 'ICMP',
  2: 'IGMP',
  4: 'IPv4',
  6: 'TCP',
  17: 'UDP',
  33: 'DCCP',
  41: 'IPv6',
  47: 'GRE',
  50: 'ESP',
  51: 'AH',
  58: 'IPv6-ICMP',
  89: 'OSPFIGP',
  103: 'PIM',
  112: 'VRRP',
  132: 'SCTP',
};

export function protocolName(protocol: number): string {
  return protocols[protocol] ?? String(protocol).padStart(3, '0');
}
