// SPDX-License-Identifier: Apache-2.0
// The 5-tuple of an event, for matching rules and for cutting flows.

import type { EventRecord } from '../../common/abi.gen.js';

export interface FlowTuple {
  readonly src: bigint;
  readonly dst: bigint;
  readonly sport: number;
  readonly dport: number;
  /** IP protocol number. */
  readonly proto: number;
  /** The kernel's entry of the flow: its number, 0 without one, and its place. */
  readonly flowId?: number;
  readonly flow?: number;
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
    flowId: event.flowId,
    flow: event.flow,
  };
}
