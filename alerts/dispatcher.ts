// SPDX-License-Identifier: Apache-2.0
// Hands every raised record to every output, none of which can hold up another or the caller.

import { IdsError, messageOf } from '../common/errors.js';
import type { OutputConfig } from './config.js';
import { Entry } from './entry.js';
import type { Format } from './formats/index.js';
import { shared, type LineBatch, type LogKind } from './lines.js';
import type { Detection } from './model.js';
import { MemoryOutbox, type Outbox } from './outbox.js';
import { Output, type Log, type OutputStatus } from './output.js';
import { openSink } from './sinks/open.js';
import type { Sink } from './sinks/sink.js';

export interface DispatcherOptions {
  readonly log?: Log;
  /** Makes the outbox of an output; in memory if left out. */
  readonly outbox?: (config: OutputConfig) => Outbox;
  /** Makes the sink of an output. */
  readonly sink?: (config: OutputConfig) => Sink | Promise<Sink>;
}

export class Dispatcher {
  readonly #outputs: readonly Output[];

  private constructor(outputs: readonly Output[]) {
    this.#outputs = outputs;
  }

  /** @throws IdsError OUTPUT_FAILED naming the output, when a file or secret of one cannot be opened. */
  static async open(configs: readonly OutputConfig[], options: DispatcherOptions = {}): Promise<Dispatcher> {
    const outputs: Output[] = [];
    try {
      for (const config of configs) {
        const sink = await (options.sink ?? openSink)(config);
        const outbox = options.outbox?.(config) ?? new MemoryOutbox(config.queue);
        const { type, batch, retry, queue, format } = config;
        const events = new Set(config.events);
        const lineBytes = queue.log_bytes;
        outputs.push(new Output(sink, outbox, { type, format, events, lineBytes, batch, retry, log: options.log }));
      }
    } catch (error) {
      await Promise.allSettled(outputs.map((output) => output.close(0)));
      const name = configs[outputs.length]?.name ?? '';
      throw new IdsError('OUTPUT_FAILED', `output "${name}": ${messageOf(error)}`, { cause: error, details: { name } });
    }
    return new Dispatcher(outputs);
  }

  /** Raises records; never waits, never throws. What an output has no room for is counted there. */
  push(batch: readonly Detection[]): void {
    if (batch.length === 0) return;
    const made = new Map<Format, readonly Entry[]>();
    for (const output of this.#outputs) {
      let entries = made.get(output.format);
      if (!entries) made.set(output.format, (entries = batch.map((detection) => new Entry(detection, output.format))));
      output.push(entries);
    }
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

  /** Delivers what waits for up to `drainMs` milliseconds; what is left is counted as dropped. */
  async close(drainMs: number): Promise<void> {
    await Promise.allSettled(this.#outputs.map((output) => output.close(drainMs)));
  }
}
