// SPDX-License-Identifier: Apache-2.0
// How the ring reader sleeps: the kernel is told, so that it wakes it only for what cannot wait (bpf/wake.h).

import {
  BytesFlag,
  BytesRecordLayout,
  EventLayout,
  EventType,
  HttpFlag,
  HttpLayout,
  Sleep,
} from '../../common/abi.gen.js';
import { Mapping, type RingReader, type RingWaiter } from '../bpf/index.js';

const URGENT_HTTP = HttpFlag.HTTP_WANTED | HttpFlag.HTTP_DECIDED;
const URGENT_BYTES = BytesFlag.BYTES_WANTED | BytesFlag.BYTES_DECIDED;

/** Whether somebody acts on the record of the bulk ring at `at`: as the kernel sees it. */
function isUrgent(view: DataView, at: number): boolean {
  switch (view.getUint8(at + EventLayout.type)) {
    case EventType.EVENT_HTTP:
      return (view.getUint32(at + HttpLayout.flags, true) & URGENT_HTTP) !== 0;
    case EventType.EVENT_TLS:
    case EventType.EVENT_DNS:
      return (view.getUint32(at + BytesRecordLayout.flags, true) & URGENT_BYTES) !== 0;
    case EventType.EVENT_PAYLOAD:
      return true;
    default:
      return false;
  }
}

export class ReaderSleep {
  readonly #waiter: RingWaiter;
  readonly #bulk: RingReader;
  readonly #mapping: Mapping;
  #sleep: Int32Array;

  /** @param fd of the map ids_reader */
  constructor(waiter: RingWaiter, bulk: RingReader, fd: number) {
    this.#waiter = waiter;
    this.#bulk = bulk;
    this.#mapping = Mapping.open(fd, 8, { writable: true, what: 'ids_reader' });
    this.#sleep = new Int32Array(this.#mapping.buffer, 0, 1);
  }

  /** Until a record is there that somebody acts on, a message came, or the time is over. */
  nap(ms: number): void {
    this.#rest(Sleep.NAP, ms, () => this.#bulk.some(isUrgent));
  }

  /** As `nap`, but any record ends it. */
  sleep(ms: number): void {
    this.#rest(Sleep.LONG, ms, () => this.#bulk.pending > 0);
  }

  #rest(depth: number, ms: number, busy: () => boolean): void {
    Atomics.store(this.#sleep, 0, depth);
    // What was written before the kernel could know.
    if (!busy()) this.#waiter.wait(ms);
    Atomics.store(this.#sleep, 0, Sleep.NONE);
  }

  close(): void {
    Atomics.store(this.#sleep, 0, Sleep.NONE);
    this.#sleep = new Int32Array(1);
    this.#mapping.close();
  }
}
