// SPDX-License-Identifier: Apache-2.0
// A TCP connection on the bench: a handshake, then bytes of either side in segments of any size.

import { tcp, TCP } from './frames.js';
import type { Rig, SeenBytes, SeenEvent, SeenHttp } from './rig.js';

export interface Ends {
  readonly client?: string;
  readonly server?: string;
  readonly sport?: number;
  readonly dport?: number;
}

/** What became of segments: XDP_DROP 1, PASS 2, TX 3 for each, and the records of all of them. */
export interface Sent {
  readonly verdicts: readonly number[];
  readonly events: readonly SeenEvent[];
  readonly http: readonly SeenHttp[];
  readonly bytes: readonly SeenBytes[];
}

let port = 20_000;

export class Conversation {
  readonly #rig: Rig;
  readonly #ends: Required<Ends>;
  /** The next sequence number of each side, client first. */
  readonly seq: [number, number] = [1000, 5_000_000];

  private constructor(rig: Rig, ends: Ends) {
    this.#rig = rig;
    port = port < 60_000 ? port + 1 : 20_000;
    this.#ends = { client: '192.0.2.1', server: '198.51.100.2', sport: port, dport: 443, ...ends };
  }

  /** Shakes hands from a port that was not used before. */
  static open(rig: Rig, ends: Ends = {}): Conversation {
    const made = new Conversation(rig, ends);
    rig.push(made.frame(0, { flags: TCP.SYN }));
    made.seq[0]++;
    rig.push(made.frame(1, { flags: TCP.SYN | TCP.ACK }));
    made.seq[1]++;
    rig.push(made.frame(0, { flags: TCP.ACK }));
    return made;
  }

  /** A frame of one side, 0 the client, at `at` bytes from where that side is. */
  frame(side: 0 | 1, o: { flags?: number; payload?: Uint8Array; at?: number } = {}): Uint8Array {
    const { client, server, sport, dport } = this.#ends;
    const ends =
      side === 0
        ? { src: client, dst: server, sport, dport }
        : { src: server, dst: client, sport: dport, dport: sport };
    const seq = (this.seq[side] + (o.at ?? 0)) >>> 0;
    const flags = o.flags ?? TCP.PSH | TCP.ACK;
    const ack = flags & TCP.ACK ? this.seq[side === 0 ? 1 : 0] : 0;
    return tcp({ ...ends, seq, ack, flags, payload: o.payload ?? new Uint8Array() });
  }

  /** Sends bytes in segments that end at `cuts`, in order. */
  send(side: 0 | 1, bytes: Uint8Array, cuts: readonly number[] = []): Sent {
    const verdicts: number[] = [];
    let from = 0;
    for (const to of [...cuts, bytes.length]) {
      if (to <= from) continue;
      verdicts.push(this.#rig.push(this.frame(side, { payload: bytes.subarray(from, to), at: from })).verdict);
      from = to;
    }
    this.seq[side] = (this.seq[side] + bytes.length) >>> 0;
    return { verdicts, ...this.#rig.drain() };
  }
}
