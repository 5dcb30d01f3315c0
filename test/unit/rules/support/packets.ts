// SPDX-License-Identifier: Apache-2.0
// A packet as the classifier sees it, for tests that need no frame.

import { Field, Limit, L4Space } from '../../../../common/abi.gen.js';

export interface TestPacket {
  /** IP protocol number, or IDS_PROTO_NONE for a frame without IP. */
  readonly protocol: number;
  readonly src: bigint;
  readonly dst: bigint;
  /** Undefined for protocols without ports and for later fragments. */
  readonly sport: number | undefined;
  readonly dport: number | undefined;
  readonly fields: ReadonlyMap<Field, number>;
}

/** The layer-4 key of a packet, as abi.h defines it. */
export function layer4Key(packet: TestPacket): { space: L4Space; value: number } | undefined {
  const flags = packet.fields.get(Field.TCP_FLAGS);
  if (packet.protocol === 6 && flags !== undefined) return { space: L4Space.L4_TCP, value: flags };
  const type = packet.fields.get(Field.ICMP_TYPE);
  if (packet.protocol === 1 && type !== undefined) return { space: L4Space.L4_ICMP, value: type };
  if (packet.protocol === 58 && type !== undefined) return { space: L4Space.L4_ICMP6, value: type };
  return undefined;
}

export const isIp = (packet: TestPacket): boolean => packet.protocol !== Limit.PROTO_NONE;
