// SPDX-License-Identifier: Apache-2.0
// The programs on a bench: private tables, the replay clock, one frame after the other, and everything that came of it.

import {
  BytesRecordLayout,
  type EventRecord,
  EventType,
  FlowRecordLayout,
  HttpLayout,
  type HttpRecord,
  readEvent,
  readHttp,
  ReasonNames,
  StatNames,
} from '../../../common/abi.gen.js';
import { formatAddress } from '../../../common/address.js';
import { type Kernel, type KernelOptions, RingReader } from '../../../engine/bpf/index.js';
import { readFlow, type Flow } from '../../../engine/flows/flow.js';
import { giveBack, smallSizes, take } from './bench-pool.js';

/** What tap and its like have. */
interface Owner {
  teardown(undo: () => void): void;
}

/** One record of the alert ring, with its addresses as text. */
export interface SeenEvent extends EventRecord {
  readonly src: string;
  readonly dst: string;
}

/** One record of the bulk ring. */
export interface SeenHttp {
  readonly record: HttpRecord;
  /** The header section as it was handed over. */
  readonly section: Uint8Array;
}

/** A record of the bulk ring that carries bytes as they were sent. */
export interface SeenBytes {
  readonly event: EventRecord;
  readonly flags: number;
  /** Of payload: place of the first byte in its direction; else the number of the message. */
  readonly offset: number;
  readonly total: number;
  readonly bytes: Buffer;
}

const bytesEvents: ReadonlySet<number> = new Set([EventType.EVENT_TLS, EventType.EVENT_DNS, EventType.EVENT_PAYLOAD]);

export interface Seen {
  /** XDP_DROP 1, PASS 2, TX 3 */
  readonly verdict: number;
  readonly frame: Uint8Array;
  readonly events: readonly SeenEvent[];
  readonly http: readonly SeenHttp[];
  readonly bytes: readonly SeenBytes[];
  /** What this frame added, by name and only what is not zero: { RULE_DROP: 1 }. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly decodes: Readonly<Record<string, number>>;
  /** All but what flows count in passing. */
  readonly stats: Readonly<Record<string, number>>;
  readonly flows: Readonly<Record<string, number>>;
}

/** Counters that say what traffic there was, and not what became of it. */
const flowCounts = [
  ...['UNANSWERED', 'HALF_OPEN'],
  'FLOWS',
  'HANDSHAKES',
  'RESETS',
  'REFUSED',
  'RETRANSMISSIONS',
  'FLOWS_EVICTED',
  'FLOWS_MIDSTREAM',
];

type Counts = Record<'reasons' | 'decodes' | 'stats', ReadonlyMap<string, number>>;

export class Rig {
  readonly kernel: Kernel;
  readonly #events: RingReader;
  readonly #bulk: RingReader;
  #now = 1_000_000_000_000;
  #packet = 0;
  #closed = false;
  #before: Counts;

  private constructor(options: KernelOptions) {
    this.kernel = take({ replay: true, ...options, sizes: { ...smallSizes, ...options.sizes } });
    this.#events = RingReader.open(this.kernel.rings.events);
    this.#bulk = RingReader.open(this.kernel.rings.bulk);
    this.#before = this.#counts();
  }

  /** Closed when the test ends; the kernel may be one that another bench has had, with every table empty. */
  static open(t: Owner, options: KernelOptions = {}): Rig {
    const rig = new Rig(options);
    t.teardown(() => rig.close());
    return rig;
  }

  /** Nanoseconds of the replay clock. */
  get now(): number {
    return this.#now;
  }

  /** Lets time pass. */
  advance(seconds: number): void {
    this.#now += Math.round(seconds * 1e9);
  }

  /** One frame through the programs, with all that it left behind. */
  send(frame: Uint8Array, o: { ifindex?: number } = {}): Seen {
    return this.#see(this.push(frame, o));
  }

