// SPDX-License-Identifier: Apache-2.0
// Flow tables in plain memory, filled by hand.

import { FlowDirLayout as D, FlowLayout as L, FlowOrdersLayout } from '../../../../common/abi.gen.js';
import { parseAddress } from '../../../../common/address.js';
import type { FlowViews } from '../../../../engine/bpf/index.js';

export interface FakeFlow {
  readonly id: number;
  readonly client?: string;
  readonly server?: string;
  readonly cport?: number;
  readonly sport?: number;
  readonly proto?: number;
  readonly start?: number;
  readonly last?: number;
  readonly state?: number;
  readonly end?: number;
  readonly proven?: boolean;
  readonly serverUs?: number;
  /** TCP flags of the client. */
  readonly flags?: number;
  readonly bytes?: readonly [up: number, down: number];
}

export function flowMemory(places: number): FlowViews {
  const buffer = new ArrayBuffer(places * L.SIZE);
  return {
    flows: new DataView(buffer),
    words: new Uint32Array(buffer),
    orders: new Uint32Array((places * FlowOrdersLayout.SIZE) / 4),
  };
}

/** The client is the first end of the key. */
export function putFlow({ flows }: FlowViews, index: number, flow: FakeFlow): void {
  const at = index * L.SIZE;
  const { client = '192.0.2.1', server = '10.0.0.1', bytes = [60, 0] } = flow;
  const wide = (to: number, value: number): void => flows.setBigUint64(at + to, BigInt(value), true);
  new Uint8Array(flows.buffer).fill(0, at, at + L.SIZE);
  wide(L.id, flow.id);
  [client, server].forEach((text, i) => new Uint8Array(flows.buffer).set(parseAddress(text), at + L.addr + 16 * i));
  flows.setUint16(at + L.port, flow.cport ?? 40_000);
  flows.setUint16(at + L.port + 2, flow.sport ?? 80);
  flows.setUint8(at + L.proto, flow.proto ?? 6);
  wide(L.start, flow.start ?? 0);
  wide(L.last, flow.last ?? 0);
  flows.setUint8(at + L.state, flow.state ?? 1);
  flows.setUint8(at + L.end, flow.end ?? 0);
  flows.setUint8(at + L.proven, Number(flow.proven ?? false));
  flows.setUint32(at + L.serverUs, flow.serverUs ?? 0, true);
  bytes.forEach((value, side) => {
    wide(L.dir + side * D.SIZE + D.packets, Math.ceil(value / 1000));
    wide(L.dir + side * D.SIZE + D.bytes, value);
  });
  flows.setUint8(at + L.dir + D.tcpFlags, flow.flags ?? 2);
}
