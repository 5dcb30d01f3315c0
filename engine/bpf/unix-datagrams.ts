// SPDX-License-Identifier: Apache-2.0
// Datagrams to a unix socket, such as the /dev/log of many systems; Node itself has streams alone.

import { check, closeFds, errnoText } from './check.js';
import { errno, libc } from './native.js';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const SOCK_NONBLOCK = 0x800;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** Bytes of `sun_path` in sockaddr_un (unix(7)), the zero at its end among them. */
const PATH_MAX = 108;

export class UnixDatagrams {
  readonly #address: Uint8Array;
  #fd: number;

  private constructor(fd: number, address: Uint8Array) {
    this.#fd = fd;
    this.#address = address;
  }

  /** @throws IdsError SYSCALL if there is no socket to be had, or the path is longer than 107 bytes */
  static open(path: string): UnixDatagrams {
    const name = Buffer.from(path);
    if (name.length >= PATH_MAX) throw new RangeError(`the path of a socket has up to ${PATH_MAX - 1} bytes`);
    const address = new Uint8Array(2 + name.length + 1);
    new DataView(address.buffer).setUint16(0, AF_UNIX, true);
    address.set(name, 2);
    const fd = check(libc().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), 'open a unix socket');
    return new UnixDatagrams(fd, address);
  }

  /**
   * Sends one message to whoever has the path now, never waiting. Undefined once it is in the queue there, else the name of
   * the error: EAGAIN for a full queue.
   */
  send(message: Uint8Array): string | undefined {
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const rc = libc().sendTo(this.#fd, message, message.length, flags, this.#address, this.#address.length);
    return rc < 0 ? errnoText(errno()).name : undefined;
  }

  close(): void {
    closeFds([this.#fd]);
    this.#fd = -1;
  }
}
