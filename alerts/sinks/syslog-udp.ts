// SPDX-License-Identifier: Apache-2.0
// Syslog over UDP (RFC 5426): one datagram a record.

import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { messageOf, systemCode } from '../../common/errors.js';
import type { SyslogConfig } from '../config.js';
import type { Batch } from '../entry.js';
import { DeliveryError, type Sink } from './sink.js';
import { syslogFormatter } from './syslog-format.js';
import { within } from './within.js';

const PORT = 514;
const WINDOW = 32;

export class SyslogUdp implements Sink {
  readonly name: string;
  readonly target: string;
  readonly #config: SyslogConfig;
  readonly #format: ReturnType<typeof syslogFormatter>;
  #socket: Socket | undefined;
  #error: Error | undefined;

  constructor(config: SyslogConfig) {
    this.name = config.name;
    this.target = `udp://${config.host}:${config.port ?? PORT}`;
    this.#config = config;
    this.#format = syslogFormatter(config);
  }

  async deliver(batch: Batch, signal: AbortSignal): Promise<void> {
    const socket = (this.#socket ??= await this.#open(signal));
    const { entries } = batch;
    for (let at = 0; at < entries.length; at += WINDOW) {
      signal.throwIfAborted();
      const sent = entries.slice(at, at + WINDOW).map((entry) => this.#send(socket, this.#format(entry)));
      const errors = await Promise.all(sent);
      const first = errors.findIndex((error) => error !== undefined);
      if (first >= 0) this.#failed(errors[first], at + first);
    }
  }

  close(): Promise<void> {
    this.#drop();
    return Promise.resolve();
  }

  async #open(signal: AbortSignal): Promise<Socket> {
    const { host, port = PORT, timeout } = this.#config;
    try {
      const { address, family } = await within(lookup(host), timeout, signal);
      const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
      socket.on('error', (error) => (this.#error = error));
      // Connected, so that an unreachable port comes back as an error instead of silence.
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.connect(port, address, () => {
          socket.off('error', reject);
          resolve();
        });
      });
      socket.unref();
      return socket;
    } catch (error) {
      throw new DeliveryError(`cannot send to ${this.target}: ${messageOf(error)}`, { cause: error });
    }
  }

  #send(socket: Socket, message: string): Promise<Error | undefined> {
    const earlier = this.#error;
    this.#error = undefined;
    if (earlier) return Promise.resolve(earlier);
    return new Promise((resolve) => {
      try {
        socket.send(message, (error) => resolve(error ?? undefined));
      } catch (error) {
        resolve(error as Error);
      }
    });
  }

  #failed(error: Error | undefined, at: number): never {
    const code = systemCode(error);
    this.#drop();
    // A refusal speaks of the datagram before: that one is sent again as well.
    const delivered = code === 'ECONNREFUSED' ? Math.max(0, at - 1) : at;
    const message = code === 'ECONNREFUSED' ? 'nobody listens there' : messageOf(error);
    throw new DeliveryError(`${this.target}: ${message}`, { cause: error, delivered });
  }

  #drop(): void {
    this.#socket?.close();
    this.#socket = undefined;
    this.#error = undefined;
  }
}
