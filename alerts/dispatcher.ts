// SPDX-License-Identifier: Apache-2.0
// Hands every raised record to every output, none of which can hold up another or the caller. What is to be delivered is
// on disk before `push` returns, where there is a store.

import { IdsError, messageOf } from '../common/errors.js';
import type { OutputConfig } from './config.js';
import { Entry } from './entry.js';
import { Gate } from './gate/gate.js';
import { shared, type LineBatch, type LogKind } from './lines.js';
import type { Detection } from './model.js';
import { Outbox, type Offer } from './outbox.js';
import { Output, type Log, type OutputStatus } from './output.js';
import { openSink } from './sinks/open.js';
import type { Sink } from './sinks/sink.js';
import type { OutboxStore } from './store/outbox-store.js';
import { MAX_DEAD } from './store/stored-queue.js';
import { Told } from './told.js';

export interface DispatcherOptions {
  readonly log?: Log;
  /** Where records wait; in memory if left out. */
  readonly store?: OutboxStore;
  /** Makes the sink of an output. */
  readonly sink?: (config: OutputConfig) => Sink | Promise<Sink>;
}

/** What was delivered, and what waits for outputs that are no longer there, is looked through so often. */
const COLLECT_MS = 1000;
/** So long records wait for an output that the configuration no longer has. */
const STRAY_MS = 7 * 86_400_000;

interface Plan {
  readonly output: Output;
  readonly offer: Offer;
}

/** Which records an output gets. */
type Taking = (output: Output, told: Told) => boolean;

const takesIt: Taking = (output, told) => output.takes(told.kind) && output.gate.takes(told);

/** Records on their way into the store. */
interface Raised {
  /** Undefined for one that is stored, and cannot be read. */
  readonly records: readonly (Told | undefined)[];
  readonly time: number;
  readonly gated: boolean;
  /** The output that they are for, if they are for one alone. */
  readonly only?: string | undefined;
}

/** What became of a replay: records that wait now, and stored ones that cannot be read. */
export interface Replayed {
  readonly queued: number;
  readonly unreadable: number;
}

export class Dispatcher {
  readonly #outputs: readonly Output[];
  readonly #store: OutboxStore | undefined;
  readonly #log: Log | undefined;
  readonly #timer: NodeJS.Timeout;
  #storing = true;

  private constructor(outputs: readonly Output[], { store, log }: DispatcherOptions) {
    this.#outputs = outputs;
    this.#store = store;
    this.#log = log;
    this.#timer = setInterval(() => this.#collect(), COLLECT_MS).unref();
    // What an earlier process has left.
    for (const output of outputs) output.start();
  }

  /** @throws IdsError OUTPUT_FAILED naming the output, when a file or secret of one cannot be opened. */
  static async open(configs: readonly OutputConfig[], options: DispatcherOptions = {}): Promise<Dispatcher> {
    const outputs: Output[] = [];
    try {
      for (const config of configs) {
        const sink = await (options.sink ?? openSink)(config);
        const { name, type, batch, retry, queue, format } = config;
        const outbox = new Outbox(queue, format, options.store?.queue(name));
        const events = new Set(config.events);
        const { log_bytes: lineBytes, max_age: maxAge } = queue;
        const gate = new Gate(config);
        outputs.push(
          new Output(sink, outbox, { gate, type, format, events, lineBytes, batch, retry, maxAge, log: options.log }),
        );
      }
    } catch (error) {
      await Promise.allSettled(outputs.map((output) => output.close(0)));
      const name = configs[outputs.length]?.name ?? '';
      throw new IdsError('OUTPUT_FAILED', `output "${name}": ${messageOf(error)}`, { cause: error, details: { name } });
    }
    return new Dispatcher(outputs, options);
  }

