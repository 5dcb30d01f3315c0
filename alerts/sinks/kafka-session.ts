// SPDX-License-Identifier: Apache-2.0
// A connection to a cluster of Kafka's: a producer of kafkajs, and the sockets that it opens.

import { createRequire } from 'node:module';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import kafkajs from 'kafkajs';
import type { ICustomPartitioner, Message, Producer, SASLOptions } from 'kafkajs';
import type { KafkaConfig } from '../config/kafka.js';
import { readSecret } from '../secret.js';
import { readTls } from '../tls-files.js';
import { framed } from './kafka-frames.js';

const ALL_IN_SYNC = -1;
const CONNECT_MS = 5000;
const OVER = 'the session is over';

export class KafkaSession {
  /** What must be in no message. */
  readonly secret: string | undefined;
  readonly #config: KafkaConfig;
  readonly #sockets = new Set<Socket>();
  readonly #producer: Producer;
  readonly #connected: Promise<void>;
  #ended = false;

  private constructor(config: KafkaConfig, files: ConnectionOptions | undefined, password: string | undefined) {
    const { brokers, sasl, timeout } = config;
    this.#config = config;
    this.secret = password;
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
        this.#sockets.add(socket);
        socket.once('close', () => this.#sockets.delete(socket));
        // The library tries on for a while when the session is over.
        return this.#ended ? socket.destroy(new Error(OVER)) : framed(socket);
      },
      ...(files ? { ssl: files } : {}),
      ...(sasl ? { sasl: { mechanism: sasl.mechanism, username: sasl.username, password } as SASLOptions } : {}),
    });
    this.#producer = client.producer({
      maxInFlightRequests: 1,
      allowAutoTopicCreation: true,
      createPartitioner: steadyPartitioner,
    });
    this.#connected = this.#producer.connect();
    this.#connected.catch(() => undefined);
  }

  /** Reads secrets and certificates. @throws IdsError OUTPUT_FAILED if one cannot be read */
  static async open(config: KafkaConfig): Promise<KafkaSession> {
    const { tls, sasl } = config;
    return new KafkaSession(config, tls && (await readTls(tls)), sasl && (await readSecret(sasl.password)));
  }

  /** Resolves when all replicas in sync have every one of the messages. */
  async send(messages: Message[]): Promise<void> {
    await this.#connected;
    const { topic, compression, timeout } = this.#config;
    for (let left = messages; left.length > 0;) {
      const answers = await this.#producer.send({
        topic,
        acks: ALL_IN_SYNC,
        timeout,
        compression: compression === 'gzip' ? kafkajs.CompressionTypes.GZIP : kafkajs.CompressionTypes.None,
        messages: left,
      });
      // What a try left over, kafkajs 2.2.4 sends to brokers alone that have not answered yet. A partition whose new leader
      // has is forgotten, and it says that all is well.
      const taken = new Set<number | undefined>(answers.map(({ partition }) => partition));
      const rest = left.filter(({ partition }) => !taken.has(partition));
      if (rest.length === left.length) throw new Error('no partition has been acknowledged');
      left = rest;
    }
  }

  /** Ends what the library would leave open with a receiver that hangs. */
  end(): void {
    this.#ended = true;
    void this.#producer.disconnect().catch(() => undefined);
    // Without an error the library would wait for each until its time is up.
    for (const socket of this.#sockets) socket.destroy(new Error(OVER));
  }
}

/** As Kafka's own clients choose, but once: kafkajs asks anew for every try, and sends a part to brokers that have it. */
const steadyPartitioner: ICustomPartitioner = () => {
  const choose = kafkajs.Partitioners.DefaultPartitioner();
  return (choice) => (choice.message.partition ??= choose(choice));
};

interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests: (this: RequestQueue) => void;
}

/** kafkajs 2.2.4 looks through its queues every millisecond, also where nothing waits: 5 % of a core at rest. */
function restWhenIdle(): void {
  const module = 'kafkajs/src/network/requestQueue/index.js';
  const { prototype } = createRequire(import.meta.url)(module) as { prototype: RequestQueue };
  const look = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.pending.length > 0) look.call(this);
  };
}
restWhenIdle();

function socketTo(host: string, port: number, files: ConnectionOptions | undefined, onConnect: () => void): Socket {
  const name = isIP(host) === 0 ? { servername: host } : {};
  const socket = files
    ? connectTls({ host, port, ...name, ...files }, onConnect)
    : connectTcp({ host, port }, onConnect);
  return socket.setKeepAlive(true, CONNECT_MS);
}
