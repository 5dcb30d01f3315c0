// SPDX-License-Identifier: Apache-2.0
// Lines on standard output, at the reader's pace.

import type { Writable } from 'node:stream';
import { messageOf } from '../../common/errors.js';
import type { StdoutConfig } from '../config.js';
import type { Batch } from '../entry.js';
import type { LineBatch } from '../lines.js';
import { DeliveryError, type Sink } from './sink.js';

export class StdoutSink implements Sink {
  readonly name: string;
  readonly target = 'standard output';
  readonly #stream: Writable;
  readonly #onError = (): void => undefined;

  constructor(config: StdoutConfig, stream: Writable = process.stdout) {
    this.name = config.name;
    this.#stream = stream;
    // The error comes back through the write; without a listener it would end the process.
    stream.on('error', this.#onError);
  }

  deliver(batch: Batch, signal: AbortSignal): Promise<void> {
    let text = '';
    for (const entry of batch.entries) text += `${entry.line}\n`;
    return this.#write(text, signal);
  }

  deliverLines({ bytes }: LineBatch, signal: AbortSignal): Promise<void> {
    return this.#write(bytes, signal);
  }

  #write(data: string | Uint8Array, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const aborted = (): void => reject(new DeliveryError('standard output: nobody reads'));
      signal.addEventListener('abort', aborted, { once: true });
      this.#stream.write(data, (error) => {
        signal.removeEventListener('abort', aborted);
        // A pipe whose reader is gone never comes back.
        if (error) reject(new DeliveryError(`standard output: ${messageOf(error)}`, { cause: error, final: true }));
        else resolve();
      });
    });
  }

  close(): Promise<void> {
    this.#stream.off('error', this.#onError);
    return Promise.resolve();
  }
}
