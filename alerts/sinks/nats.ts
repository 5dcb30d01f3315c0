// SPDX-License-Identifier: Apache-2.0
// Records to a stream of NATS JetStream. The id of the record, and the subject, are the message's: what is sent twice is
// stored once, within the stream's window for duplicates.

import type { JetStreamClient } from '@nats-io/jetstream';
import type * as Nats from '@nats-io/transport-node';
import { IdsError, messageOf } from '../../common/errors.js';
import type { SecretSource } from '../config.js';
import type { NatsConfig } from '../config/nats.js';
import type { Batch, Sendable } from '../entry.js';
import { placeOf, readSecret } from '../secret.js';
import { readTls } from '../tls-files.js';
import { lineWithin } from './line-within.js';
import { recordId } from './record-facts.js';
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
    // What we may do belongs to the secret, which is read for every connection.
    if (forbidden(failed.reason)) await this.#drop();
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
    // A stream looks for duplicates in all of its subjects, and the same record may go to several of them.
    const msgID = `${recordId(entry)}.${subject}`;
    return js.publish(subject, lineWithin(entry, format, room), { msgID, timeout });
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
      // They cost a third of what a record does.
      noAsyncTraces: true,
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
    if (nkey) return { authenticator: await signer(nkey, nats.nkeyAuthenticator, 'an NKey seed (SU…)') };
    if (credentials) {
      const what = 'a .creds file, with the JWT and the NKey seed of a user';
      return { authenticator: await signer(credentials, nats.credsAuthenticator, what) };
    }
    return {};
  }

  async #drop(): Promise<void> {
    const { nc } = this.#connection ?? {};
    this.#connection = undefined;
    await nc?.close().catch(() => undefined);
  }
}

/** What signs the challenge of a server. @throws IdsError OUTPUT_FAILED, without the secret, if it cannot be used */
async function signer(
  source: SecretSource,
  make: (secret: Uint8Array) => Nats.Authenticator,
  what: string,
): Promise<Nats.Authenticator> {
  const text = (await readSecret(source)).replaceAll('\r\n', '\n');
  // The library wants a newline behind the last line, too.
  const authenticator = make(Buffer.from(text.includes('\n') ? `${text}\n` : text));
  try {
    authenticator('');
  } catch (error) {
    throw new IdsError('OUTPUT_FAILED', `no use in ${placeOf(source)}: ${what} is needed`, { cause: error });
  }
  return authenticator;
}

function forbidden(error: unknown): boolean {
  const name = (one: unknown): string => (one instanceof Error ? one.name : '');
  return [error, error instanceof Error && error.cause].some((one) => name(one) === 'PermissionViolationError');
}

/** One line; what JetStream leaves unsaid is said. */
function troubleOf(error: unknown): string {
  const name = error instanceof Error ? error.name : '';
  if (name === 'JetStreamNotEnabled' || name === 'NoRespondersError') {
    return 'no stream takes this subject: make one there (nats stream add), and look whether JetStream is on';
  }
  if (name === 'AuthorizationError') return 'the server refuses us: look at username, token, nkey or credentials';
  if (name === 'UserAuthenticationExpiredError') return 'our credentials have expired: put new ones there';
  // Its library's words for a socket that was closed without an error.
  if (/node provided an undefined error$/.test(messageOf(error))) return 'the server closed the connection';
  return connectionTrouble(error);
}
