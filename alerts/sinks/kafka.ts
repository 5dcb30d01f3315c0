// SPDX-License-Identifier: Apache-2.0
// Records to a topic of Kafka, acknowledged by all replicas in sync.

import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import kafkajs from 'kafkajs';
import type { Message, Producer, SASLOptions } from 'kafkajs';
import type { KafkaConfig } from '../config/kafka.js';
import type { Batch, Sendable } from '../entry.js';
import { readSecret } from '../secret.js';
import { readTls } from '../tls-files.js';
import { framed } from './kafka-frames.js';
import { lineWithin } from './line-within.js';
import { recordId } from './record-id.js';
import { DeliveryError, type Sink } from './sink.js';
import { connectionTrouble } from './tls-trouble.js';
import { within } from './within.js';

const ALL_IN_SYNC = -1;
const CONNECT_MS = 5000;
/** A record alone that a broker finds too large is shortened to this: no broker has a smaller limit in its senses. */
const SHORT_BYTES = 16_384;

/** What one of the records is, not the connection: halves of the batch are tried to find it. */
const perRecord: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD']);

/** A producer, and the sockets that its library opens. */
interface Session {
  readonly sockets: Set<Socket>;
  readonly producer: Producer;
  readonly connected: Promise<void>;
  ended: boolean;
}

export class KafkaSink implements Sink {
  readonly name: string;
  readonly target: string;
  readonly #config: KafkaConfig;
  #session: Session | undefined;

  constructor(config: KafkaConfig) {
    this.name = config.name;
    this.target = `kafka://${config.brokers.join(',')} ${config.topic}`;
    this.#config = config;
  }

  async deliver(batch: Batch, signal: AbortSignal): Promise<void> {
    const progress = { delivered: 0 };
    try {
      await within(this.#deliver(batch.entries, progress), this.#config.timeout, signal);
    } catch (error) {
      // Nothing of what went wrong stays.
      this.#drop();
      const message = `${this.target}: ${connectionTrouble(error)}`;
      throw new DeliveryError(message, { delivered: progress.delivered, cause: error });
    }
  }

  /** Secrets and certificates are read for every connection. */
  reopen(): void {
    this.#drop();
  }

  close(): Promise<void> {
    this.#drop();
    return Promise.resolve();
  }

  async #deliver(entries: readonly Sendable[], progress: { delivered: number }): Promise<void> {
    const { producer, connected } = (this.#session ??= await this.#open());
    await connected;
    const parts = [entries];
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
      try {
        await this.#send(producer, part);
        progress.delivered += part.length;
      } catch (error) {
        if (!perRecord.has((error as { type?: string }).type ?? '')) throw error;
        const [first] = part;
        const half = Math.ceil(part.length / 2);
        if (part.length > 1) parts.push(part.slice(half), part.slice(0, half));
        else if (first && first.bytes > SHORT_BYTES) {
          await this.#send(producer, [first], SHORT_BYTES);
          progress.delivered++;
        } else throw error;
      }
    }
  }

  async #send(producer: Producer, entries: readonly Sendable[], limit = Infinity): Promise<void> {
    const { topic, compression, format, timeout } = this.#config;
    await producer.send({
      topic,
      acks: ALL_IN_SYNC,
      timeout,
      compression: compression === 'gzip' ? kafkajs.CompressionTypes.GZIP : kafkajs.CompressionTypes.None,
      messages: entries.map((entry) => this.#message(entry, lineWithin(entry, format, limit))),
    });
  }

  #message(entry: Sendable, value: string): Message {
    const id = recordId(entry);
    const { key } = this.#config;
    const source = entry.detection?.src ?? entry.kind;
    const at = entry.detection ? { timestamp: String(Math.floor(entry.detection.timeUs / 1000)) } : {};
    return { key: key === 'none' ? null : key === 'id' ? id : source, value, headers: { id, type: entry.kind }, ...at };
  }

  async #open(): Promise<Session> {
    const { brokers, tls, sasl, timeout } = this.#config;
    const files = tls ? await readTls(tls) : undefined;
    const password = sasl && (await readSecret(sasl.password));
    const session = { sockets: new Set<Socket>(), ended: false };
    const client = new kafkajs.Kafka({
      clientId: 'ids',
      brokers: [...brokers],
      connectionTimeout: Math.min(CONNECT_MS, timeout),
      requestTimeout: timeout,
      // The outbox tries again; within a try brokers may change places.
      retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1000 },
      logLevel: kafkajs.logLevel.NOTHING,
      logCreator: () => () => undefined,
      socketFactory: ({ host, port, onConnect }) => {
        const socket = socketTo(host, port, files, onConnect);
        session.sockets.add(socket);
        socket.once('close', () => session.sockets.delete(socket));
        // Its library tries on for a while when the session is over.
        return session.ended ? socket.destroy() : framed(socket);
      },
      ...(files ? { ssl: files } : {}),
      ...(sasl ? { sasl: { mechanism: sasl.mechanism, username: sasl.username, password } as SASLOptions } : {}),
    });
    const producer = client.producer({
      maxInFlightRequests: 1,
      allowAutoTopicCreation: true,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    const connected = producer.connect();
    connected.catch(() => undefined);
    return Object.assign(session, { producer, connected });
  }

  /** Ends what the library would leave open with a receiver that hangs. */
  #drop(): void {
    const session = this.#session;
    this.#session = undefined;
    if (!session) return;
    session.ended = true;
    void session.producer.disconnect().catch(() => undefined);
    for (const socket of session.sockets) socket.destroy();
  }
}

function socketTo(host: string, port: number, files: ConnectionOptions | undefined, onConnect: () => void): Socket {
  const name = isIP(host) === 0 ? { servername: host } : {};
  const socket = files
    ? connectTls({ host, port, ...name, ...files }, onConnect)
    : connectTcp({ host, port }, onConnect);
  return socket.setKeepAlive(true, CONNECT_MS);
}
