// SPDX-License-Identifier: Apache-2.0
// Records to a stream of NATS JetStream. The id of the record is the message's: what is sent twice is stored once, within
// the stream's window for duplicates.

import type { JetStreamClient } from '@nats-io/jetstream';
import type * as Nats from '@nats-io/transport-node';
import { messageOf } from '../../common/errors.js';
import type { NatsConfig } from '../config/nats.js';
import type { Batch, Sendable } from '../entry.js';
import { readSecret } from '../secret.js';
import { readTls } from '../tls-files.js';
import { lineWithin } from './line-within.js';
import { recordId } from './record-id.js';
import { DeliveryError, type Fate, type Sink } from './sink.js';
import { connectionTrouble } from './tls-trouble.js';
import { within } from './within.js';

interface Connection {
  readonly nc: Nats.NatsConnection;
  readonly js: JetStreamClient;
}

/** Of a message: its headers (one id), beside the record. */
const HEADERS = 256;

export class NatsSink implements Sink {
  readonly name: string;
  readonly target: string;
  readonly #config: NatsConfig;
  #connection: Connection | undefined;

  constructor(config: NatsConfig) {
    this.name = config.name;
    this.target = `nats://${config.servers.join(',')} ${config.subject}`;
    this.#config = config;
  }

  async deliver(batch: Batch, signal: AbortSignal): Promise<void> {
    const { timeout } = this.#config;
    let answers: PromiseSettledResult<unknown>[];
    try {
      const { js, nc } = await this.#connected(signal);
      const room = (nc.info?.max_payload ?? 1_048_576) - HEADERS;
      const sent = batch.entries.map((entry) => this.#publish(js, entry, room));
      answers = await within(Promise.allSettled(sent), timeout + 1000, signal);
    } catch (error) {
      await this.#drop();
      throw new DeliveryError(`${this.target}: ${troubleOf(error)}`, { cause: error });
    }
    const failed = answers.find((answer) => answer.status === 'rejected');
    if (!failed) return;
    const fates = answers.map(({ status }): Fate => (status === 'fulfilled' ? 'delivered' : 'retry'));
    throw new DeliveryError(`${this.target}: ${troubleOf(failed.reason)}`, { fates, cause: failed.reason });
  }

  /** Secrets and certificates are read for every connection. */
  reopen(): Promise<void> {
    return this.#drop();
  }

  close(): Promise<void> {
    return this.#drop();
  }

  #publish(js: JetStreamClient, entry: Sendable, room: number): Promise<unknown> {
    const { subject, timeout, format } = this.#config;
    return js.publish(subject, lineWithin(entry, format, room), { msgID: recordId(entry), timeout });
  }

  async #connected(signal: AbortSignal): Promise<Connection> {
    if (this.#connection && !this.#connection.nc.isClosed()) return this.#connection;
    const { servers, tls, timeout } = this.#config;
    const [nats, { jetstream }] = await Promise.all([import('@nats-io/transport-node'), import('@nats-io/jetstream')]);
    const { servername, ...files } = await readTls(tls);
    const connecting = nats.connect({
      servers: [...servers],
      name: 'ids',
      // What is lost is tried again from the outbox, and nowhere else.
      reconnect: false,
      maxReconnectAttempts: 1,
      ignoreClusterUpdates: true,
      timeout,
      ...(tls ? { tls: { ...files, ...(servername === undefined ? {} : { servername }) } as Nats.TlsOptions } : {}),
      ...(await this.#authentication(nats)),
    });
    let nc: Nats.NatsConnection;
    try {
      nc = await within(connecting, timeout * servers.length + 1000, signal);
    } catch (error) {
      // One that comes too late is closed again.
      void connecting.then((late) => late.close()).catch(() => undefined);
      throw error;
    }
    return (this.#connection = { nc, js: jetstream(nc) });
  }

  async #authentication(nats: typeof Nats): Promise<Nats.ConnectionOptions> {
    const { username, password, token, nkey, credentials } = this.#config;
    if (username !== undefined && password) return { user: username, pass: await readSecret(password) };
    if (token) return { token: await readSecret(token) };
    const bytes = async (source: NonNullable<typeof nkey>): Promise<Uint8Array> =>
      Buffer.from(await readSecret(source));
    if (nkey) return { authenticator: nats.nkeyAuthenticator(await bytes(nkey)) };
    if (credentials) return { authenticator: nats.credsAuthenticator(await bytes(credentials)) };
    return {};
  }

  async #drop(): Promise<void> {
    const { nc } = this.#connection ?? {};
    this.#connection = undefined;
    await nc?.close().catch(() => undefined);
  }
}

/** One line; what JetStream leaves unsaid is said. */
function troubleOf(error: unknown): string {
  const name = error instanceof Error ? error.name : '';
  if (name === 'JetStreamNotEnabled' || name === 'NoRespondersError') {
    return 'no stream takes this subject: make one there (nats stream add), and look whether JetStream is on';
  }
  if (name === 'AuthorizationError') return 'the server refuses us: look at username, token, nkey or credentials';
  // Its library's words for a socket that was closed without an error.
  if (/node provided an undefined error$/.test(messageOf(error))) return 'the server closed the connection';
  return connectionTrouble(error);
}
