// SPDX-License-Identifier: Apache-2.0
// An XDP program that does nothing but return a verdict: the probe of XDP_TX, and the floor of every measurement.

import { check, closeFds } from './check.js';
import { libbpf } from './native.js';
import { TestRun, type RunResult } from './test-run.js';

const PROG_TYPE_XDP = 6;

export class VerdictProgram {
  readonly #fd: number;
  readonly #test: TestRun;
  #closed = false;

  private constructor(fd: number) {
    this.#fd = fd;
    this.#test = new TestRun(fd);
  }

  /** @param verdict XDP_ABORTED 0, DROP 1, PASS 2, TX 3 */
  static load(verdict: number): VerdictProgram {
    // r0 = verdict; exit
    const code = Uint8Array.of(0xb7, 0, 0, 0, verdict, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);
    const fd = libbpf().progLoad(PROG_TYPE_XDP, 'ids_verdict', 'Dual BSD/GPL', code, code.length / 8, null);
    return new VerdictProgram(check(fd, 'load a program that returns a verdict'));
  }

  /** The program's descriptor, this object's own. */
  get fd(): number {
    return this.#fd;
  }

  run(frame: Uint8Array, repeat = 1): RunResult {
    return this.#test.run(frame, { repeat });
  }

  /** Lets the kernel carry out the verdict on a frame of that interface. */
  live(frame: Uint8Array, ifindex: number): void {
    this.#test.live(frame, ifindex);
  }

  close(): void {
    if (!this.#closed) closeFds([this.#fd]);
    this.#closed = true;
  }
}
