// SPDX-License-Identifier: Apache-2.0
// One flow as the kernel has it: struct ids_flow, of the table or of a record.

import {
  FlowDirLayout as D,
  FlowFlag,
  FlowLayout as L,
  FlowLimit,
  FlowState,
  Timeout,
  type Direction,
} from '../../common/abi.gen.js';

/** One direction of a flow. */
export interface FlowSide {
  readonly packets: number;
  readonly bytes: number;
  /** TCP: segments that brought nothing new. */
  readonly retransmitted: number;
  /** All that were seen. */
  readonly tcpFlags: number;
  /** bits of enum ids_flow_ended */
  readonly ended: number;
}

/** Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d; times nanoseconds of now(); durations microseconds, 0 = not measured. */
export interface Flow {
  readonly id: number;
  readonly index: number;
  readonly proto: number;
  /** Tunnels around it. */
  readonly layer: number;
  /** Ids of the tags of its first packet, outer first. */
  readonly vlan: readonly number[];
  readonly client: Uint8Array;
  readonly server: Uint8Array;
  readonly clientPort: number;
  readonly serverPort: number;
  /** ICMP: type and code of the first packet. */
  readonly icmp: readonly [type: number, code: number];
  /** TCP: sequence number of the first byte to the server and to the client; 0 if that SYN was not seen. */
  readonly first: readonly [toServer: number, toClient: number];
  readonly start: number;
  readonly last: number;
  /** enum ids_flow_state */
  readonly state: number;
  /** enum ids_flow_end */
  readonly end: number;
  /** enum ids_flow_flag */
  readonly flags: number;
  /** enum ids_app */
  readonly app: number;
  readonly ifindex: number;
  /** Of the rule that dropped it, or 0. */
  readonly sid: number;
  readonly serverUs: number;
  readonly clientUs: number;
  readonly rttUs: number;
  /** It was established once. */
  readonly proven: boolean;
  readonly toServer: FlowSide;
  readonly toClient: FlowSide;
}

/** A whole number of 64 bits; ids, counters and times stay below 2^53. */
export function wideAt(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

function sideAt(view: DataView, at: number, direction: Direction): FlowSide {
  const from = at + L.dir + direction * D.SIZE;
  return {
    packets: wideAt(view, from + D.packets),
    bytes: wideAt(view, from + D.bytes),
    retransmitted: view.getUint32(from + D.retransmitted, true),
    tcpFlags: view.getUint8(from + D.tcpFlags),
    ended: view.getUint8(from + D.ended),
  };
}

/** Reads a flow at `at`; its addresses are copies. */
export function readFlow(view: DataView, at: number, index: number): Flow {
  const flags = view.getUint8(at + L.flags);
  const second = (flags & FlowFlag.FLOW_CLIENT_SECOND) !== 0 ? 1 : 0;
  const address = (n: number): Uint8Array =>
    new Uint8Array(view.buffer, view.byteOffset + at + L.addr + 16 * n, 16).slice();
  const first = [view.getUint32(at + L.first, true), view.getUint32(at + L.first + 4, true)] as const;
  return {
    id: wideAt(view, at + L.id),
    index,
    proto: view.getUint8(at + L.proto),
    layer: view.getUint8(at + L.layer),
    vlan: [view.getUint16(at + L.vlan, true), view.getUint16(at + L.inner, true)].slice(0, view.getUint8(at + L.vlans)),
    client: address(second),
    server: address(1 - second),
    clientPort: view.getUint16(at + L.port + 2 * second),
    serverPort: view.getUint16(at + L.port + 2 * (1 - second)),
    start: wideAt(view, at + L.start),
    last: wideAt(view, at + L.last),
    icmp: first,
    first,
    state: view.getUint8(at + L.state),
    end: view.getUint8(at + L.end),
    flags,
    app: view.getUint8(at + L.app),
    ifindex: view.getUint32(at + L.ifindex, true),
    sid: view.getUint32(at + L.sid, true),
    serverUs: view.getUint32(at + L.serverUs, true),
    clientUs: view.getUint32(at + L.clientUs, true),
    rttUs: view.getUint32(at + L.rttUs, true),
    proven: view.getUint8(at + L.proven) !== 0,
    toServer: sideAt(view, at, 0),
    toClient: sideAt(view, at, 1),
  };
}

/** Index of ids_control.timeout: which idle time ends a flow. */
export function timeoutOf(proto: number, state: number): number {
  const young = state < FlowState.FLOW_ESTABLISHED;
  if (proto === 6) {
    if (young) return Timeout.TCP_NEW;
    return state === FlowState.FLOW_CLOSED ? Timeout.TCP_CLOSED : Timeout.TCP_ESTABLISHED;
  }
  if (proto === 17) return young ? Timeout.UDP_NEW : Timeout.UDP_ESTABLISHED;
  return young ? Timeout.OTHER_NEW : Timeout.OTHER_ESTABLISHED;
}

/** An id below this is none: the place is free, or being written. */
export const FIRST_ID = FlowLimit.FLOW_BUSY + 1;
