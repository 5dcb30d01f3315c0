// SPDX-License-Identifier: Apache-2.0
// The packet of a ring record as rules see it. Most rules never ask for more than a message's buffers, so nothing is read
// before it is asked for.

import {
  App,
  BytesFlag,
  BytesRecordLayout,
  EventFlag,
  EventLayout as L,
  EventType,
  Field,
  FlowBit,
  HeadersLayout,
  type Direction,
} from '../../common/abi.gen.js';
import type { JudgedPacket } from '../../rules/index.js';
import type { FlowFacts } from './flow-facts.js';
import type { FlowTuple } from './flow-tuple.js';

const TCP = 6;
const ICMP = 1;
const ICMPV6 = 58;

export class RecordPacket implements JudgedPacket {
  readonly #view: DataView;
  readonly #at: number;
  readonly #flows: FlowFacts | undefined;
  #src: bigint | undefined;
  #dst: bigint | undefined;

  /** @param flows what the kernel remembers, if it can be read */
  constructor(view: DataView, at: number, flows?: FlowFacts) {
    this.#flows = flows;
    this.#view = view;
    this.#at = at;
  }

  #address(at: number): bigint {
    return (this.#view.getBigUint64(at) << 64n) | this.#view.getBigUint64(at + 8);
  }

  get src(): bigint {
    return (this.#src ??= this.#address(this.#at + L.saddr));
  }

  get dst(): bigint {
    return (this.#dst ??= this.#address(this.#at + L.daddr));
  }

  get ports(): boolean {
    return (this.#view.getUint8(this.#at + L.flags) & EventFlag.EVENT_PORTS) !== 0;
  }

  get sport(): number {
    return this.ports ? this.#view.getUint16(this.#at + L.sport) : 0;
  }

  get dport(): number {
    return this.ports ? this.#view.getUint16(this.#at + L.dport) : 0;
  }

  get proto(): number {
    return this.#view.getUint8(this.#at + L.proto);
  }

  /** A record that holds a message of a protocol is proof of it. */
  get app(): App {
    switch (this.#view.getUint8(this.#at + L.type)) {
      case EventType.EVENT_HTTP:
        return App.HTTP;
      case EventType.EVENT_TLS:
        return App.TLS;
      case EventType.EVENT_DNS:
        return App.DNS;
      default:
        return this.#view.getUint8(this.#at + L.app) as App;
    }
  }

  get direction(): Direction {
    return this.#view.getUint8(this.#at + L.direction) as Direction;
  }

  tuple(): FlowTuple {
    const { src, dst, sport, dport, proto } = this;
    const flowId =
      this.#view.getUint32(this.#at + L.flowId, true) + this.#view.getUint32(this.#at + L.flowId + 4, true) * 2 ** 32;
    return { src, dst, sport, dport, proto, flowId, flow: this.#view.getUint32(this.#at + L.flow, true) };
  }

  /** By what this packet says of both sides, so that it does not matter how far the flow has come since. */
  streamBytes(direction: Direction): number | undefined {
    if (this.proto !== TCP || this.apart) return undefined;
    const { flow = 0, flowId = 0 } = this.tuple();
    const first = this.#flows?.firstByte(flow, flowId, direction);
    const seq = this.field(Field.TCP_SEQ);
    const ack = this.field(Field.TCP_ACK);
    if (first === undefined || seq === undefined || ack === undefined) return undefined;
    const next = direction === this.direction ? seq + this.#view.getUint16(this.#at + L.payloadLen, true) : ack;
    const bytes = (next - first) >>> 0;
    // Behind the SYN; a packet that lies before it says nothing.
    return bytes < 2 ** 31 ? bytes + 1 : undefined;
  }

  field(field: Field): number | undefined {
    const view = this.#view;
    const at = this.#at;
    if (this.#whole) {
      const fields = at + BytesRecordLayout.SIZE;
      const there = (view.getUint32(fields + HeadersLayout.present, true) >>> field) & 1;
      return there === 1 ? view.getUint32(fields + HeadersLayout.field + 4 * field, true) : undefined;
    }
    const { proto } = this;
    const read = (view.getUint8(at + L.flags) & EventFlag.EVENT_L4) !== 0;
    const tcp = read && proto === TCP;
    const icmp = read && (proto === ICMP || proto === ICMPV6);
    switch (field) {
      case Field.IP_VERSION:
        return view.getUint8(at + L.ipVersion);
      case Field.TTL:
        return view.getUint8(at + L.ttl);
      case Field.IP_ID:
        return view.getUint8(at + L.ipVersion) === 4 ? view.getUint16(at + L.ipId, true) : undefined;
      case Field.TOS:
        return view.getUint8(at + L.tos);
      case Field.IP_PROTO:
        return this.proto;
      case Field.DSIZE:
        return view.getUint16(at + L.payloadLen, true);
      case Field.TCP_FLAGS:
        return tcp ? view.getUint8(at + L.tcpFlags) : undefined;
      case Field.TCP_SEQ:
        return tcp ? view.getUint32(at + L.seq, true) : undefined;
      case Field.TCP_ACK:
        return tcp ? view.getUint32(at + L.ack, true) : undefined;
      case Field.TCP_WINDOW:
        return tcp ? view.getUint16(at + L.window, true) : undefined;
      case Field.ICMP_TYPE:
        return icmp ? view.getUint16(at + L.sport) : undefined;
      case Field.ICMP_CODE:
        return icmp ? view.getUint16(at + L.dport) : undefined;
      case Field.ICMP_ID:
        return icmp ? view.getUint16(at + L.icmpId, true) : undefined;
      case Field.ICMP_SEQ:
        return icmp ? view.getUint16(at + L.icmpSeq, true) : undefined;
      case Field.VLAN_LAYERS:
        return view.getUint8(at + L.vlans);
      case Field.VLAN_ID0:
        return view.getUint8(at + L.vlans) > 0 ? view.getUint16(at + L.vlan, true) : undefined;
      case Field.VLAN_ID1:
        return view.getUint8(at + L.vlans) > 1 ? view.getUint16(at + L.vlan + 2, true) : undefined;
      case Field.DECODE0:
        return view.getUint32(at + L.decode, true);
      case Field.DECODE1:
        return view.getUint32(at + L.decode + 4, true);
      case Field.FLOW:
        return this.#flowBits();
      default:
        return undefined;
    }
  }

  get #payloadFlags(): number {
    if (this.#view.getUint8(this.#at + L.type) !== EventType.EVENT_PAYLOAD) return 0;
    return this.#view.getUint32(this.#at + BytesRecordLayout.flags, true);
  }

  /** All that the kernel's rules see of it is there. */
  get #whole(): boolean {
    return (this.#payloadFlags & BytesFlag.BYTES_HEADERS) !== 0;
  }

  /** The packet belongs to no TCP stream: rules look at it by itself, and a forged one must not do harm. */
  get apart(): boolean {
    if (this.proto !== TCP) return false;
    if (!this.#whole) return (this.#payloadFlags & BytesFlag.BYTES_PACKET) !== 0;
    const inWindow = this.#view.getUint8(this.#at + BytesRecordLayout.SIZE + HeadersLayout.inWindow) !== 0;
    return !inWindow || ((this.field(Field.FLOW) ?? 0) & FlowBit.FLOWBIT_ESTABLISHED) === 0;
  }

  /** What the kernel's rules saw of the flow. Layer 7 of TCP is read in established flows alone. */
  #flowBits(): number {
    const bits = this.#view.getUint32(this.#at + L.flowBits, true);
    if (this.proto !== TCP || (bits & FlowBit.FLOWBIT_TRACKED) === 0 || this.apart) return bits;
    return (bits | FlowBit.FLOWBIT_ESTABLISHED) & ~FlowBit.FLOWBIT_NOT_ESTABLISHED;
  }
}
