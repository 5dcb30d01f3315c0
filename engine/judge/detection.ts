// SPDX-License-Identifier: Apache-2.0
// From a ring event to a Detection: what happened, in the words of alerts/.

import { protocolName, type Detection, type DetectionRule } from '../../alerts/index.js';
import { Direction, EventFlag, Reason, Verdict, type EventRecord } from '../../common/abi.gen.js';
import { formatAddress } from '../../common/address.js';
import type { RuleInfo } from '../../rules/index.js';
import { appNames } from '../layer7/anomalies.js';
import type { FlowFacts } from './flow-facts.js';
import { reasonName } from './names.js';

const TCP = 6;
const ICMP = 1;
const ICMP6 = 58;

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

/** The detection of an event, without a rule. `bytes` is the memory that `view` looks at. */
export function detectionOf(event: EventRecord, bytes: Uint8Array, context: EventContext): Detection {
  const { flags, proto } = event;
  const ports = (flags & EventFlag.EVENT_PORTS) !== 0;
  const transport = (flags & EventFlag.EVENT_L4) !== 0;
  const icmp = transport && (proto === ICMP || proto === ICMP6);
  const iface = context.interfaceName(event.ifindex);
  const vlan = [event.vlan0, event.vlan1].slice(0, event.vlans);
  return {
    kind: event.reason === Reason.CLEAN ? 'alert' : 'drop',
    timeUs: context.timeUs(event.time),
    ...(event.time % 1000 === 0 ? {} : { timeNs: event.time % 1000 }),
    ...(iface === undefined ? {} : { iface }),
    ...(context.replay ? { pcapCnt: event.packet } : {}),
    ...(vlan.length > 0 ? { vlan } : {}),
    src: formatAddress(bytes, event.saddr),
    dst: formatAddress(bytes, event.daddr),
    ...(ports ? { sport: event.sport, dport: event.dport } : {}),
    proto: protocolName(proto),
    ipVersion: event.ipVersion === 6 ? 6 : 4,
    ...(icmp ? { icmpType: event.sport, icmpCode: event.dport } : {}),
    packet: {
      frameLen: event.frameLen,
      len: event.ipLen,
      ttl: event.ttl,
      tos: event.tos,
      ipId: event.ipId,
      payloadLen: event.payloadLen,
      ...(transport && proto === TCP
        ? {
            tcp: {
              seq: event.seq,
              ack: event.ack,
              window: event.window,
              urgent: event.urgent,
              flags: event.tcpFlags,
            },
          }
        : {}),
      ...(icmp ? { icmp: { id: event.icmpId, seq: event.icmpSeq } } : {}),
    },
    verdict: verdictNames[event.verdict as Verdict],
    would: (flags & EventFlag.EVENT_WOULD) !== 0,
    reason: reasonName(event.reason),
    generation: event.generation,
    ...flowOf(event, context),
    ...(event.count > 0 ? { count: event.count } : {}),
  };
}

/** What the kernel's flow table says of the packet. */
function flowOf(event: EventRecord, context: EventContext): Pick<Detection, 'appProto' | 'direction' | 'flow'> {
  const { flowId, app, direction } = event;
  if (flowId === 0) return {};
  const flow = context.flows?.read(event.flow, flowId, context.timeUs);
  const appProto = appNames[app];
  return {
    ...(appProto === undefined ? {} : { appProto }),
    direction: direction === Direction.TO_CLIENT ? 'to_client' : 'to_server',
    ...(flow ? { flow } : {}),
  };
}

/** The rule part of a detection. `blocked`: the rule's action was carried out on the packet or its flow. */
export function ruleOf(rule: RuleInfo, blocked: boolean): DetectionRule {
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
    text: rule.text,
  };
}
