// SPDX-License-Identifier: Apache-2.0
// A TCP connection as frames: numbers run on by themselves unless a segment says otherwise.

import { TCP, tcp, type TcpPart } from './frames.js';

export interface Ends {
  readonly client?: string;
  readonly server?: string;
  readonly cport?: number;
  readonly sport?: number;
}

type Segment = Partial<Pick<TcpPart, 'flags' | 'seq' | 'ack' | 'payload' | 'vlan' | 'tcpOptions'>>;

const { ACK, FIN, PSH, RST, SYN } = TCP;

export class Talk {
  readonly #ends: Required<Ends>;
  /** Next sequence number of client and server. */
  next: [number, number] = [1000, 9000];

  constructor(ends: Ends = {}) {
    this.#ends = { client: '192.0.2.1', server: '10.0.0.1', cport: 40_000, sport: 80, ...ends };
  }

  /** A segment of the client; what it sends counts on. */
  up(part: Segment = {}): Uint8Array {
    return this.#segment(0, part);
  }

  /** A segment of the server. */
  down(part: Segment = {}): Uint8Array {
    return this.#segment(1, part);
  }

  syn(part: Segment = {}): Uint8Array {
    return this.up({ flags: SYN, ack: 0, ...part });
  }

  /** SYN-ACK. */
  answer(part: Segment = {}): Uint8Array {
    return this.down({ flags: SYN | ACK, ...part });
  }

  /** SYN, SYN-ACK and ACK. */
  handshake(): Uint8Array[] {
    return [this.syn(), this.answer(), this.up()];
  }

  fin(side: 'up' | 'down'): Uint8Array {
    return this[side]({ flags: FIN | ACK });
  }

  rst(side: 'up' | 'down', part: Segment = {}): Uint8Array {
    return this[side]({ flags: RST, ...part });
  }

  #segment(side: 0 | 1, part: Segment): Uint8Array {
    const { client, server, cport, sport } = this.#ends;
    const { flags = part.payload === undefined ? ACK : PSH | ACK, seq = this.next[side], payload = '' } = part;
    const way =
      side === 0
        ? { src: client, dst: server, sport: cport, dport: sport }
        : { src: server, dst: client, sport: sport, dport: cport };
    const ack = part.ack ?? ((flags & ACK) === 0 ? 0 : this.next[side === 0 ? 1 : 0]);
    if (part.seq === undefined) this.next[side] = (seq + payload.length + Number((flags & (SYN | FIN)) !== 0)) >>> 0;
    return tcp({ ...part, ...way, flags, seq, ack, payload });
  }
}
