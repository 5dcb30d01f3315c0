// SPDX-License-Identifier: Apache-2.0
// From a ring event to a Detection: what happened, in the words of alerts/.

import {
  flowIdsOf,
  protocolName,
  type Detection,
  type DetectionPacket,
  type DetectionRule,
} from '../../alerts/index.js';
import { Direction, EventFlag, Reason, Verdict, type EventRecord } from '../../common/abi.gen.js';
import { formatAddress } from '../../common/address.js';
import type { RuleInfo } from '../../rules/index.js';
import { appNames } from '../layer7/anomalies.js';
import type { FlowFacts } from './flow-facts.js';
import { reasonName } from './names.js';

const TCP = 6;
const ICMP = 1;
const ICMP6 = 58;
const NONE: readonly number[] = [];

/** What an event cannot say about itself. */
export interface EventContext {
  /** Wall-clock microseconds of an event's time. */
  readonly timeUs: (nanoseconds: number) => number;
  readonly interfaceName: (ifindex: number) => string | undefined;
  /** The flow table, if it can be read. */
  readonly flows?: FlowFacts;
  /** True in replay: records carry the packet's number in its capture. */
  readonly replay: boolean;
}

const verdictNames = { [Verdict.PASS]: 'pass', [Verdict.DROP]: 'drop', [Verdict.REJECT]: 'reject' } as const;

/** A detection that is still being put together. */
export type Draft = { -readonly [Field in keyof Detection]: Detection[Field] };

/** Protocols whose flows have ports: TCP, UDP, SCTP. */
const withPorts: ReadonlySet<number> = new Set([TCP, 17, 132]);

function packetOf(event: EventRecord, icmp: boolean, tcp: boolean): DetectionPacket {
  const { frameLen, ipLen: len, ttl, tos, ipId, payloadLen } = event;
  const packet = { frameLen, len, ttl, tos, ipId, payloadLen };
  if (tcp) {
    const { seq, ack, window, urgent, tcpFlags: flags } = event;
    return { ...packet, tcp: { seq, ack, window, urgent, flags } };
  }
  return icmp ? { ...packet, icmp: { id: event.icmpId, seq: event.icmpSeq } } : packet;
}

/** The detection of an event, without a rule. `bytes` is the memory that `view` looks at. */
export function detectionOf(event: EventRecord, bytes: Uint8Array, context: EventContext): Draft {
  const { flags, proto, time, saddr, daddr, sport, dport } = event;
  const transport = (flags & EventFlag.EVENT_L4) !== 0;
  const icmp = transport && (proto === ICMP || proto === ICMP6);
  const iface = context.interfaceName(event.ifindex);
  const d: Draft = {
    kind: event.reason === Reason.CLEAN ? 'alert' : 'drop',
    timeUs: context.timeUs(time),
    src: formatAddress(bytes, saddr),
    dst: formatAddress(bytes, daddr),
    proto: protocolName(proto),
    ipVersion: event.ipVersion === 6 ? 6 : 4,
    packet: packetOf(event, icmp, transport && proto === TCP),
    verdict: verdictNames[event.verdict as Verdict],
    would: (flags & EventFlag.EVENT_WOULD) !== 0,
    reason: reasonName(event.reason),
    generation: event.generation,
  };
  if (time % 1000 !== 0) d.timeNs = time % 1000;
  if (iface !== undefined) d.iface = iface;
  if (context.replay) d.pcapCnt = event.packet;
  if (event.vlans > 0) d.vlan = [event.vlan0, event.vlan1].slice(0, event.vlans);
  if ((flags & EventFlag.EVENT_PORTS) !== 0) {
    d.sport = sport;
    d.dport = dport;
    if (withPorts.has(proto)) d.flowIds = flowIdsOf(bytes, saddr, daddr, sport, dport, proto, d.vlan ?? NONE);
  }
  if (icmp) {
    d.icmpType = sport;
    d.icmpCode = dport;
  }
  if (event.flowId !== 0) addFlow(d, event, context);
  if (event.count > 0) d.count = event.count;
  return d;
}

/** What the kernel's flow table says of the packet. */
function addFlow(d: Draft, event: EventRecord, context: EventContext): void {
  const flow = context.flows?.read(event.flow, event.flowId, context.timeUs);
  const appProto = appNames[event.app];
  if (appProto !== undefined) d.appProto = appProto;
  d.direction = event.direction === Direction.TO_CLIENT ? 'to_client' : 'to_server';
  if (flow) d.flow = flow;
}

/** The rule part of a detection. `blocked`: the rule's action was carried out on the packet or its flow; `text`: show it. */
export function ruleOf(rule: RuleInfo, blocked: boolean, text: boolean): DetectionRule {
  const metadata: Record<string, string[]> = {};
  for (const [key, value] of rule.metadata) (metadata[key] ??= []).push(value);
  return {
    gid: rule.gid,
    sid: rule.sid,
    rev: rule.rev,
    msg: rule.msg,
    category: rule.category,
    ...(rule.classtype === undefined ? {} : { classtype: rule.classtype }),
    severity: rule.priority,
    action: blocked ? 'blocked' : 'allowed',
    metadata,
    references: rule.references.map(({ system, value, url }) => url ?? `${system},${value}`),
    ...(rule.target === undefined ? {} : { target: rule.target }),
    ...(text ? { text: rule.text } : {}),
  };
}
