// SPDX-License-Identifier: Apache-2.0
// Syslog over a stream (RFC 6587, RFC 5425). There is no receipt: delivered means that this host's kernel has the bytes.

import type { Socket } from 'node:net';
import type { SyslogConfig } from '../config.js';
import type { Batch } from '../entry.js';
import { DeliveryError, TookTooLong, type Sink } from './sink.js';
import { connectorOf, type Connector } from './syslog-connect.js';
import { frame, syslogFormatter } from './syslog-format.js';
import { connectionTrouble } from './tls-trouble.js';

const IDLE_MS = 1000;
/** Bytes that have to move within the timeout: a receiver that is slow, and not dead, gets its batch. */
const PIECE = 65_536;

export class SyslogStream implements Sink {
  readonly name: string;
  readonly target: string;
  readonly #timeout: number;
  readonly #framing: 'octet' | 'lf';
  readonly #connector: Connector;
  readonly #format: ReturnType<typeof syslogFormatter>;
  #socket: Socket | undefined;
  #lastWrite = 0;

  constructor(config: SyslogConfig) {
    this.name = config.name;
    this.#connector = connectorOf(config);
    this.target = this.#connector.target;
    this.#timeout = config.timeout;
    // Who reads a unix socket knows lines alone.
    this.#framing = config.framing ?? (config.transport === 'unix' ? 'lf' : 'octet');
    this.#format = syslogFormatter(config);
  }

  async deliver(batch: Batch, signal: AbortSignal): Promise<void> {
    let text = '';
    for (const entry of batch.entries) text += frame(this.#format(entry), this.#framing);
    // A receiver that closed while nothing was sent has told so already: let the loop read that before writing.
    if (Date.now() - this.#lastWrite > IDLE_MS) {
      for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    const socket = this.#socket ?? (await this.#connect(signal));
    await this.#write(socket, Buffer.from(text), signal);
    this.#lastWrite = Date.now();
  }

  /** A connection goes on as it was made, unless certificates are others by now. */
  async reopen(): Promise<void> {
    if (await this.#connector.changed?.()) await this.close();
  }

  close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => socket.destroy(), 1000);
      socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.end();
    });
  }

  /** Runs `start` until it calls back, the socket breaks, time is up or the signal aborts. */
  #guard(socket: Socket, signal: AbortSignal, doing: string, start: (done: () => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: unknown): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', aborted);
        socket.off('error', settle).off('close', closed);
        if (error === undefined) return resolve();
        socket.destroy();
        reject(new DeliveryError(`${this.target}: ${doing}: ${connectionTrouble(error)}`, { cause: error }));
      };
      const closed = (): void => settle(new Error('the receiver closed the connection'));
      const aborted = (): void => settle(new Error('given up'));
      const seconds = this.#timeout / 1000;
      const timer = setTimeout(() => settle(new TookTooLong(`nothing moved for ${seconds} s`)), this.#timeout);
      signal.addEventListener('abort', aborted, { once: true });
      socket.on('error', settle).on('close', closed);
      start(() => settle());
    });
  }

  async #connect(signal: AbortSignal): Promise<Socket> {
    const { socket, ready } = await this.#connector.open().catch((error: unknown) => {
      throw new DeliveryError(`${this.target}: ${connectionTrouble(error)}`, { cause: error });
    });
    // Without a listener an error would end the process.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      if (this.#socket === socket) this.#socket = undefined;
    });
    // Receivers say nothing; only reading shows that one has closed its side. What it does say is thrown away.
    socket.once('end', () => socket.destroy()).resume();
    await this.#guard(socket, signal, 'connecting', ready);
    socket.unref();
    this.#socket = socket;
    return socket;
  }

  async #write(socket: Socket, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    for (let at = 0; at < bytes.length; at += PIECE) {
      await this.#guard(socket, signal, 'sending', (done) => {
        socket.write(bytes.subarray(at, at + PIECE), (error) => {
          if (!error) done();
        });
      });
    }
  }
}
