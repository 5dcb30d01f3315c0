// SPDX-License-Identifier: Apache-2.0
// The 5-tuple of an event, for matching rules and for cutting flows.

import { EventFlag, Field, type EventRecord } from '../../common/abi.gen.js';

export interface FlowTuple {
  readonly src: bigint;
  readonly dst: bigint;
  readonly sport: number;
  readonly dport: number;
  /** IP protocol number. */
  readonly proto: number;
}

function addressAt(bytes: Uint8Array, at: number): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (view.getBigUint64(at) << 64n) | view.getBigUint64(at + 8);
}

export function tupleOf(event: EventRecord, bytes: Uint8Array): FlowTuple {
  return {
    src: addressAt(bytes, event.saddr),
    dst: addressAt(bytes, event.daddr),
    sport: event.sport,
    dport: event.dport,
    proto: event.proto,
  };
}

/** Header fields of an event by enum ids_field; undefined for what the packet lacks. */
export function fieldsOf(event: EventRecord): (field: Field) => number | undefined {
  const tcp = event.proto === 6 && (event.flags & EventFlag.EVENT_L4) !== 0;
  const icmp = (event.proto === 1 || event.proto === 58) && (event.flags & EventFlag.EVENT_L4) !== 0;
  return (field) => {
    switch (field) {
      case Field.IP_VERSION:
        return event.ipVersion;
      case Field.TTL:
        return event.ttl;
      case Field.IP_ID:
        return event.ipVersion === 4 ? event.ipId : undefined;
      case Field.TOS:
        return event.tos;
      case Field.IP_PROTO:
        return event.proto;
      case Field.DSIZE:
        return event.payloadLen;
      case Field.TCP_FLAGS:
        return tcp ? event.tcpFlags : undefined;
      case Field.TCP_SEQ:
        return tcp ? event.seq : undefined;
      case Field.TCP_ACK:
        return tcp ? event.ack : undefined;
      case Field.TCP_WINDOW:
        return tcp ? event.window : undefined;
      case Field.ICMP_TYPE:
        return icmp ? event.sport : undefined;
      case Field.ICMP_CODE:
        return icmp ? event.dport : undefined;
      case Field.ICMP_ID:
        return icmp ? event.icmpId : undefined;
      case Field.ICMP_SEQ:
        return icmp ? event.icmpSeq : undefined;
      case Field.VLAN_ID0:
        return event.vlans > 0 ? event.vlan0 : undefined;
      case Field.VLAN_ID1:
        return event.vlans > 1 ? event.vlan1 : undefined;
      case Field.VLAN_LAYERS:
        return event.vlans;
      case Field.DECODE0:
        return event.decode0;
      case Field.DECODE1:
        return event.decode1;
      default:
        return undefined;
    }
  };
}
