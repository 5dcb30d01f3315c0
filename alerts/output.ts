// SPDX-License-Identifier: Apache-2.0
// One output: its outbox, its pump, its figures. Nothing here waits for another output.

import type { Account } from './account.js';
import { backoffMs, Pause, RETRY_AFTER_MAX_MS, type RetryPolicy } from './backoff.js';
import { batchId, entriesOf, type Batch, type Sendable } from './entry.js';
import { Fates } from './fates.js';
import type { Format } from './formats/index.js';
import type { Gate } from './gate/gate.js';
import { LineQueue, type LineQueueStatus } from './line-queue.js';
import { logKinds, type EventKind, type LineBatch } from './lines.js';
import type { BatchLimits, Outbox } from './outbox.js';
import { Portion } from './portion.js';
import { DeliveryError, type Sink } from './sinks/sink.js';

/** The part of a logger that is used here; pino's fits. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** raised = delivered + pending + suppressed + expired + dropped, at every moment. Times in milliseconds since the epoch. */
export interface OutputStatus extends Readonly<Account> {
  readonly name: string;
  readonly type: string;
  readonly target: string;
  readonly state: 'idle' | 'delivering' | 'retrying' | 'closed';
  /** `open`: so many tries have failed that the next waits; `half-open`: that one is under way. */
  readonly circuit: 'closed' | 'open' | 'half-open';
  readonly pending: number;
  readonly pendingBytes: number;
  /** When the oldest record that waits was raised. */
  readonly oldest?: number;
  /** Dead letters that are kept: of those that were dropped because the receiver refuses them for good. */
  readonly dead: number;
  /** Whether what waits outlives the process. */
  readonly durable: boolean;
  /** Log lines, if it takes any: they have a queue of their own. */
  readonly lines?: LineQueueStatus;
  /** Tries that were not the first of their batch. */
  readonly retries: number;
  readonly lastDelivery?: number;
  /** The last failure; it stays after recovery, with its time. */
  readonly lastError?: { readonly message: string; readonly time: number };
}

export interface OutputOptions {
  readonly type: string;
  readonly format?: Format;
  /** Kinds of records that it takes; all but log lines if absent. */
  readonly events?: ReadonlySet<EventKind>;
  readonly gate: Gate;
  /** Bytes of log lines that may wait. */
  readonly lineBytes?: number;
  readonly batch: BatchLimits;
  readonly retry: RetryPolicy;
  /** Milliseconds after which log lines are given up. */
  readonly maxAge: number;
  readonly log?: Log | undefined;
}

/** Failures in a row from which on a receiver counts as down. */
const CIRCUIT_FAILURES = 5;
/** Refusals are logged once in so many milliseconds. */
const QUIET_MS = 60_000;
const LINE_BYTES = 64 << 20;

export class Output {
  readonly sink: Sink;
  readonly outbox: Outbox;
  /** What stands before it. */
  readonly gate: Gate;
  readonly #lines: LineQueue;
  readonly #options: OutputOptions;
  readonly #giveUp = new AbortController();
  readonly #pause = new Pause();
  readonly #portion = new Portion();
  #running: Promise<void> | undefined;
  #state: OutputStatus['state'] = 'idle';
  #failures = 0;
  #attempting = false;
  #retries = 0;
  #overflowing = false;
  #linesOverflow = false;
  #warned = false;
  #quietUntil = 0;
  #accepting = true;
  #closing: Promise<void> | undefined;
  #lastDelivery: number | undefined;
  #lastError: { message: string; time: number } | undefined;

  constructor(sink: Sink, outbox: Outbox, options: OutputOptions) {
    this.gate = options.gate;
    this.sink = sink;
    this.outbox = outbox;
    this.#options = options;
    this.#lines = new LineQueue(options.lineBytes ?? LINE_BYTES);
  }

  get format(): Format {
    return this.#options.format ?? 'eve';
  }

  takes(kind: EventKind): boolean {
    return this.#options.events?.has(kind) ?? (kind === 'alert' || kind === 'drop' || kind === 'engine');
  }

