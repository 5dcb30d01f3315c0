// SPDX-License-Identifier: Apache-2.0
// Random frames together with what a parser must make of them.

import { Field, Limit } from '../../../../common/abi.gen.js';
import { formatAddress } from '../../../../common/address.js';
import type { Rule } from '../../../../rules/ast.js';
import { ethernet, icmp, ip, tcp, udp, type IpPart } from '../../../kernel/support/frames.js';
import type { TestPacket } from './packets.js';
import { randomPacket, type Random } from './random.js';

const MAPPED = 0xffffn;

function text(address: bigint): string {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, address >> 64n);
  view.setBigUint64(8, address & 0xffffffffffffffffn);
  return formatAddress(bytes);
}

/** A frame and its packet; the addresses and ports are those that random rules ask for. */
export function randomFrame(r: Random, rules: readonly Rule[]): { frame: Uint8Array; packet: TestPacket } {
  const wanted = randomPacket(r, rules);
  if (wanted.protocol === Limit.PROTO_NONE) {
    const fields = new Map<Field, number>([
      [Field.DECODE0, 0],
      [Field.DECODE1, 0],
    ]);
    return { frame: ethernet(0x0806, new Uint8Array(46)), packet: { ...wanted, fields } };
  }
  const four = wanted.src >> 32n === MAPPED;
  // Both addresses of one packet are of one family.
  const dst = (wanted.dst >> 32n === MAPPED) === four ? wanted.dst : wanted.src;
  const packet = { ...wanted, dst };
  return build(r, packet, four);
}

function build(r: Random, packet: TestPacket, four: boolean): { frame: Uint8Array; packet: TestPacket } {
  const [ttl, tos, id] = [r.int(256), r.int(4) * 4, r.int(65536)];
  // Don't fragment, a first fragment, or a later one.
  const fragment = four ? r.pick([0, 0, 0, 0x4000, 0x2000, 0x0003, 0x2007]) : 0;
  const later = (fragment & 0x1fff) !== 0;
  const part: IpPart = { src: text(packet.src), dst: text(packet.dst), ttl, tos, id, fragment };
  const fields = new Map<Field, number>([
    [Field.DECODE0, 0],
    [Field.DECODE1, 0],
    [Field.IP_VERSION, four ? 4 : 6],
    [Field.TTL, ttl],
    [Field.TOS, tos],
    [Field.IP_PROTO, packet.protocol],
    [Field.SAMEIP, packet.src === packet.dst ? 1 : 0],
  ]);
  if (four) fields.set(Field.IP_ID, id).set(Field.FRAGBITS, fragment >> 13);
  const payload = new Uint8Array(8 * r.int(12));
  const done = (frame: Uint8Array, sport?: number, dport?: number): { frame: Uint8Array; packet: TestPacket } => {
    const ports = later ? { sport: undefined, dport: undefined } : { sport, dport };
    return { frame, packet: { ...packet, ...ports, fields } };
  };
  const sport = packet.sport ?? r.int(65536);
  const dport = packet.dport ?? r.int(65536);
  if (!later && packet.protocol !== 47) fields.set(Field.DSIZE, payload.length);
  switch (packet.protocol) {
    case 6: {
      const [flags, window, seq] = [r.int(256), r.int(65536), r.int(4294967295)];
      if (!later) fields.set(Field.TCP_FLAGS, flags).set(Field.TCP_WINDOW, window).set(Field.TCP_SEQ, seq);
      return done(tcp({ ...part, sport, dport, flags, window, seq, payload }), sport, dport);
    }
    case 17:
      return done(udp({ ...part, sport, dport, payload }), sport, dport);
    case 1:
    case 58: {
      const type = four ? r.pick([0, 8, 13, 17]) : r.pick([128, 129, 135, 136]);
      const protocol = four ? 1 : 58;
      fields.set(Field.IP_PROTO, protocol);
      if (!later) fields.set(Field.ICMP_TYPE, type).set(Field.ICMP_CODE, 0);
      return done(icmp({ ...part, type, payload }), undefined, undefined);
    }
    default:
      fields.delete(Field.DSIZE);
      fields.set(Field.IP_PROTO, 47);
      return done(ip(part, 47, payload));
  }
}

/** The protocol that the frame really has. */
export function withProtocol(packet: TestPacket): TestPacket {
  return { ...packet, protocol: packet.fields.get(Field.IP_PROTO) ?? packet.protocol };
}
