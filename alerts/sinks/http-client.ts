// SPDX-License-Identifier: Apache-2.0
// The transport of all outputs over HTTP: one receiver, its TLS, proxy and headers, bounded in time and size.

import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type * as Undici from 'undici';
import { messageOf } from '../../common/errors.js';
import { retryAfterMs, type HttpAnswer } from './http-answer.js';
import { openReceiver, type HttpReceiver, type OpenedReceiver } from './http-receiver.js';
import { isPrivateAddress, refusePrivate } from './private-address.js';
import { DeliveryError, TookTooLong } from './sink.js';

const zip = promisify(gzip);

/** So much of an answer is read where only its status counts. */
const WORDS_MAX = 65_536;

export interface HttpRequest {
  /** Another place at the same receiver. */
  readonly path?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly gzip?: boolean;
  /** Bytes of the answer that are needed, all of it; without it a broken answer counts by its status. */
  readonly answer?: number;
}

/** What went wrong below HTTP, in words: of several addresses each. */
function causeOf(error: unknown): string {
  const several = error instanceof AggregateError ? error.errors.map(messageOf).join(', ') : '';
  return several === '' ? messageOf(error) : several;
}

export class HttpClient {
  readonly #receiver: HttpReceiver;
  readonly #undici: typeof Undici;
  #opened: OpenedReceiver;

  private constructor(receiver: HttpReceiver, undici: typeof Undici, opened: OpenedReceiver) {
    this.#receiver = receiver;
    this.#undici = undici;
    this.#opened = opened;
  }

  /** @throws IdsError OUTPUT_FAILED if a secret, certificate or key cannot be read */
  static async open(receiver: HttpReceiver): Promise<HttpClient> {
    // Who has no output over HTTP starts without the library.
    const undici = await import('undici');
    return new HttpClient(receiver, undici, await openReceiver(receiver, undici));
  }

  /** Where it goes, for people: a query may hold a token, and with many services the path is one. */
  get target(): string {
    const { origin, pathname } = this.#opened.url;
    return `${origin}${pathname === '/' ? '/' : '/...'}`;
  }

  get url(): URL {
    return this.#opened.url;
  }

  /** The secrets by their names, as they were read last. */
  get secrets(): Readonly<Record<string, string>> {
    return this.#opened.secrets;
  }

  /** Reads secrets, certificates and keys anew; if that fails the former ones stay. @throws IdsError OUTPUT_FAILED */
  async reopen(): Promise<void> {
    const former = this.#opened;
    this.#opened = await openReceiver(this.#receiver, this.#undici);
    // A request that is on its way still gets its answer.
    void former.agent.close().catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#opened.agent.destroy();
  }

  /** @throws DeliveryError, not final, if there is no answer. */
  async post(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { timeout } = this.#receiver;
    const limit = new AbortController();
    // (AbortSignal.any would leave a trace on the long-lived signal every time.)
    const aborted = (): void => limit.abort(new Error('given up'));
    const late = new TookTooLong(`timeout: no answer within ${timeout / 1000} s`);
    const timer = setTimeout(() => limit.abort(late), timeout);
    signal.addEventListener('abort', aborted, { once: true });
    try {
      signal.throwIfAborted();
      return await this.#post(request, limit.signal);
    } catch (error) {
      throw new DeliveryError(this.hush(`${this.target}: ${causeOf(error)}`), { cause: error });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
    }
  }

  /** Text from elsewhere without our secrets. */
  hush(text: string): string {
    return this.#opened.hidden.reduce((left, secret) => left.replaceAll(secret, '***'), text);
  }

  async #post({ path, headers, body, gzip: packed, answer }: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { url, agent, headers: own } = this.#opened;
    if (this.#receiver.private_addresses === 'deny' && isPrivateAddress(url.hostname)) {
      throw refusePrivate(url.hostname);
    }
    const response = await this.#undici.request(path === undefined ? url : new URL(path, url), {
      method: 'POST',
      dispatcher: agent,
      headers: { 'user-agent': 'ids', ...own, ...headers, ...(packed === true && { 'content-encoding': 'gzip' }) },
      body: packed === true ? await zip(body) : body,
      signal,
    });
    const read = await this.#read(response.body, answer ?? WORDS_MAX);
    if (answer !== undefined && !read.whole) throw new Error('the answer broke off, or is too long');
    const retryAfter = response.headers['retry-after'];
    return {
      status: response.statusCode,
      text: this.hush(read.text),
      whole: read.whole,
      retryAfterMs: retryAfterMs(typeof retryAfter === 'string' ? retryAfter : undefined),
    };
  }

  /** The first `max` bytes; the connection is given up if there are more. */
  async #read(body: AsyncIterable<Buffer>, max: number): Promise<Pick<HttpAnswer, 'text' | 'whole'>> {
    const chunks: Buffer[] = [];
    let size = 0;
    let whole = true;
    try {
      for await (const chunk of body) {
        size += chunk.length;
        chunks.push(chunk);
        if (size > max) break;
      }
    } catch {
      whole = false;
    }
    return { text: Buffer.concat(chunks).subarray(0, max).toString(), whole: whole && size <= max };
  }
}
