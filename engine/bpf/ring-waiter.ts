// SPDX-License-Identifier: Apache-2.0
// Waits for rings: a blocking epoll for a thread of its own, and a way to wake it from another.

import { callFailed, check, closeFds, E, errnoOf } from './check.js';
import { libc } from './native.js';

const EPOLL_CLOEXEC = 0x80000;
const EFD_CLOEXEC = 0x80000;
const EFD_NONBLOCK = 0x800;
const EPOLL_CTL_ADD = 1;
const EPOLLIN = 1;
const EPOLLET = 0x80000000;
const MAX_EVENTS = 8;
/** struct epoll_event is packed on x86-64 alone. */
const EVENT_SIZE = process.arch === 'x64' ? 12 : 16;

/** Plain data: another thread of the process wakes or waits with it. */
export interface WaiterHandle {
  readonly epoll: number;
  readonly event: number;
}

export class RingWaiter {
  #handle: WaiterHandle | undefined;
  readonly #owner: boolean;
  readonly #events = new DataView(new ArrayBuffer(EVENT_SIZE * MAX_EVENTS));

  private constructor(handle: WaiterHandle, owner: boolean) {
    this.#handle = handle;
    this.#owner = owner;
  }

  /**
   * Of rings (`RingReader.fd` or `RingHandle.fd`) that stay open while this is used.
   * @param fds of those whose data ends a wait, whenever it was written
   * @param quiet of those that end one by a wake-up alone: who waits has looked at what they hold
   */
  static open(fds: readonly number[], quiet: readonly number[] = []): RingWaiter {
    const event = check(libc().eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), 'open an event descriptor');
    const epoll = libc().epollCreate(EPOLL_CLOEXEC);
    try {
      check(epoll, 'open an epoll descriptor');
      for (const fd of [...fds, ...quiet, event]) {
        const entry = new DataView(new ArrayBuffer(16));
        entry.setUint32(0, quiet.includes(fd) ? EPOLLIN + EPOLLET : EPOLLIN, true);
        entry.setInt32(EVENT_SIZE - 8, fd, true);
        check(libc().epollControl(epoll, EPOLL_CTL_ADD, fd, entry), 'watch a ring');
      }
    } catch (error) {
      closeFds([epoll, event]);
      throw error;
    }
    return new RingWaiter({ epoll, event }, true);
  }

  /** The waiter that another thread opened; closing it here closes nothing. */
  static adopt(handle: WaiterHandle): RingWaiter {
    return new RingWaiter(handle, false);
  }

  get handle(): WaiterHandle {
    return this.#live();
  }

  /**
   * Blocks this thread until a ring has data, or a quiet one a wake-up since the last wait (true), `wake()` was called or
   * the time is over (false); -1 = no limit.
   */
  wait(timeoutMs: number): boolean {
    const { epoll, event } = this.#live();
    const count = libc().epollWait(epoll, this.#events, MAX_EVENTS, timeoutMs);
    if (count < 0) {
      if (errnoOf(count) === E.EINTR) return false;
      throw callFailed(errnoOf(count), 'wait for a ring');
    }
    let data = false;
    for (let i = 0; i < count; i++) {
      if (this.#events.getInt32(i * EVENT_SIZE + EVENT_SIZE - 8, true) !== event) data = true;
      // Reading takes the wake-up back; that somebody else was faster is no matter.
      else libc().read(event, new BigUint64Array(1), 8);
    }
    return data;
  }

  /** Ends a wait, now or the next one, from any thread. */
  wake(): void {
    const rc = libc().write(this.#live().event, BigUint64Array.of(1n), 8);
    // EAGAIN: it is awake 2^64 times already.
    if (rc < 0 && errnoOf(rc) !== E.EAGAIN) throw callFailed(errnoOf(rc), 'wake the reader');
  }

  close(): void {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle !== undefined && this.#owner) closeFds([handle.epoll, handle.event]);
  }

  #live(): WaiterHandle {
    if (this.#handle === undefined) throw new Error('the waiter is closed');
    return this.#handle;
  }
}