  /** Raises records; never waits, never throws. What an output has no room for is counted there. */
  push(batch: readonly (Told | Detection)[]): void {
    if (batch.length === 0) return;
    const kinds = new Set(batch.map(({ kind }) => kind));
    const takers = this.#outputs.filter((output) => [...kinds].some((kind) => output.takes(kind)));
    if (takers.length > 0) this.#raise(takers, batch.map(Told.of), takesIt);
  }

  /** @param only the output that they are for, if for one alone: then its gate holds nothing back */
  #raise(takers: readonly Output[], records: readonly Told[], takes: Taking, only?: string): void {
    const raised: Raised = { records, time: Date.now(), gated: only === undefined, only };
    const words = new Map<string, readonly Entry[]>();
    const plans = takers.map((output): Plan => {
      let entries = words.get(output.format);
      if (!entries) words.set(output.format, (entries = records.map((one) => new Entry(one, output.format))));
      return { output, offer: this.#plan(output, raised, entries, takes) };
    });
    this.#put(plans, raised);
  }

  /** Which records an output takes, counted in its account. */
  #plan(
    output: Output,
    { records, time, gated }: Raised,
    entries: readonly (Entry | undefined)[],
    takes: Taking,
  ): Offer {
    const { outbox } = output;
    const indexes: number[] = [];
    const sizes: number[] = [];
    records.forEach((told, index) => {
      if (!told || !takes(output, told)) return;
      outbox.account.raised++;
      if (gated && !output.gate.pass(told, time)) {
        outbox.account.suppressed++;
        return;
      }
      const { line } = told;
      const entry = entries[index];
      // A record that cannot be put into words is no reason to lose the others.
      if (!output.accepting || line === undefined || !entry) outbox.account.dropped++;
      else {
        indexes.push(index);
        sizes.push(line.length);
      }
    });
    const { dropped } = outbox.account;
    const admitted = outbox.admit(sizes);
    if (outbox.account.dropped > dropped) output.overflowed();
    const all = admitted === records.length;
    return {
      ...(all ? {} : { takes: Uint32Array.from(indexes.slice(0, admitted)) }),
      entries: all
        ? (entries as readonly Entry[])
        : indexes.slice(0, admitted).flatMap((index) => entries[index] ?? []),
      bytes: sizes.slice(0, admitted).reduce((sum, size) => sum + size, 0),
    };
  }

  #put(plans: readonly Plan[], raised: Raised): void {
    const chunk = this.#stored(plans, raised);
    for (const { output, offer } of plans) {
      output.outbox.put(offer, raised.time, chunk);
      output.start();
    }
  }

  /** Stores what was planned; undefined if there is no store, or it has no room: then it waits in memory. */
  #stored(plans: readonly Plan[], { records, time, only }: Raised): number | undefined {
    const store = this.#store;
    if (!store) return undefined;
    try {
      const some = plans.some(({ offer }) => offer.entries.length > 0);
      const chunk = store.transaction(() => {
        const number = some ? store.addChunk({ time, lines: records.map((told) => told?.line ?? ''), only }) : 0;
        for (const { output, offer } of plans) output.outbox.store(offer, time, number);
        return number;
      });
      for (const { output } of plans) output.outbox.written();
      if (!this.#storing) this.#log?.info({}, 'records are stored again');
      this.#storing = true;
      return chunk;
    } catch (error) {
      if (this.#storing) {
        this.#log?.warn({ error: messageOf(error) }, 'records cannot be stored; they wait in memory alone');
      }
      this.#storing = false;
      return undefined;
    }
  }

  /** Whether the store takes records; true without one. */
  get storing(): boolean {
    return this.#storing;
  }

  /** @throws IdsError NOT_FOUND */
  output(name: string): Output {
    const found = this.#outputs.find(({ sink }) => sink.name === name);
    if (found) return found;
    const names = this.#outputs.map(({ sink }) => sink.name).join(', ');
    throw new IdsError('NOT_FOUND', `no output is called "${name}"; there are: ${names || 'none'}`);
  }

  /** Raises records for one output, whatever it takes otherwise. @throws IdsError NOT_FOUND */
  pushTo(name: string, batch: readonly (Told | Detection)[]): void {
    this.#raise([this.output(name)], batch.map(Told.of), () => true, name);
  }

  /**
   * Queues what was raised since then (milliseconds since the epoch) once more, as far as the output takes it, the store
   * still has it, and it does not wait already; records that cannot be read are counted. @throws IdsError NOT_FOUND
   */
  async replay(name: string, since: number): Promise<Replayed> {
    const output = this.output(name);
    const { outbox } = output;
    const store = this.#store;
    if (!store) return { queued: 0, unreadable: 0 };
    const waiting = outbox.chunks();
    let [queued, unreadable] = [0, 0];
    for (const { chunk, records } of store.since(since, name)) {
      if (waiting.has(chunk)) continue;
      const raised: Raised = { records, time: Date.now(), gated: false };
      const entries = records.map((one) => one && new Entry(one, output.format));
      unreadable += entries.filter((one) => !one).length;
      const offer = this.#plan(output, raised, entries, takesIt);
      if (offer.entries.length === 0) continue;
      store.transaction(() => outbox.store(offer, raised.time, chunk));
      outbox.written();
      outbox.put(offer, raised.time, chunk);
      queued += offer.entries.length;
      // Others want to go on meanwhile.
      await new Promise((resolve) => setImmediate(resolve));
    }
    output.start();
    return { queued, unreadable };
  }

  /** Takes dead letters out, to be delivered again or for good; all of them without `ids`. @throws IdsError NOT_FOUND */
  settleDead(name: string, action: 'retry' | 'drop', ids?: readonly number[]): number {
    const { outbox } = this.output(name);
    const letters = outbox.deadLetters(MAX_DEAD, ids);
    const count = outbox.exhume(
      letters.map(({ id }) => id),
      action === 'retry',
    );
    if (action === 'retry' && count > 0) {
      this.pushTo(
        name,
        letters.map(({ detection }) => detection),
      );
    }
    return count;
  }

  /** Hands log lines to the outputs that take their kind; never waits, never throws. */
  pushLines(batches: readonly LineBatch[]): void {
    for (const batch of batches) {
      const takers = this.#outputs.filter((output) => output.takes(batch.kind));
      const one = shared(batch, takers.length);
      for (const output of takers) output.pushLines(one);
      if (takers.length === 0) batch.release?.();
    }
  }

  /** Names of the outputs that take a kind of log lines. */
  takers(kind: LogKind): string[] {
    return this.#outputs.filter((output) => output.takes(kind)).map(({ sink }) => sink.name);
  }

  status(): OutputStatus[] {
    return this.#outputs.map((output) => output.status());
  }

  /** After log rotation or a change of secrets. Failures are logged and shown in the status. */
  async reopen(): Promise<void> {
    await Promise.all(this.#outputs.map((output) => output.reopen()));
  }

  /** Delivers what waits for up to `drainMs` milliseconds; what is left stays stored, or is counted as dropped. */
  async close(drainMs: number): Promise<void> {
    clearInterval(this.#timer);
    this.#tellHeldBack(Date.now(), true);
    await Promise.allSettled(this.#outputs.map((output) => output.close(drainMs)));
  }

  /** Records that tell what gates held back. */
  #tellHeldBack(now: number, all = false): void {
    for (const output of this.#outputs) {
      const due = output.gate.due(now, all);
      if (due.length > 0) this.#raise([output], due.map(Told.of), () => true, output.sink.name);
    }
  }

  #collect(): void {
    const now = Date.now();
    this.#tellHeldBack(now);
    for (const { outbox } of this.#outputs) {
      outbox.expire(now);
      outbox.flush();
    }
    try {
      const names = this.#outputs.map(({ sink }) => sink.name);
      this.#store?.collect(now, names, STRAY_MS);
    } catch (error) {
      this.#log?.warn({ error: messageOf(error) }, 'the store of what waits for outputs could not be looked through');
    }
  }
}
