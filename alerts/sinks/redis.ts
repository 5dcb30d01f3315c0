// SPDX-License-Identifier: Apache-2.0
// Records as entries of a Redis stream: XADD, pipelined, each acknowledged by the id that Redis gives it.

import { isIP } from 'node:net';
import type { RedisClientType } from '@redis/client';
import type { RedisConfig } from '../config/redis.js';
import type { Batch, Sendable } from '../entry.js';
import { readSecret } from '../secret.js';
import { readTls } from '../tls-files.js';
import { recordId } from './record-facts.js';
import { DeliveryError, type Fate, type Sink } from './sink.js';
import { connectionTrouble } from './tls-trouble.js';
import { within } from './within.js';

/** Whether an entry was made: XADD answers with its id. */
function isReceipt(answer: PromiseSettledResult<unknown>): boolean {
  return answer.status === 'fulfilled' && typeof answer.value === 'string' && /^\d+-\d+$/.test(answer.value);
}

export class RedisSink implements Sink {
  readonly name: string;
  readonly target: string;
  readonly #config: RedisConfig;
  #client: RedisClientType | undefined;

  constructor(config: RedisConfig) {
    const { host, port, stream, tls } = config;
    this.name = config.name;
    this.target = `${tls ? 'rediss' : 'redis'}://${host}:${port} ${stream}`;
    this.#config = config;
  }

  async deliver(batch: Batch, signal: AbortSignal): Promise<void> {
    const { timeout } = this.#config;
    let answers: PromiseSettledResult<unknown>[];
    try {
      const client = this.#client?.isReady ? this.#client : await this.#connect(signal);
      // Commands of one turn go out together, and are answered in order.
      const sent = batch.entries.map((entry) => client.sendCommand(this.#command(entry)));
      answers = await within(Promise.allSettled(sent), timeout, signal);
    } catch (error) {
      this.#drop();
      throw new DeliveryError(`${this.target}: ${connectionTrouble(error)}`, { cause: error });
    }
    const fates = answers.map((answer): Fate => (isReceipt(answer) ? 'delivered' : 'retry'));
    const failed = answers.find((answer) => !isReceipt(answer));
    if (!failed) return;
    const cause: unknown = failed.status === 'rejected' ? failed.reason : new Error('the answer is no id of an entry');
    throw new DeliveryError(`${this.target}: ${connectionTrouble(cause)}`, { fates, cause });
  }

  /** Secrets and certificates are read for every connection. */
  reopen(): void {
    this.#drop();
  }

  close(): Promise<void> {
    this.#drop();
    return Promise.resolve();
  }

  #command(entry: Sendable): string[] {
    const { stream, max_length: length } = this.#config;
    const bound = length > 0 ? ['MAXLEN', '~', String(length)] : [];
    return ['XADD', stream, ...bound, '*', 'id', recordId(entry), 'type', entry.kind, 'record', entry.line];
  }

  async #connect(signal: AbortSignal): Promise<RedisClientType> {
    this.#drop();
    const { host, port, tls, username, password, database, timeout } = this.#config;
    const { createClient } = await import('@redis/client');
    const secure = tls
      ? { tls: true as const, ...(isIP(host) === 0 ? { servername: host } : {}), ...(await readTls(tls)) }
      : {};
    const client = createClient({
      socket: { host, port, connectTimeout: timeout, reconnectStrategy: false, ...secure },
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password: await readSecret(password) }),
      database,
      disableOfflineQueue: true,
      disableClientInfo: true,
    }) as RedisClientType;
    this.#client = client;
    // The error comes back through the commands; without a listener it would end the process.
    client.on('error', () => undefined);
    await within(client.connect(), timeout, signal);
    return client;
  }

  #drop(): void {
    const client = this.#client;
    this.#client = undefined;
    try {
      client?.destroy();
    } catch {
      // It is closed already.
    }
  }
}
