// SPDX-License-Identifier: Apache-2.0
// Records to a topic of Kafka, acknowledged by all replicas in sync.

import type { Message } from 'kafkajs';
import type { KafkaConfig } from '../config/kafka.js';
import type { Batch, Sendable } from '../entry.js';
import { excerpt } from './http-answer.js';
import { KafkaSession } from './kafka-session.js';
import { lineWithin } from './line-within.js';
import { recordId } from './record-facts.js';
import { DeliveryError, type Fate, type Sink } from './sink.js';
import { connectionTrouble } from './tls-trouble.js';
import { within } from './within.js';

/** A record alone that a broker finds too large is shortened to this: no broker has a smaller limit in its senses. */
const SHORT_BYTES = 16_384;

const INVALID = 'INVALID_RECORD';

/** What one of the records is, not the connection: halves of the batch are tried to find it. */
const perRecord: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', INVALID]);

/** Settings of the cluster that are put right there. */
const ofCluster: Readonly<Record<string, string>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'the cluster has no such topic: make it there',
  TOPIC_AUTHORIZATION_FAILED: 'we may not write to this topic: an ACL has to allow us Write and Describe',
};

/** Kafka's name of an error, also of one that its library has tried again in vain. */
function typeOf(error: unknown): string {
  const { type, cause } = error as { type?: string; cause?: unknown };
  return type ?? (cause instanceof Error ? typeOf(cause) : '');
}

/** Records that go out together, as they are or with less. */
interface Part {
  readonly entries: readonly Sendable[];
  /** Where the first of them is in the batch. */
  readonly from: number;
  /** Longest record, in bytes. */
  readonly limit: number;
  /** Whether they bear their own time; if not, the time of sending. */
  readonly timed: boolean;
}

export class KafkaSink implements Sink {
  readonly name: string;
  readonly target: string;
  readonly #config: KafkaConfig;
  #session: KafkaSession | undefined;

  constructor(config: KafkaConfig) {
    this.name = config.name;
    this.target = `kafka://${config.brokers.join(',')} ${config.topic}`;
    this.#config = config;
  }

  async deliver(batch: Batch, signal: AbortSignal): Promise<void> {
    const fates = batch.entries.map((): Fate => 'retry');
    try {
      await within(this.#deliver(batch.entries, fates), this.#config.timeout, signal);
    } catch (error) {
      const message = `${this.target}: ${this.#troubleOf(error)}`;
      // Nothing of what went wrong stays.
      this.#drop();
      throw new DeliveryError(message, { fates: [...fates], cause: error });
    }
    const refused = fates.find((fate) => typeof fate === 'object');
    if (refused) throw new DeliveryError(refused.refused, { fates });
  }

  /** Secrets and certificates are read for every connection. */
  reopen(): void {
    this.#drop();
  }

  close(): Promise<void> {
    this.#drop();
    return Promise.resolve();
  }

  async #deliver(entries: readonly Sendable[], fates: Fate[]): Promise<void> {
    const session = (this.#session ??= await KafkaSession.open(this.#config));
    const parts: Part[] = [{ entries, from: 0, limit: Infinity, timed: true }];
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
      const { entries, from } = part;
      try {
        await session.send(entries.map((entry) => this.#message(entry, part)));
        fates.fill('delivered', from, from + entries.length);
      } catch (error) {
        const type = typeOf(error);
        const smaller = this.#keyless(type) ? undefined : lesser(part, type);
        if (smaller === undefined) throw error;
        parts.push(...smaller);
        if (smaller.length === 0) fates[from] = { refused: `${this.target}: ${this.#troubleOf(error)}` };
      }
    }
  }

  #message(entry: Sendable, { limit, timed }: Part): Message {
    const id = recordId(entry);
    const { key, format } = this.#config;
    const source = entry.detection?.src ?? entry.kind;
    const at = entry.detection && timed ? { timestamp: String(Math.floor(entry.detection.timeUs / 1000)) } : {};
    const value = lineWithin(entry, format, limit);
    return { key: key === 'none' ? null : key === 'id' ? id : source, value, headers: { id, type: entry.kind }, ...at };
  }

  /** One line. What a broker says of a password could repeat it. */
  #troubleOf(error: unknown): string {
    const words = connectionTrouble(error);
    const type = typeOf(error);
    if (ofCluster[type] !== undefined) return ofCluster[type];
    if (this.#keyless(type)) return `${words}: is the topic a compacted one? Then set key`;
    if (words.startsWith('Broker -1 '))
      return 'a partition has no leader: its brokers are down, or are about to choose one';
    if (!(error instanceof Error) || error.name !== 'KafkaJSSASLAuthenticationError') return words;
    const { secret = '' } = this.#session ?? {};
    const said = excerpt(secret === '' ? words : words.replaceAll(secret, '***'));
    return `${said}: look at sasl.mechanism, sasl.username and sasl.password`;
  }

  /** A compacted topic refuses all records without a key: a setting, not a record that is wrong. */
  #keyless(type: string): boolean {
    return type === INVALID && this.#config.key === 'none';
  }

  #drop(): void {
    this.#session?.end();
    this.#session = undefined;
  }
}

/** What to try after an error of the records' own, last first; nothing if it is one record that is refused for good. */
function lesser(part: Part, type: string): Part[] | undefined {
  const { entries, from, limit, timed } = part;
  // The clocks differ by more than the topic allows.
  if (type === 'INVALID_TIMESTAMP' && timed) return [{ ...part, timed: false }];
  if (!perRecord.has(type)) return undefined;
  if (entries.length > 1) {
    const half = Math.ceil(entries.length / 2);
    return [
      { ...part, entries: entries.slice(half), from: from + half },
      { ...part, entries: entries.slice(0, half) },
    ];
  }
  const long = entries.some(({ bytes }) => bytes > SHORT_BYTES);
  return long && limit > SHORT_BYTES ? [{ ...part, limit: SHORT_BYTES }] : [];
}
