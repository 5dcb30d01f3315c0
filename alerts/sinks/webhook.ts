// SPDX-License-Identifier: Apache-2.0
// Records by HTTP POST, signed after the Standard Webhooks convention.

import { createHmac } from 'node:crypto';
import type * as Undici from 'undici';
import { messageOf } from '../../common/errors.js';
import type { WebhookConfig } from '../config.js';
import type { Batch } from '../entry.js';
import { readSecret, readSigningKey } from '../secret.js';
import { DeliveryError, type Sink } from './sink.js';

/** The signature of a body: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; `timestamp` in seconds. */
export function signWebhook(key: Uint8Array, id: string, timestamp: number, body: string): string {
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

/** Milliseconds that a Retry-After header asks for: seconds or a date (RFC 9110, 10.2.3); 0 for anything else. */
export function retryAfterMs(header: string | undefined, now = Date.now()): number {
  if (header === undefined) return 0;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}

// Refusals that pass: request timeout, too early, too many requests.
const passing4xx: ReadonlySet<number> = new Set([408, 425, 429]);
const BODY_MAX = 65_536;

interface Secrets {
  readonly key: Buffer | undefined;
  readonly bearer: string | undefined;
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

export class WebhookSink implements Sink {
  readonly name: string;
  readonly target: string;
  readonly #config: WebhookConfig;
  readonly #agent: Undici.Agent;
  readonly #request: typeof Undici.request;
  #secrets: Secrets;

  private constructor(config: WebhookConfig, secrets: Secrets, { Agent, request }: typeof Undici) {
    const url = new URL(config.url);
    this.name = config.name;
    // A query may hold a token, and with many services the path is one: neither is shown.
    this.target = `${url.origin}${url.pathname === '/' ? '/' : '/...'}`;
    this.#config = config;
    this.#secrets = secrets;
    this.#request = request;
    const { timeout } = config;
    this.#agent = new Agent({ connections: 1, connect: { timeout }, headersTimeout: timeout, bodyTimeout: timeout });
  }

  /** @throws IdsError OUTPUT_FAILED if a secret cannot be read. */
  static async open(config: WebhookConfig): Promise<WebhookSink> {
    // Who has no webhook starts without the library.
    return new WebhookSink(config, await secretsOf(config), await import('undici'));
  }

  async reopen(): Promise<void> {
    this.#secrets = await secretsOf(this.#config);
  }

  async deliver(batch: Batch, signal: AbortSignal): Promise<void> {
    const lines = batch.entries.map((entry) => entry.line);
    const body =
      this.#config.batch.records === 1 ? (lines[0] ?? '') : this.#text ? lines.join('\n') : `[${lines.join(',\n')}]`;
    const { status, retryAfter } = await this.#within(signal, (limit) => this.#post(batch.id, body, limit));
    if (status >= 200 && status < 300) return;
    throw this.#refusal(status, retryAfter);
  }

  /** CEF and LEEF are lines of text, the others JSON. */
  get #text(): boolean {
    return this.#config.format === 'cef' || this.#config.format === 'leef';
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  /** Runs a request within the timeout. (AbortSignal.any would leave a trace on the long-lived signal every time.) */
  async #within<T>(signal: AbortSignal, run: (limit: AbortSignal) => Promise<T>): Promise<T> {
    const { timeout } = this.#config;
    const limit = new AbortController();
    const aborted = (): void => limit.abort(new Error('given up'));
    const timer = setTimeout(() => limit.abort(new Error(`timeout: no answer within ${timeout / 1000} s`)), timeout);
    signal.addEventListener('abort', aborted, { once: true });
    try {
      signal.throwIfAborted();
      return await run(limit.signal);
    } catch (error) {
      throw new DeliveryError(`${this.target}: ${messageOf(error)}`, { cause: error });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
    }
  }

  async #post(id: string, body: string, signal: AbortSignal): Promise<Answer> {
    const headers = this.#headers(id, body);
    const response = await this.#request(this.#config.url, {
      method: 'POST',
      dispatcher: this.#agent,
      headers,
      body,
      signal,
    });
    // The verdict is in the status line; the body is only read to keep the connection.
    await response.body.dump({ limit: BODY_MAX, signal }).catch(() => undefined);
    const retryAfter = response.headers['retry-after'];
    return { status: response.statusCode, retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined };
  }

  #headers(id: string, body: string): Record<string, string> {
    const { key, bearer } = this.#secrets;
    const timestamp = Math.floor(Date.now() / 1000);
    return {
      'user-agent': 'ids',
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      ...this.#config.headers,
      'content-type': this.#text ? 'text/plain; charset=utf-8' : 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      ...(key && { 'webhook-signature': signWebhook(key, id, timestamp, body) }),
    };
  }

  #refusal(status: number, retryAfter: string | undefined): DeliveryError {
    if (status >= 300 && status < 400) {
      const remedy = 'redirects are not followed: configure the final URL';
      return new DeliveryError(`${this.target}: answered ${status}; ${remedy}`, { final: true });
    }
    const final = status >= 400 && status < 500 && !passing4xx.has(status);
    return new DeliveryError(`${this.target}: answered ${status}`, { final, retryAfterMs: retryAfterMs(retryAfter) });
  }
}

async function secretsOf(config: WebhookConfig): Promise<Secrets> {
  return {
    key: config.secret && (await readSigningKey(config.secret)),
    bearer: config.bearer && (await readSecret(config.bearer)),
  };
}
