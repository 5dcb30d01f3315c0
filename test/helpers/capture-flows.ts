// SPDX-License-Identifier: Apache-2.0
// What the flows of a capture speak and say, found out by other means than the engine's: streams are put together whole,
// and then read from their first byte.

import type { CapturedSegment } from './capture-packets.js';

export interface CapturedFlow {
  readonly proto: 'TCP' | 'UDP';
  readonly vlan: number;
  readonly client: { readonly address: string; readonly port: number };
  readonly server: { readonly address: string; readonly port: number };
  /** TCP: the bytes that each side has sent, from the client and from the server, up to the first hole. */
  readonly streams: readonly [Buffer, Buffer];
  /** UDP: the datagrams of both, in order. */
  readonly datagrams: readonly Buffer[];
}

const [FIN, SYN, RST, ACK] = [1, 2, 4, 16];

class Side {
  base: number | undefined;
  readonly #pieces: { readonly at: number; readonly bytes: Buffer }[] = [];

  take({ seq, flags, payload, fastOpen }: CapturedSegment): void {
    const first = flags & SYN ? seq + 1 : seq;
    this.base ??= first >>> 0;
    const at = (first - this.base) | 0;
    if (flags & SYN && !fastOpen) return;
    if (!(flags & RST) && payload.length > 0 && at > -payload.length) this.#pieces.push({ at, bytes: payload });
  }

  /** Of bytes that were sent twice the first ones count. */
  get stream(): Buffer {
    const bytes = new Map<number, number>();
    for (const { at, bytes: piece } of this.#pieces) {
      for (let i = Math.max(0, -at); i < piece.length; i++) if (!bytes.has(at + i)) bytes.set(at + i, piece[i] ?? 0);
    }
    const out: number[] = [];
    for (let byte = bytes.get(0); byte !== undefined; byte = bytes.get(out.length)) out.push(byte);
    return Buffer.from(out);
  }
}

class Talk {
  readonly first: CapturedSegment;
  readonly datagrams: Buffer[] = [];
  readonly #sides = [new Side(), new Side()] as const;
  #ended = 0;

  constructor(first: CapturedSegment) {
    // A SYN-ACK comes from the server; else who is heard first is the client.
    this.first = (first.flags & (SYN | ACK)) === (SYN | ACK) ? turned(first) : first;
  }

  /** Whether a SYN begins another connection. */
  isOver({ flags }: CapturedSegment): boolean {
    return (flags & (SYN | ACK)) === SYN && this.#ended >= 2;
  }

  take(segment: CapturedSegment): void {
    const { src, sport } = segment;
    const side = src === this.first.src && sport === this.first.sport ? 0 : 1;
    if (segment.proto === 'UDP') this.datagrams.push(segment.payload);
    else this.#sides[side].take(segment);
    if (segment.flags & RST) this.#ended = 2;
    else if (segment.flags & FIN) this.#ended++;
  }

  get flow(): CapturedFlow {
    const { proto, vlan, src, sport, dst, dport } = this.first;
    return {
      ...{ proto, vlan, datagrams: this.datagrams },
      client: { address: src, port: sport },
      server: { address: dst, port: dport },
      streams: [this.#sides[0].stream, this.#sides[1].stream],
    };
  }
}

function turned(segment: CapturedSegment): CapturedSegment {
  return { ...segment, src: segment.dst, dst: segment.src, sport: segment.dport, dport: segment.sport };
}

/** The flows of these packets, in the order of their first ones. */
export function capturedFlows(segments: readonly CapturedSegment[]): CapturedFlow[] {
  const current = new Map<string, Talk>();
  const all: Talk[] = [];
  for (const one of segments) {
    const ends = [`${one.src} ${one.sport}`, `${one.dst} ${one.dport}`].sort();
    const key = [one.proto, one.vlan, ...ends].join(' ');
    let talk = current.get(key);
    if (!talk || talk.isOver(one)) {
      talk = new Talk(one);
      current.set(key, talk);
      all.push(talk);
    }
    talk.take(one);
  }
  return all.map(({ flow }) => flow);
}
