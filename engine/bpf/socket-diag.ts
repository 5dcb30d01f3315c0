// SPDX-License-Identifier: Apache-2.0
// Asks the kernel for one socket of this network namespace (sock_diag(7)): the one that a packet is for.

import { check, closeFds } from './check.js';
import { libc } from './native.js';

const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const NETLINK_SOCK_DIAG = 4;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const SOCK_NONBLOCK = 0x800;
const SOCK_DIAG_BY_FAMILY = 20;
const NLM_F_REQUEST = 1;
const HEADER = 16; // struct nlmsghdr
const REQUEST = 56; // struct inet_diag_req_v2
const ID = HEADER + 8; // its struct inet_diag_sockid
const SRC = ID + 4;
const DST = ID + 20;
const COOKIE = ID + 40;
const ANSWER = HEADER + 72; // struct inet_diag_msg
const UID = HEADER + 64;
const INODE = HEADER + 68;
const UDP = 17;

/** Addresses are 16 bytes, IPv4 as mapped IPv6. */
export interface SocketEnds {
  readonly proto: 6 | 17;
  readonly ipVersion: 4 | 6;
  readonly local: Uint8Array;
  readonly localPort: number;
  readonly remote: Uint8Array;
  readonly remotePort: number;
}

export interface KernelSocket {
  readonly inode: number;
  readonly uid: number;
}

export class SocketDiag {
  readonly #fd: number;
  readonly #question = new Uint8Array(HEADER + REQUEST);
  readonly #view = new DataView(this.#question.buffer);
  readonly #answer = new Uint8Array(4096);
  readonly #answered = new DataView(this.#answer.buffer);
  readonly #kernel = Uint8Array.of(AF_NETLINK, ...Array<number>(11).fill(0));
  #sequence = 0;

  constructor() {
    const type = SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK;
    this.#fd = check(libc().socket(AF_NETLINK, type, NETLINK_SOCK_DIAG), 'open a netlink socket');
  }

  /**
   * The socket that a packet between these ends belongs to: the connection's, else one that listens or takes datagrams.
   * Undefined if there is none, or only the remains of one that was closed.
   */
  find(ends: SocketEnds): KernelSocket | undefined {
    this.#put(ends);
    const { length } = this.#question;
    if (libc().sendTo(this.#fd, this.#question, length, 0, this.#kernel, this.#kernel.length) < 0) return undefined;
    // The kernel answers within the call that asks. What is left of a question before is read past.
    for (let tries = 0; tries < 4; tries++) {
      const size = libc().read(this.#fd, this.#answer, this.#answer.length);
      if (size < HEADER) return undefined;
      if (this.#answered.getUint32(8, true) !== this.#sequence) continue;
      if (size < ANSWER || this.#answered.getUint16(4, true) !== SOCK_DIAG_BY_FAMILY) return undefined;
      const inode = this.#answered.getUint32(INODE, true);
      return inode === 0 ? undefined : { inode, uid: this.#answered.getUint32(UID, true) };
    }
    return undefined;
  }

  #put({ proto, ipVersion, local, localPort, remote, remotePort }: SocketEnds): void {
    this.#sequence = (this.#sequence + 1) >>> 0;
    const view = this.#view;
    view.setUint32(0, this.#question.length, true);
    view.setUint16(4, SOCK_DIAG_BY_FAMILY, true);
    view.setUint16(6, NLM_F_REQUEST, true);
    view.setUint32(8, this.#sequence, true);
    this.#question[HEADER] = ipVersion === 4 ? AF_INET : AF_INET6;
    this.#question[HEADER + 1] = proto;
    view.setUint32(HEADER + 4, 0xffffffff, true);
    this.#question.fill(0, ID);
    // TCP is looked up from the socket's side, UDP from the packet's: there the local end is the destination.
    const turned = proto === UDP;
    view.setUint16(ID, turned ? remotePort : localPort);
    view.setUint16(ID + 2, turned ? localPort : remotePort);
    const from = ipVersion === 4 ? 12 : 0;
    this.#question.set((turned ? remote : local).subarray(from), SRC);
    this.#question.set((turned ? local : remote).subarray(from), DST);
    this.#question.fill(0xff, COOKIE);
  }

  close(): void {
    closeFds([this.#fd]);
  }
}
