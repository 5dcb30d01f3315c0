// SPDX-License-Identifier: Apache-2.0
// The main thread's end of the ring reader.

import { Worker } from 'node:worker_threads';
import { IdsError } from '../../common/errors.js';
import { RingWaiter, wallOffset, type Kernel } from '../bpf/index.js';
import type { LineBatch, LogKind } from '../../alerts/index.js';
import type { DatasetChange, DatasetCommand } from '../../rules/index.js';
import type { FlowLogSettings } from '../flows/flow-log.js';
import { noCounts, type JudgeCounts, type Raised, type Shows, type Worded } from '../judge/judge.js';
import type { HttpLogSettings } from '../layer7/http-log.js';
import type { RateLimits } from '../judge/rates.js';
import {
  countNames,
  type DatasetReply,
  type FromReader,
  type KnownInterface,
  type PackedProgram,
  type ReaderStart,
  type ToReader,
} from './messages.js';

/** Detections die young: with room for more of them fewer are copied before they do. */
const YOUNG_MB = 64;
/** How often the wall clock's distance from the boot clock is looked at. */
const CLOCK_MS = 1000;

export interface RingThreadOptions {
  /** Bounds of what engine-placed rules raise. */
  readonly rates: RateLimits;
  /** Kinds of log lines that an output takes. */
  readonly logs: readonly LogKind[];
  /** What alerts show beside what they always do; nothing if absent. */
  readonly shows?: Shows;
  /** Whether an output writes alerts as EVE, with nothing added to them. */
  readonly eve: boolean;
  readonly onLines: (batches: readonly LineBatch[]) => void;
  /** Called with what was raised, in order. */
  readonly onRaised: (raised: readonly (Raised | Worded)[]) => void;
  /** Called with what packets have changed in data sets that are kept in files. */
  readonly onDatasets: (changes: readonly DatasetChange[]) => void;
  /** The distance of the clocks in microseconds, kept: a record that is read again after a restart has the same time, and id. */
  readonly offsets?: { read(): number | undefined; write(offsetUs: number): void };
  /** Called if the thread dies; the daemon cannot go on without it. */
  readonly onFailure: (error: unknown) => void;
}

/** Owns the reader thread. */
export class RingThread {
  readonly #worker: Worker;
  readonly #waiter: RingWaiter;
  readonly #backlog: Int32Array;
  readonly #lineBacklog: Int32Array;
  readonly #counts: Float64Array;
  readonly #pending = new Map<number, { done: () => void; fail: (error: unknown) => void }>();
  readonly #asked = new Map<number, { done: (answer: DatasetReply) => void; fail: (error: unknown) => void }>();
  readonly #clock: NodeJS.Timeout;
  readonly #offsets: RingThreadOptions['offsets'];
  readonly #stopped: Promise<void>;
  #ended: IdsError | undefined;
  #nextId = 1;
  #offsetUs = NaN;
  #closing: Promise<void> | undefined;

