// SPDX-License-Identifier: Apache-2.0
// Syslog to a socket of this host, such as /dev/log: a stream, or where the socket wants them datagrams, one a record.

import { systemCode } from '../../common/errors.js';
import type { SyslogConfig } from '../config.js';
import type { Batch } from '../entry.js';
import type { Platform, UnixDatagrams } from './datagrams.js';
import { DeliveryError, type Sink } from './sink.js';
import { syslogFormatter } from './syslog-format.js';
import { SyslogStream } from './syslog-stream.js';

/** A full queue is looked at again so often, in milliseconds. */
const AGAIN_MS = 5;

export class SyslogUnix implements Sink {
  readonly name: string;
  readonly target: string;
  readonly #config: SyslogConfig;
  readonly #platform: Platform;
  readonly #stream: SyslogStream;
  readonly #format: ReturnType<typeof syslogFormatter>;
  #datagrams: UnixDatagrams | undefined;

  constructor(config: SyslogConfig, platform: Platform) {
    this.#stream = new SyslogStream(config);
    this.name = config.name;
    this.target = this.#stream.target;
    this.#config = config;
    this.#platform = platform;
    this.#format = syslogFormatter(config);
  }

  async deliver(batch: Batch, signal: AbortSignal): Promise<void> {
    if (!this.#datagrams) {
      try {
        return await this.#stream.deliver(batch, signal);
      } catch (error) {
        // The socket is there, and takes something else than a stream.
        if (systemCode((error as Error).cause) !== 'EPROTOTYPE') throw error;
      }
      this.#datagrams = this.#open();
    }
    for (const [index, entry] of batch.entries.entries()) {
      const failed = await this.#send(this.#datagrams, Buffer.from(this.#format(entry)), signal);
      if (failed !== undefined) this.#failed(failed, index);
    }
  }

  async close(): Promise<void> {
    this.#drop();
    await this.#stream.close();
  }

  #open(): UnixDatagrams {
    const { path } = this.#config;
    if (this.#platform.datagrams) return this.#platform.datagrams(path);
    throw new DeliveryError(`${this.target}: it takes datagrams, and this program sends streams alone`);
  }

  /** Waits for room in the receiver's queue; the error's name where there is none in time, or no receiver. */
  async #send(datagrams: UnixDatagrams, message: Uint8Array, signal: AbortSignal): Promise<string | undefined> {
    const deadline = performance.now() + this.#config.timeout;
    for (;;) {
      const failed = datagrams.send(message);
      if (failed !== 'EAGAIN' || signal.aborted) return failed;
      if (performance.now() > deadline) return `nothing moved for ${this.#config.timeout / 1000} s`;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  #failed(cause: string, delivered: number): never {
    // It may be a stream when it is there again.
    this.#drop();
    const words = cause === 'ENOENT' || cause === 'ECONNREFUSED' ? `nobody listens there (${cause})` : cause;
    throw new DeliveryError(`${this.target}: ${words}`, { delivered });
  }

  #drop(): void {
    this.#datagrams?.close();
    this.#datagrams = undefined;
  }
}
