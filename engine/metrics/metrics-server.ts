// SPDX-License-Identifier: Apache-2.0
// The endpoint that Prometheus scrapes: GET /metrics and nothing else, for a few at a time and within a few seconds.

import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { readSecret } from '../../alerts/index.js';
import { IdsError, messageOf } from '../../common/errors.js';
import type { ListenAddress, MetricsConfig } from '../config/metrics-schema.js';
import type { Collector } from './collector.js';

const MAX_CONNECTIONS = 16;
const REQUEST_MS = 10_000;
const SCRAPE_MS = 5000;
const MAX_HEADER_BYTES = 8192;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Secrets of the endpoint, read from their files. */
interface Credentials {
  /** Hash of what stands behind `Authorization:`. */
  readonly expected?: Buffer;
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
}

async function credentials({ token, tls }: MetricsConfig): Promise<Credentials> {
  const read = token && (await readSecret(token));
  return {
    ...(read === undefined ? {} : { expected: digest(`Bearer ${read}`) }),
    ...(tls ? { tls: { cert: readFileSync(tls.cert), key: readFileSync(tls.key) } } : {}),
  };
}

/** Where the metrics come from. */
type Source = Pick<Collector, 'text' | 'contentType' | 'close'>;

const failed = (what: string, error: unknown): IdsError =>
  new IdsError('METRICS_FAILED', `metrics: ${what}: ${messageOf(error)}`, { cause: error });

export class MetricsServer {
  readonly #config: MetricsConfig;
  readonly #collector: Source;
  readonly #server: Server | TlsServer;
  #expected: Buffer | undefined;

  private constructor(config: MetricsConfig, collector: Source, { expected, tls }: Credentials) {
    this.#config = config;
    this.#collector = collector;
    this.#expected = expected;
    const options = { maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS };
    const answer = (request: IncomingMessage, response: ServerResponse): void => void this.#answer(request, response);
    this.#server = tls
      ? createTlsServer({ ...options, ...tls, minVersion: 'TLSv1.2' }, answer)
      : createServer(options, answer);
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.unref();
  }

  /** @throws IdsError METRICS_FAILED */
  static async open(config: MetricsConfig, listen: ListenAddress, collector: Source): Promise<MetricsServer> {
    let server: MetricsServer;
    try {
      server = new MetricsServer(config, collector, await credentials(config));
    } catch (error) {
      throw failed('token or certificate', error);
    }
    await new Promise<void>((resolve, reject) => {
      const onError = (error: Error): void =>
        reject(failed(`cannot listen on ${listen.host} port ${listen.port}; choose another metrics.listen`, error));
      server.#server.once('error', onError);
      server.#server.listen(listen.port, listen.host, () => {
        server.#server.off('error', onError);
        resolve();
      });
    });
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Reads token and certificate anew; what cannot be read stays as it was. @throws IdsError METRICS_FAILED */
  async reload(): Promise<void> {
    try {
      const { expected, tls } = await credentials(this.#config);
      if (tls) (this.#server as TlsServer).setSecureContext({ ...tls, minVersion: 'TLSv1.2' });
      this.#expected = expected;
    } catch (error) {
      throw failed('token or certificate', error);
    }
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
    this.#collector.close();
  }

  #permits({ headers }: IncomingMessage): boolean {
    return this.#expected === undefined || timingSafeEqual(digest(headers.authorization ?? ''), this.#expected);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const say = (status: number, text: string, headers: Record<string, string> = {}): void =>
      void response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers }).end(text);
    // Nobody has anything to send here.
    request.resume();
    if (!this.#permits(request)) return say(401, 'a bearer token is needed\n', { 'www-authenticate': 'Bearer' });
    const [path] = (request.url ?? '').split('?');
    if (path !== '/metrics') return say(404, 'metrics are at /metrics\n');
    if (request.method !== 'GET' && request.method !== 'HEAD') return say(405, 'GET it\n', { allow: 'GET, HEAD' });
    let timer: NodeJS.Timeout | undefined;
    try {
      const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), SCRAPE_MS)));
      const text = await Promise.race([this.#collector.text(), late]);
      if (text === undefined) return say(503, 'it takes too long\n');
      say(200, request.method === 'HEAD' ? '' : text, { 'content-type': this.#collector.contentType });
    } catch (error) {
      say(500, `${messageOf(error)}\n`);
    } finally {
      clearTimeout(timer);
    }
  }
}
