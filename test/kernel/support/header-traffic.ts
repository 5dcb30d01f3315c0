// SPDX-License-Identifier: Apache-2.0
// Random packets with all that rules on headers ask for: tags, options, connections in every state.

import { formatAddress } from '../../../common/address.js';
import type { Rule } from '../../../rules/ast.js';
import { type Random, randomAddress, randomPort } from '../../unit/rules/support/random.js';
import { icmp, ip, tcp, TCP, udp, type IpPart } from './frames.js';

const MAPPED = 0xffffn;
const CONNECTIONS = 4;

function textOf(address: bigint): string {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, address >> 64n);
  view.setBigUint64(8, address & 0xffffffffffffffffn);
  return formatAddress(bytes);
}

interface Ends {
  readonly src: string;
  readonly dst: string;
  readonly sport: number;
  readonly dport: number;
  readonly four: boolean;
}

interface Connection {
  readonly ends: Ends;
  readonly seq: [number, number];
  step: number;
}

export class HeaderTraffic {
  readonly #r: Random;
  readonly #rules: readonly Rule[];
  readonly #connections: Connection[];

  constructor(r: Random, rules: readonly Rule[]) {
    this.#r = r;
    this.#rules = rules;
    this.#connections = Array.from({ length: CONNECTIONS }, () => this.#connection());
  }

  #ends(): Ends {
    const r = this.#r;
    const src = randomAddress(r, this.#rules);
    const four = src >> 32n === MAPPED;
    let dst = r.chance(5) ? src : randomAddress(r, this.#rules);
    for (let i = 0; i < 20 && (dst >> 32n === MAPPED) !== four; i++) dst = randomAddress(r, this.#rules);
    if ((dst >> 32n === MAPPED) !== four) dst = src;
    return { src: textOf(src), dst: textOf(dst), sport: randomPort(r), dport: randomPort(r), four };
  }

  #connection(): Connection {
    return { ends: this.#ends(), seq: [this.#r.int(2 ** 31), this.#r.int(2 ** 31)], step: 0 };
  }

  /** What a packet of these ends has in its IP header. */
  #part({ src, dst, four }: Ends): IpPart {
    const r = this.#r;
    const options = [[], [], [], [7, 7, 4, 0, 0, 0, 0, 0], [1, 1, 1, 0], [0x94, 4, 0, 0], [0x88, 4, 0, 1]];
    return {
      ...{ src, dst, ttl: r.int(256), tos: r.int(256), id: r.int(65_536) },
      ...(four ? { fragment: r.pick([0, 0, 0, 0x4000, 0x8000, 0xc000]), options: Buffer.from(r.pick(options)) } : {}),
      vlan: r.pick([[], [], [1], [1, 2], [3, 0]]),
    };
  }

  next(): Uint8Array {
    const r = this.#r;
    if (r.chance(60)) return this.#segment();
    const ends = this.#ends();
    const part = this.#part(ends);
    const payload = new Uint8Array(8 * r.int(12));
    if (r.chance(50)) return udp({ ...part, ...ends, payload });
    if (r.chance(10)) return ip(part, r.pick([2, 47, 50, 103, 132]), payload);
    if (ends.four && r.chance(10)) {
      // A fragment, which belongs to no flow.
      return udp({ ...part, ...ends, fragment: r.pick([0x2000, 0x2001, 0x0003]), payload: Buffer.alloc(24) });
    }
    const type = ends.four ? r.pick([0, 3, 8, 13, r.int(256)]) : r.pick([1, 2, 2, 128, 129, 135, r.int(256)]);
    return icmp({ ...part, type, code: r.pick([0, 0, r.int(16)]), icmpId: r.int(4), seq: r.int(4), payload });
  }

  /** The next one of a connection, or one that does not fit in. */
  #segment(): Uint8Array {
    const r = this.#r;
    const at = r.int(CONNECTIONS);
    const one = this.#connections[at] ?? this.#connection();
    const step = one.step++;
    const strange = r.chance(8);
    const side = step === 1 || (step > 2 && r.chance(50)) ? 1 : 0;
    const peer = side === 0 ? 1 : 0;
    const flags = strange
      ? r.int(256)
      : ([TCP.SYN, TCP.SYN | TCP.ACK, TCP.ACK][step] ?? r.pick([TCP.ACK, TCP.ACK | TCP.PSH]));
    const ends = this.#connections[at]?.ends ?? one.ends;
    const way = side === 0 ? ends : { ...ends, src: ends.dst, dst: ends.src, sport: ends.dport, dport: ends.sport };
    const tcpOptions = Buffer.from(
      (flags & TCP.SYN) !== 0
        ? r.pick([[], [2, 4, 0, r.int(4)], [2, 4, 0, r.int(4), 3, 3, r.int(16), 1], [4, 2, 34, 2]])
        : r.pick([[], [], [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2], [19, 2, 1, 1]]),
    );
    const payload = new Uint8Array(step > 2 ? 8 * r.int(12) : 0);
    const seq = one.seq[side] ?? 0;
    const ack = flags & TCP.ACK ? (one.seq[peer] ?? 0) : r.int(4);
    const frame = tcp({ ...this.#part(way), ...way, flags, seq, ack, window: r.int(65_536), tcpOptions, payload });
    if (!strange) one.seq[side] = (seq + payload.length + ((flags & TCP.SYN) !== 0 ? 1 : 0)) >>> 0;
    if (strange ? r.chance(50) : r.chance(8)) this.#connections[at] = this.#connection();
    return frame;
  }
}