  constructor(kernel: Kernel, options: RingThreadOptions) {
    const backlog = new SharedArrayBuffer(4);
    this.#backlog = new Int32Array(backlog);
    const lineBacklog = new SharedArrayBuffer(4);
    this.#lineBacklog = new Int32Array(lineBacklog);
    const counts = new SharedArrayBuffer(8 * countNames.length);
    this.#counts = new Float64Array(counts);
    const { events, bulk } = kernel.rings;
    this.#waiter = RingWaiter.open([events.fd], [bulk.fd]);
    const { rates, logs, eve } = options;
    const waiter = this.#waiter.handle;
    const start: ReaderStart = {
      events,
      bulk,
      flows: kernel.sharedFlows(),
      reader: kernel.map('ids_reader').fd,
      waiter,
      backlog,
      lineBacklog,
      counts,
      rates,
      logs,
      shows: options.shows ?? { headers: false, packet: false, rule: true },
      eve,
    };
    this.#worker = new Worker(new URL('./reader-worker.js', import.meta.url), {
      workerData: start,
      name: 'ids-ring',
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    this.#stopped = new Promise((resolve) => {
      this.#worker.on('message', (message: FromReader) => {
        if (message.type === 'answers') kernel.control.update({ answers: message.cookies });
        else this.#onMessage(message, options, resolve);
      });
      this.#worker.once('exit', (code) => {
        const error = new IdsError('INTERNAL', `the ring reader ended with status ${code}`);
        this.#ended = error;
        // Nobody else would end the wait of a load that is under way.
        for (const { fail } of [...this.#pending.values(), ...this.#asked.values()]) fail(error);
        this.#pending.clear();
        this.#asked.clear();
        if (!this.#closing) options.onFailure(error);
        resolve();
      });
    });
    this.#worker.on('error', options.onFailure);
    this.#offsets = options.offsets;
    this.#offsetUs = options.offsets?.read() ?? NaN;
    this.#tellClock(true);
    this.#clock = setInterval(() => this.#tellClock(), CLOCK_MS);
  }

  get counts(): JudgeCounts {
    const counts: JudgeCounts = { ...noCounts };
    countNames.forEach((name, i) => (counts[name] = this.#counts[i] ?? 0));
    return counts;
  }

  /** Resolves when the reader can explain events of this rule set. @param also older generations that it explains as well */
  install(program: PackedProgram, also: readonly number[] = []): Promise<void> {
    return this.#confirmed((id) => this.#say({ type: 'install', id, program, also }));
  }

  /** Events of `generation` are explained as those of `of`, which is known; resolves when they can be. */
  alias(generation: number, of: number): Promise<void> {
    return this.#confirmed((id) => this.#say({ type: 'alias', id, generation, of }));
  }

  #confirmed(say: (id: number) => void): Promise<void> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = this.#nextId++;
    const confirmed = new Promise<void>((done, fail) => this.#pending.set(id, { done, fail }));
    say(id);
    return confirmed;
  }

  /** What the data sets in force say. */
  dataset(command: DatasetCommand | 'list'): Promise<DatasetReply> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = this.#nextId++;
    const answered = new Promise<DatasetReply>((done, fail) => this.#asked.set(id, { done, fail }));
    this.#say({ type: 'dataset', id, command });
    return answered;
  }

  retire(generation: number): void {
    this.#say({ type: 'retire', generation });
  }

  setMonitor(monitor: boolean): void {
    this.#say({ type: 'monitor', monitor });
  }

  setInterfaces(known: Readonly<Record<number, KnownInterface>>): void {
    this.#say({ type: 'interfaces', known });
  }

  setHttpLog(settings: HttpLogSettings): void {
    this.#say({ type: 'http-log', settings });
  }

  /** @param since nanoseconds of now(): what ended before was not to be logged */
  setFlowLog(settings: FlowLogSettings | undefined, since: number): void {
    this.#say({ type: 'flow-log', ...(settings ? { settings } : {}), since });
  }

  /** Drains the rings once more and ends the thread. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#clock);
    this.#say({ type: 'stop' });
    await this.#stopped;
    await this.#worker.terminate();
    this.#waiter.close();
  }

  #say(message: ToReader): void {
    this.#worker.postMessage(message);
    this.#waiter.wake();
  }

  /** The memory of lines goes back to where they are written: new memory for each batch would keep the collector busy. */
  #giveBack({ bytes }: LineBatch): void {
    const buffer = bytes.buffer as ArrayBuffer;
    // Nobody is woken for it.
    if (!this.#ended) this.#worker.postMessage({ type: 'memory', buffer } satisfies ToReader, [buffer]);
  }

  #tellClock(first = false): void {
    const offsetUs = Math.round(wallOffset() / 1000);
    // Reading two clocks jitters by some microseconds; only a real step is worth a word.
    const stays = Math.abs(offsetUs - this.#offsetUs) < 500;
    if (!stays) this.#offsetUs = offsetUs;
    if (!stays || first) this.#say({ type: 'clock', offsetUs: this.#offsetUs });
    if (!stays) this.#offsets?.write(offsetUs);
  }

  #onMessage(message: Exclude<FromReader, { type: 'answers' }>, options: RingThreadOptions, stopped: () => void): void {
    if (message.type === 'installed') {
      this.#pending.get(message.id)?.done();
      this.#pending.delete(message.id);
      return;
    }
    if (message.type === 'dataset') {
      this.#asked.get(message.id)?.done(message.answer);
      this.#asked.delete(message.id);
      return;
    }
    if (message.type === 'stopped') return stopped();
    if (message.type === 'datasets') return options.onDatasets(message.changes);
    if (message.type === 'lines') {
      Atomics.sub(this.#lineBacklog, 0, message.bytes);
      return options.onLines(message.batches.map((batch) => ({ ...batch, release: () => this.#giveBack(batch) })));
    }
    try {
      options.onRaised(message.raised);
    } finally {
      // Only now: the ring keeps what is not stored.
      Atomics.sub(this.#backlog, 0, message.raised.length);
      Atomics.notify(this.#backlog, 0);
    }
  }
}
