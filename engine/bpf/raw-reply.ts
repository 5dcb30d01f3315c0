// SPDX-License-Identifier: Apache-2.0
// The engine's side of reject, where XDP_TX does not reach the peer: the answer goes out of a raw socket.

import { type EventRecord, Verdict } from '../../common/abi.gen.js';
import { check, closeFds } from './check.js';
import { libc } from './native.js';
import { buildReply, type ReplyTo } from './reply-packet.js';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const SOCK_NONBLOCK = 0x800;
/** Implies IP_HDRINCL, for IPv4 and (Linux) for IPv6 alike: the packet carries its own IP header. */
const IPPROTO_RAW = 255;
const MSG_DONTWAIT = 0x40;
const SOL_SOCKET = 1;
const SO_COOKIE = 57;

export class RawReply {
  #four: number;
  #six: number;
  /** Answers that were sent, and that the network refused (no route, full queue). */
  sent = 0;
  failed = 0;

  private constructor(four: number, six: number) {
    this.#four = four;
    this.#six = six;
  }

  /** Opens the sockets in the network namespace of the caller. */
  static open(): RawReply {
    const type = SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK;
    const four = check(libc().socket(AF_INET, type, IPPROTO_RAW), 'open a raw socket');
    // A kernel without IPv6 has no IPv6 packets to answer either.
    const six = libc().socket(AF_INET6, type, IPPROTO_RAW);
    return new RawReply(four, six);
  }

  /** What the kernel names the sockets by; 0n for one that there is none of. */
  get cookies(): [bigint, bigint] {
    const cookie = (fd: number): bigint => {
      const value = new BigUint64Array(1);
      if (fd >= 0) check(libc().getSockOpt(fd, SOL_SOCKET, SO_COOKIE, value, Uint32Array.of(8)), 'ask for a cookie');
      return value[0] ?? 0n;
    };
    return [cookie(this.#four), cookie(this.#six)];
  }

  /**
   * Answers the packet of an event, never waiting; false if it may not be answered or could not be sent.
   * @param view the memory that the event's byte offsets point into.
   */
  send(view: DataView, event: EventRecord, to: 'source' | 'destination' = 'source'): boolean {
    const sent = this.#send(view, event, to);
    // One that passed is on its way: who has it takes a RST behind it alone, who has it not one in its place.
    return to === 'destination' && event.verdict === Verdict.PASS ? this.#send(view, event, 'behind') : sent;
  }

  #send(view: DataView, event: EventRecord, to: ReplyTo): boolean {
    const reply = buildReply(view, event, to);
    const fd = reply?.family === 4 ? this.#four : this.#six;
    if (reply === undefined || fd < 0) return false;
    const address = new DataView(new ArrayBuffer(28));
    address.setUint16(0, reply.family === 4 ? AF_INET : AF_INET6, true);
    new Uint8Array(address.buffer).set(reply.target, reply.family === 4 ? 4 : 8);
    // A link-local address means nothing without its interface.
    if (reply.family === 6 && reply.target[0] === 0xfe) address.setUint32(24, event.ifindex, true);
    const size = reply.family === 4 ? 16 : 28;
    const rc = libc().sendTo(fd, reply.packet, reply.packet.length, MSG_DONTWAIT, address, size);
    if (rc < 0) this.failed++;
    else this.sent++;
    return rc >= 0;
  }

  close(): void {
    closeFds([this.#four, this.#six]);
    this.#four = this.#six = -1;
  }
}
