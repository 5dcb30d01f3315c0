// SPDX-License-Identifier: Apache-2.0
// A flow as an EVE record, with Suricata's field names; what Suricata does not have stands in `ids`.

import { flowIds, flowIdsOf, protocolName } from '../../alerts/index.js';
import { eveTime } from '../../alerts/eve.js';
import { FlowEnd, FlowEnded, FlowFlag, FlowState } from '../../common/abi.gen.js';
import { formatAddress, isMapped4 } from '../../common/address.js';
import { appNames } from '../layer7/anomalies.js';
import type { Flow, FlowSide } from './flow.js';
import { failureOf } from './selection.js';

/** Why a record is written: the kernel's reason, or one of the engine's. */
export type FlowReason = keyof typeof reasons;

/** Suricata's word for each. */
const reasons = {
  fin: 'timeout',
  rst: 'timeout',
  timeout: 'timeout',
  evicted: 'forced',
  reused: 'tcp_reuse',
  shutdown: 'shutdown',
  ongoing: 'ongoing',
} as const;

const ends: Readonly<Record<number, FlowReason>> = {
  [FlowEnd.FIN]: 'fin',
  [FlowEnd.RST]: 'rst',
  [FlowEnd.TIMEOUT]: 'timeout',
  [FlowEnd.EVICTED]: 'evicted',
  [FlowEnd.REUSED]: 'reused',
};

/** The kernel's reason, or `otherwise` if it has none. */
export function endOf({ end }: Flow, otherwise: FlowReason): FlowReason {
  return ends[end] ?? otherwise;
}

export interface LineContext {
  /** Wall clock of the kernel's time, in microseconds. */
  readonly timeUs: (nanoseconds: number) => number;
  readonly interfaceName: (ifindex: number) => string | undefined;
}

const states = ['new', 'new', 'new', 'established', 'established', 'closed'];
const tcpStates = ['none', 'none', 'syn_recv', 'established', 'fin_wait1', 'closed'];
const flagNames = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ecn', 'cwr'];
/** The order in which Suricata names them. */
const flagOrder = [1, 0, 2, 3, 4, 5, 6, 7];
const hex = (flags: number): string => flags.toString(16).padStart(2, '0');

function tcpText({ state, toServer, toClient }: Flow): string {
  const flags = toServer.tcpFlags | toClient.tcpFlags;
  const seen = flagOrder.filter((bit) => (flags >> bit) & 1).map((bit) => `"${flagNames[bit]}":true,`);
  const word =
    state === FlowState.FLOW_NEW && (toServer.tcpFlags & 2) !== 0 ? 'syn_sent' : (tcpStates[state] ?? 'none');
  return (
    `,"tcp":{"tcp_flags":"${hex(flags)}","tcp_flags_ts":"${hex(toServer.tcpFlags)}",` +
    `"tcp_flags_tc":"${hex(toClient.tcpFlags)}",${seen.join('')}"state":"${word}"}`
  );
}

const reset = ({ ended }: FlowSide): boolean => (ended & FlowEnded.ENDED_RST) !== 0;

function idsText(flow: Flow, reason: FlowReason): string {
  const parts = [`"end":"${reason}"`];
  const { toServer, toClient, serverUs, clientUs, rttUs, flags, layer, sid } = flow;
  const has = (flag: number): boolean => (flags & flag) !== 0;
  if (flow.proto === 6) {
    const failure = failureOf(flow);
    if (failure) parts.push(`"failed":"${failure}"`);
    if (serverUs > 0)
      parts.push(`"handshake":{"server_us":${serverUs}${clientUs > 0 ? `,"network_us":${clientUs}` : ''}}`);
    if (rttUs > 0) parts.push(`"rtt_us":${rttUs}`);
    parts.push(`"retransmissions":{"to_server":${toServer.retransmitted},"to_client":${toClient.retransmitted}}`);
    if (reset(toServer) || reset(toClient)) parts.push(`"reset_by":"${reset(toServer) ? 'client' : 'server'}"`);
  }
  if (has(FlowFlag.FLOW_MIDSTREAM)) parts.push('"midstream":true');
  if (has(FlowFlag.FLOW_LOCAL)) parts.push('"local":true');
  if (has(FlowFlag.FLOW_WITHHELD)) parts.push('"withheld":true');
  if (layer > 0) parts.push(`"tunnels":${layer}`);
  if (sid > 0) parts.push(`"dropped_by":${sid}`);
  return `,"ids":{${parts.join()}}`;
}

/** One line without its newline. @param now nanoseconds of the kernel's clock */
export function flowLine(flow: Flow, reason: FlowReason, now: number, alerted: boolean, context: LineContext): string {
  const { client, server, clientPort, serverPort, proto, vlan, toServer, toClient, flags, icmp } = flow;
  const ports = proto === 6 || proto === 17;
  const [src, dst] = [formatAddress(client), formatAddress(server)];
  // As in the records of its packets: messages of ICMP go by type and code.
  const { flowId, communityId } = ports
    ? flowIdsOf(Buffer.concat([client, server]), 0, 16, clientPort, serverPort, proto, vlan)
    : flowIds({ src, dst, proto, sport: icmp[0], dport: icmp[1], vlan });
  const name = context.interfaceName(flow.ifindex);
  const app = appNames[flow.app];
  const start = context.timeUs(flow.start);
  const end = context.timeUs(flow.last);
  const dropped = (flags & (FlowFlag.FLOW_DROPPED | FlowFlag.FLOW_REJECTED)) !== 0;
  const message = proto === 1 || proto === 58 ? `,"icmp_type":${icmp[0]},"icmp_code":${icmp[1]}` : '';
  return (
    `{"timestamp":"${eveTime(context.timeUs(now))}","flow_id":${flowId}` +
    (name === undefined ? '' : `,"in_iface":${JSON.stringify(name)}`) +
    `,"event_type":"flow"${vlan.length === 0 ? '' : `,"vlan":[${vlan.join()}]`},"src_ip":"${src}"` +
    (ports ? `,"src_port":${clientPort},"dest_ip":"${dst}","dest_port":${serverPort}` : `,"dest_ip":"${dst}"`) +
    `,"proto":"${protocolName(proto)}","ip_v":${isMapped4(client) ? 4 : 6}${message}` +
    (app === undefined ? '' : `,"app_proto":"${app}"`) +
    `,"flow":{"pkts_toserver":${toServer.packets},"pkts_toclient":${toClient.packets}` +
    `,"bytes_toserver":${toServer.bytes},"bytes_toclient":${toClient.bytes}` +
    `,"start":"${eveTime(start)}","end":"${eveTime(end)}","age":${Math.max(0, Math.round((end - start) / 1e6))}` +
    `,"state":"${states[flow.state] ?? 'new'}","reason":"${reasons[reason]}"` +
    `,"alerted":${alerted || (flags & FlowFlag.FLOW_ALERTED) !== 0}${dropped ? ',"action":"drop"' : ''}}` +
    (communityId === undefined ? '' : `,"community_id":"${communityId}"`) +
    `${proto === 6 ? tcpText(flow) : ''}${idsText(flow, reason)}}`
  );
}
