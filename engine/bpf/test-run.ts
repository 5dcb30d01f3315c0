// SPDX-License-Identifier: Apache-2.0
// BPF_PROG_TEST_RUN: the program over one frame, without an interface.

import { IdsError } from '../../common/errors.js';
import { check } from './check.js';
import { addressOf, libbpf } from './native.js';

export interface RunOptions {
  readonly ifindex?: number;
  /** tc: the interface that the frame came in by, of one that is forwarded. */
  readonly ingress?: number;
  /** tc: bytes of payload of each of the segments that the device is to make. */
  readonly segment?: number;
  readonly repeat?: number;
}

export interface RunResult {
  /** XDP_ABORTED 0, DROP 1, PASS 2, TX 3, REDIRECT 4 */
  readonly verdict: number;
  /** The frame after the program; a view that the next run overwrites. */
  readonly frame: Uint8Array;
  /** Average over the repetitions. */
  readonly durationNs: number;
}

/** The kernel refuses frames without a whole Ethernet header. */
export const MIN_FRAME = 14;
/** What an XDP program that takes fragments accepts here. */
export const MAX_FRAME = 65536;

const LIVE_FRAMES = 2;

/** struct bpf_test_run_opts and struct xdp_md, byte offsets. */
const O = {
  ...{ SIZE: 80, sz: 0, dataIn: 8, dataOut: 16, sizeIn: 24, sizeOut: 28, ctxIn: 32, ctxOut: 40, ctxSizeIn: 48 },
  ...{ ctxSizeOut: 52, retval: 56, repeat: 60, duration: 64, flags: 68, cpu: 72, batch: 76 },
} as const;
const MD = { SIZE: 24, data: 0, dataEnd: 4, dataMeta: 8, ifindex: 12, queue: 16, egress: 20 } as const;
/** struct __sk_buff */
const SKB = { SIZE: 192, ingress: 36, ifindex: 40, segment: 176 } as const;
const TC_ACT_UNSPEC = 0xffffffff;
const TC_ACT_SHOT = 2;
const [XDP_DROP, XDP_PASS] = [1, 2];

export type ProgramKind = 'xdp' | 'tc';

/** Buffers and options of one program, made once: a run is one call and no allocation but its result. */
export class TestRun {
  readonly #fd: number;
  readonly #in = new ArrayBuffer(MAX_FRAME);
  readonly #out = new ArrayBuffer(MAX_FRAME + 256);
  readonly #ctx: ArrayBuffer;
  readonly #kind: ProgramKind;
  readonly #opts = new ArrayBuffer(O.SIZE);
  readonly #inBytes = new Uint8Array(this.#in);
  readonly #optsBytes = new Uint8Array(this.#opts);

  /** @param fd of a program that stays loaded while this is used. */
  constructor(fd: number, kind: ProgramKind = 'xdp') {
    this.#fd = fd;
    this.#kind = kind;
    this.#ctx = new ArrayBuffer(kind === 'xdp' ? MD.SIZE : SKB.SIZE);
    const view = new DataView(this.#opts);
    view.setBigUint64(O.sz, BigInt(O.SIZE), true);
    view.setBigUint64(O.dataIn, addressOf(this.#in), true);
  }

  /** @throws IdsError FRAME_INVALID for a frame that the kernel does not take. */
  run(frame: Uint8Array, o: RunOptions = {}): RunResult {
    const view = this.#prepare(frame, o);
    view.setBigUint64(O.dataOut, addressOf(this.#out), true);
    view.setUint32(O.sizeOut, this.#out.byteLength, true);
    view.setInt32(O.repeat, o.repeat ?? 1, true);
    check(libbpf().testRun(this.#fd, this.#optsBytes), 'run the program over a frame');
    return {
      verdict: this.#verdict(view.getUint32(O.retval, true)),
      frame: new Uint8Array(this.#out, 0, view.getUint32(O.sizeOut, true)),
      durationNs: view.getUint32(O.duration, true),
    };
  }

  /** Lets the kernel carry out the verdict: XDP_TX really sends the frame from that interface, that many times. */
  live(frame: Uint8Array, ifindex: number, repeat = 1): void {
    const view = this.#prepare(frame, { ifindex });
    view.setBigUint64(O.dataOut, 0n, true);
    view.setUint32(O.sizeOut, 0, true);
    view.setInt32(O.repeat, repeat, true);
    view.setUint32(O.flags, LIVE_FRAMES, true);
    check(libbpf().testRun(this.#fd, this.#optsBytes), 'send a probe frame');
  }

  /** What passes and what is dropped has one number for both kinds. */
  #verdict(returned: number): number {
    if (this.#kind === 'xdp') return returned;
    return returned === TC_ACT_UNSPEC ? XDP_PASS : returned === TC_ACT_SHOT ? XDP_DROP : 0;
  }

  #prepare(frame: Uint8Array, { ifindex = 0, ingress = 0, segment = 0 }: RunOptions): DataView {
    if (frame.length < MIN_FRAME || frame.length > MAX_FRAME) {
      throw new IdsError('FRAME_INVALID', `a frame has ${MIN_FRAME} to ${MAX_FRAME} bytes, this one ${frame.length}`);
    }
    this.#inBytes.set(frame);
    const context = new DataView(this.#ctx);
    if (this.#kind === 'xdp') {
      context.setUint32(MD.dataEnd, frame.length, true);
      context.setUint32(MD.ifindex, ifindex, true);
    } else {
      context.setUint32(SKB.ingress, ingress, true);
      context.setUint32(SKB.ifindex, ifindex, true);
      context.setUint32(SKB.segment, segment, true);
    }
    const view = new DataView(this.#opts);
    view.setUint32(O.sizeIn, frame.length, true);
    view.setBigUint64(O.ctxIn, addressOf(this.#ctx), true);
    view.setUint32(O.ctxSizeIn, this.#ctx.byteLength, true);
    view.setUint32(O.flags, 0, true);
    return view;
  }
}
