// SPDX-License-Identifier: Apache-2.0
// Flows that an engine-placed drop has cut: the kernel drops their packets until the cut expires.

import { CutFlag, CutKeyLayout, CutLayout } from '../../common/abi.gen.js';

/** A kernel table over raw keys. */
export interface ByteTable {
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): boolean;
  entries(): Iterable<readonly [Uint8Array, Uint8Array]>;
}

export interface CutFlow {
  readonly src: bigint;
  readonly dst: bigint;
  readonly sport: number;
  readonly dport: number;
  readonly proto: number;
  /** The kernel's entry of the flow, if it has one. */
  readonly flowId?: number;
  readonly flow?: number;
  /** Its packets are answered as a reject does, so that the peer gives up at once. */
  readonly reject?: true;
}

/** TCP gives up on an unanswered segment after about 15 minutes: nothing of the flow comes later. */
const CUT_SECONDS = 960;
/** A request that no handshake has proven may be forged, to cut somebody else's flow: that lasts minutes at most. */
const UNPROVEN_SECONDS = 120;

/** How long the flow of a request stays cut. @param established a handshake has proven its source */
export function cutSeconds(established: boolean): number {
  return established ? CUT_SECONDS : UNPROVEN_SECONDS;
}

/** Entries of the kernel's table. */
const CAPACITY = 65_536;

/** The key of a flow in both directions: the smaller address and its port first, of equal ones the smaller port. */
export function cutKey(flow: CutFlow): Uint8Array {
  const bytes = new Uint8Array(CutKeyLayout.SIZE);
  const view = new DataView(bytes.buffer);
  const ordered = flow.src < flow.dst || (flow.src === flow.dst && flow.sport <= flow.dport);
  const ends = [
    { address: flow.src, port: flow.sport },
    { address: flow.dst, port: flow.dport },
  ];
  (ordered ? ends : ends.reverse()).forEach(({ address, port }, i) => {
    view.setBigUint64(CutKeyLayout.addr + 16 * i, address >> 64n);
    view.setBigUint64(CutKeyLayout.addr + 16 * i + 8, address & 0xffffffffffffffffn);
    view.setUint16(CutKeyLayout.port + 2 * i, port);
  });
  view.setUint8(CutKeyLayout.proto, flow.proto);
  return bytes;
}

/** Orders about flows that the kernel has an entry of; false if it has none any more. */
export interface DropOrders {
  drop(index: number, id: number, sid: number, reject: boolean): boolean;
}

export interface FlowCutsOptions {
  /** Told whether the table holds anything: packets look into it only then. */
  readonly gate?: (open: boolean) => void;
  readonly capacity?: number;
  readonly orders?: DropOrders;
  /** Told when a flow was cut: what flows have cached is void. */
  readonly turn?: () => void;
}

/**
 * Cuts flows: by an order where the kernel knows the flow, else in its table of cut flows, which is owned here. When that
 * is full the oldest cut gives way, and is counted.
 */
export class FlowCuts {
  readonly #table: ByteTable;
  readonly #bootSeconds: () => number;
  readonly #capacity: number;
  readonly #options: FlowCutsOptions;
  /** Expiry by key, the oldest first. */
  readonly #cuts = new Map<string, number>();
  /** Cuts that gave way to younger ones before their time. */
  evicted = 0;
  /** Flows cut by an order. */
  ordered = 0;

  /**
   * @param bootSeconds seconds of the kernel's now()
   */
  constructor(table: ByteTable, bootSeconds: () => number, options: FlowCutsOptions = {}) {
    this.#table = table;
    this.#bootSeconds = bootSeconds;
    this.#capacity = options.capacity ?? CAPACITY;
    this.#options = options;
    const found = [...table.entries()].map(([key, value]) => {
      const expires = new DataView(value.buffer, value.byteOffset).getUint32(CutLayout.expires, true);
      return [Buffer.from(key).toString('latin1'), expires] as const;
    });
    for (const [key, expires] of found.sort((a, b) => a[1] - b[1])) this.#cuts.set(key, expires);
    options.gate?.(this.#cuts.size > 0);
  }

  get size(): number {
    return this.#cuts.size;
  }

  /**
   * Cuts a flow in both directions from its next packet on. An order lasts as long as the flow: that is for a proven one,
   * whose packet nobody can have forged to end it.
   */
  cut(flow: CutFlow, sid: number, seconds = CUT_SECONDS): void {
    const { orders, turn } = this.#options;
    const { flowId = 0, flow: index = 0 } = flow;
    if (flowId > 0 && seconds >= CUT_SECONDS && orders?.drop(index, flowId, sid, flow.reject ?? false)) this.ordered++;
    else this.#cutByKey(flow, sid, seconds);
    turn?.();
  }

  #cutByKey(flow: CutFlow, sid: number, seconds: number): void {
    const key = cutKey(flow);
    const text = Buffer.from(key).toString('latin1');
    this.#cuts.delete(text);
    while (this.#cuts.size >= this.#capacity) this.#evict();
    const value = new Uint8Array(CutLayout.SIZE);
    const view = new DataView(value.buffer);
    const expires = Math.ceil(this.#bootSeconds() + seconds);
    view.setUint32(CutLayout.expires, expires, true);
    view.setUint32(CutLayout.sid, sid, true);
    view.setUint32(CutLayout.flags, flow.reject ? CutFlag.CUT_REJECT : 0, true);
    this.#table.put(key, value);
    this.#cuts.set(text, expires);
    if (this.#cuts.size === 1) this.#options.gate?.(true);
  }

  #evict(): void {
    for (const oldest of this.#cuts.keys()) {
      this.#drop(oldest);
      this.evicted++;
      return;
    }
  }

  #drop(text: string): void {
    this.#cuts.delete(text);
    this.#table.delete(new Uint8Array(Buffer.from(text, 'latin1')));
  }

  /** Frees the cuts whose time is over; they stopped dropping by themselves. Returns how many. */
  sweep(): number {
    const now = this.#bootSeconds();
    let freed = 0;
    for (const [text, expires] of this.#cuts) {
      if (expires > now) continue;
      this.#drop(text);
      freed++;
    }
    if (freed > 0 && this.#cuts.size === 0) this.#options.gate?.(false);
    return freed;
  }
}