  /** Takes log lines of a kind that it `takes`; never waits and never throws. The bytes are not changed by anybody until they are released. */
  pushLines(batch: LineBatch): void {
    if (!this.#accepting) return this.#lines.refuse(batch);
    if (this.#lines.offer(batch)) this.#linesOverflow &&= this.#lines.pending > batch.count;
    else if (!this.#linesOverflow) {
      this.#linesOverflow = true;
      const { name, target } = this.sink;
      this.#options.log?.warn(
        { output: name, target },
        'output is too slow for the log; lines are dropped and counted',
      );
    }
    this.#running ??= this.#run();
  }

  /** False once it is closing: what is raised then is dropped. */
  get accepting(): boolean {
    return this.#accepting;
  }

  /** Something waits; never waits itself and never throws. */
  start(): void {
    if (this.#accepting && this.outbox.records > 0) this.#running ??= this.#run();
  }

  /** Tries again now what waits for its next try. */
  hurry(): void {
    this.#pause.wake();
  }

  /** Tells that records have found no room; once, until the queue was empty. */
  overflowed(): void {
    if (this.#overflowing) return;
    this.#overflowing = true;
    const { name, target } = this.sink;
    const { dropped } = this.outbox.account;
    this.#options.log?.warn({ output: name, target, dropped }, 'output queue is full; records are dropped');
  }

  status(): OutputStatus {
    const { oldest, records, bytes, dead, durable, account } = this.outbox;
    return {
      name: this.sink.name,
      type: this.#options.type,
      target: this.sink.target,
      state: this.#state,
      circuit: this.#failures < CIRCUIT_FAILURES ? 'closed' : this.#attempting ? 'half-open' : 'open',
      ...account,
      pending: records,
      pendingBytes: Math.round(bytes),
      ...(oldest === undefined ? {} : { oldest }),
      dead,
      durable,
      ...(logKinds.some((kind) => this.takes(kind)) && { lines: this.#lines.status() }),
      retries: this.#retries,
      ...(this.#lastDelivery !== undefined && { lastDelivery: this.#lastDelivery }),
      ...(this.#lastError && { lastError: this.#lastError }),
    };
  }

  async reopen(): Promise<void> {
    try {
      await this.sink.reopen?.();
    } catch (error) {
      this.#note(error);
      this.#options.log?.warn(
        { output: this.sink.name, error: this.#lastError?.message },
        'output could not be reopened',
      );
    }
    this.#pause.wake();
  }

  /** Takes nothing more, delivers for up to `drainMs` milliseconds; what is stored waits on, the rest is dropped. */
  close(drainMs: number): Promise<void> {
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }

  async #close(drainMs: number): Promise<void> {
    this.#accepting = false;
    this.#pause.wake();
    const deadline = setTimeout(() => this.#giveUp.abort(), drainMs);
    await this.#running;
    clearTimeout(deadline);
    this.#giveUp.abort();
    this.outbox.close();
    this.#lines.clear();
    this.#state = 'closed';
    await this.sink.close();
  }

  async #run(): Promise<void> {
    // First let go of the caller: push() must not pay for a delivery.
    await Promise.resolve();
    try {
      while (!this.#giveUp.signal.aborted) {
        const batch = this.outbox.lease(this.#options.batch);
        // Alerts first: what waits behind them is only the log.
        if (batch !== undefined) await this.#deliver(batch);
        else if (!(await this.#deliverLines())) break;
      }
    } catch (error) {
      // Only an outbox can get here; the next record starts the pump again.
      this.#note(error);
    }
    this.#state = 'idle';
    this.#running = undefined;
  }

  async #deliver(lease: Batch): Promise<void> {
    const fates = new Fates(lease.entries);
    for (let attempt = 0; !this.#giveUp.signal.aborted; attempt++) {
      const { open } = fates;
      const batch = this.#portion.of(lease, open);
      try {
        this.#state = attempt === 0 ? 'delivering' : 'retrying';
        this.#attempting = true;
        await this.sink.deliver(batch, this.#giveUp.signal);
        batch.entries.forEach((entry) => fates.decide(entry, 'delivered'));
        this.#settle(fates);
        this.#works();
        if (batch.entries.length === open.length) return;
        attempt = -1;
      } catch (error) {
        const failure = DeliveryError.of(error);
        batch.entries.forEach((entry, index) => fates.decide(entry, failure.fateOf(index)));
        const left = fates.open.length;
        this.#settle(fates);
        if (left === 0) return this.#note(failure);
        if (this.#giveUp.signal.aborted) return;
        this.#note(failure);
        if (left === open.length - batch.entries.length) {
          attempt = -1;
          continue;
        }
        if (left < open.length) attempt = 0;
        if (failure.slow) this.#portion.less(batch.entries.length);
        this.#failures++;
        if (this.outbox.stale) return this.outbox.settle(fates.waiting, 'expired');
        await this.#backOff(failure, attempt);
      } finally {
        this.#attempting = false;
      }
    }
  }

  /** Settles what is decided, from the front of the lease on. */
  #settle(fates: Fates): void {
    for (const { fate, entries } of fates.settled()) {
      if (typeof fate === 'object') this.#refused(entries, fate.refused);
      else this.outbox.settle(entries.length, fate === 'delivered' ? fate : 'dropped');
      if (fate === 'delivered') this.#lastDelivery = Date.now();
    }
  }

  /** Waits before the next try. */
  async #backOff(failure: DeliveryError, attempt: number): Promise<void> {
    this.#warn(failure);
    this.#retries++;
    this.#state = 'retrying';
    this.#attempting = false;
    const asked = Math.min(failure.retryAfterMs, RETRY_AFTER_MAX_MS);
    await this.#pause.wait(Math.max(asked, backoffMs(this.#options.retry, attempt)), this.#giveUp.signal);
  }

  /** Delivers one batch of log lines; false if there is none. Alerts that come meanwhile do not wait for a retry. */
  async #deliverLines(): Promise<boolean> {
    const batch = this.#lines.first;
    if (batch === undefined) return false;
    const { signal } = this.#giveUp;
    let started: number | undefined;
    // Receivers that take no bytes get records.
    let open = this.sink.deliverLines ? undefined : entriesOf(batch);
    let lost = 0;
    for (let attempt = 0; !signal.aborted; attempt++) {
      const part = open?.slice(0, Math.min(this.#options.batch.records, this.#portion.records)) ?? [];
      try {
        this.#state = attempt === 0 ? 'delivering' : 'retrying';
        if (open === undefined) await this.sink.deliverLines?.(batch, signal);
        else await this.sink.deliver({ id: batchId(), entries: part }, signal);
        open = open?.slice(part.length);
        if (open !== undefined && open.length > 0) {
          [attempt, started] = [-1, undefined];
          continue;
        }
        this.#lines.settle(batch.count - lost, lost);
        this.#works();
        return true;
      } catch (error) {
        const failure = DeliveryError.of(error);
        const fates = part.map((_, index) => failure.fateOf(index));
        if (open) open = [...part.filter((_, index) => fates[index] === 'retry'), ...open.slice(part.length)];
        lost += fates.filter((fate) => fate !== 'retry' && fate !== 'delivered').length;
        const left = open?.length ?? (failure.final ? 0 : batch.count);
        if (signal.aborted && left > 0) break;
        this.#note(failure);
        started ??= Date.now();
        if (left === 0 || Date.now() - started > this.#options.maxAge) {
          const dropped = open === undefined ? batch.count : lost + left;
          this.#lines.settle(batch.count - dropped, dropped);
          return true;
        }
        if (failure.slow) this.#portion.less(part.length);
        if (fates.some((fate) => fate !== 'retry')) attempt = -1;
        if (fates.every((fate) => fate !== 'retry') && fates.length > 0) continue;
        await this.#backOff(failure, Math.max(0, attempt));
        // What was raised in between goes first.
        const urgent = this.outbox.lease(this.#options.batch);
        if (urgent) await this.#deliver(urgent);
      }
    }
    const through = open === undefined ? 0 : batch.count - open.length - lost;
    if (through + lost > 0) this.#lines.settle(through, lost);
    return false;
  }

  #works(): void {
    this.#lastDelivery = Date.now();
    this.#failures = 0;
    this.#portion.more(this.#options.batch.records);
    const { name, target } = this.sink;
    if (this.#warned)
      this.#options.log?.info({ output: name, target, pending: this.outbox.records }, 'output works again');
    this.#warned = false;
    if (this.#overflowing && this.outbox.records === 0) this.#overflowing = false;
  }

  #warn(failure: DeliveryError): void {
    if (this.#warned) return;
    this.#warned = true;
    const { name, target } = this.sink;
    this.#options.log?.warn(
      { output: name, target, error: failure.message },
      'output does not take records; they wait',
    );
  }

  #refused(entries: readonly Sendable[], cause: string): void {
    this.outbox.bury(entries, cause);
    if (Date.now() < this.#quietUntil) return;
    this.#quietUntil = Date.now() + QUIET_MS;
    const { name, target } = this.sink;
    const fields = { output: name, target, refused: entries.length, error: cause };
    this.#options.log?.warn(fields, 'output refuses records for good: see ids outputs dead');
  }

  #note(error: unknown): void {
    this.#lastError = { message: DeliveryError.of(error).message, time: Date.now() };
  }
}