  /** The same on its way out; the rig must have been opened with `egress`. */
  sendOut(frame: Uint8Array, o: Parameters<Kernel['runEgress']>[1] = {}): Seen {
    this.kernel.control.setClock(this.#now, ++this.#packet);
    return this.#see(this.kernel.runEgress(frame, o));
  }

  #see({ verdict, frame: after }: { verdict: number; frame: Uint8Array }): Seen {
    const kept = after.slice();
    const { events, http, bytes } = this.drain();
    const counts = this.#counts();
    const stats = Object.entries(added(this.#before.stats, counts.stats));
    const seen = {
      verdict,
      frame: kept,
      events,
      http,
      bytes,
      reasons: added(this.#before.reasons, counts.reasons),
      decodes: added(this.#before.decodes, counts.decodes),
      stats: Object.fromEntries(stats.filter(([name]) => !flowCounts.includes(name))),
      flows: Object.fromEntries(stats.filter(([name]) => flowCounts.includes(name))),
    };
    this.#before = counts;
    return seen;
  }

  /** One frame and nothing read back: for floods. */
  push(frame: Uint8Array, o: { ifindex?: number; repeat?: number } = {}): { verdict: number; frame: Uint8Array } {
    this.kernel.control.setClock(this.#now, ++this.#packet);
    return this.kernel.run(frame, o);
  }

  /** Nanoseconds that the program took for it. */
  time(frame: Uint8Array): number {
    this.kernel.control.setClock(this.#now, ++this.#packet);
    return this.kernel.run(frame).durationNs;
  }

  /** Lets what was pushed so far be forgotten: the next frame is seen for itself. */
  settle(): void {
    this.drain();
    this.#before = this.#counts();
  }

  /** The records that wait in both rings. */
  drain(): { events: SeenEvent[]; http: SeenHttp[]; bytes: SeenBytes[]; flows: Flow[] } {
    const events: SeenEvent[] = [];
    const http: SeenHttp[] = [];
    const carried: SeenBytes[] = [];
    const flows: Flow[] = [];
    const bytesOf = (view: DataView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset);
    this.#events.drain((view, at) => {
      const record = readEvent(view, at);
      const bytes = bytesOf(view);
      events.push({ ...record, src: formatAddress(bytes, record.saddr), dst: formatAddress(bytes, record.daddr) });
    });
    this.#bulk.drain((view, at) => {
      const event = readEvent(view, at);
      if (bytesEvents.has(event.type)) carried.push(readCarried(view, at, event));
      if (event.type === EventType.EVENT_FLOW) flows.push(readFlow(view, at + FlowRecordLayout.flow, event.flow));
      const record = readHttp(view, at);
      if (record.event.type !== EventType.EVENT_HTTP) return;
      const from = at + HttpLayout.SIZE;
      http.push({ record, section: bytesOf(view).slice(from, from + record.length) });
    });
    return { events, http, bytes: carried, flows };
  }

  close(): void {
    // Somebody else may have the kernel by now.
    if (this.#closed) return;
    this.#closed = true;
    this.#events.close();
    this.#bulk.close();
    giveBack(this.kernel);
  }

  #counts(): Counts {
    const named = (values: readonly number[], names: Readonly<Record<number, string>>): Map<string, number> =>
      new Map(values.map((value, index) => [names[index] ?? String(index), value]));
    return {
      reasons: new Map(
        this.kernel.verdicts().map(({ reason, packets }) => [ReasonNames[reason] ?? String(reason), packets]),
      ),
      decodes: named(this.kernel.decodes(), ReasonNames),
      stats: named(this.kernel.stats(), StatNames),
    };
  }
}

function readCarried(view: DataView, at: number, event: EventRecord): SeenBytes {
  const number = (offset: number): number => view.getUint32(at + offset, true);
  const from = view.byteOffset + at + BytesRecordLayout.SIZE;
  const bytes = Buffer.from(new Uint8Array(view.buffer, from, number(BytesRecordLayout.length)));
  return {
    event,
    flags: number(BytesRecordLayout.flags),
    offset: number(BytesRecordLayout.offset),
    total: number(BytesRecordLayout.total),
    bytes,
  };
}

function added(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): Record<string, number> {
  const out: Record<string, number> = {};
  for (const [name, value] of after) if (value !== (before.get(name) ?? 0)) out[name] = value - (before.get(name) ?? 0);
  return out;
}
