// SPDX-License-Identifier: Apache-2.0
// Records by HTTP POST, signed after the Standard Webhooks convention.

import { createHmac } from 'node:crypto';
import { messageOf } from '../../common/errors.js';
import type { WebhookConfig } from '../config.js';
import type { Batch } from '../entry.js';
import { Template } from '../formats/template.js';
import { readSigningKey } from '../secret.js';
import { refusalOf } from './http-answer.js';
import { HttpClient } from './http-client.js';
import { DeliveryError, type Fate, type Sink } from './sink.js';

/** The signature of a body: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; `timestamp` in seconds. */
export function signWebhook(key: Uint8Array, id: string, timestamp: number, body: string): string {
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

function keysOf({ secret, secrets }: WebhookConfig): Promise<Buffer[]> {
  return Promise.all((secrets ?? (secret ? [secret] : [])).map(readSigningKey));
}

function templateOf({ template, content_type: type }: WebhookConfig): Template | undefined {
  return template === undefined ? undefined : new Template(template, type);
}

export class WebhookSink implements Sink {
  readonly name: string;
  readonly #config: WebhookConfig;
  readonly #client: HttpClient;
  #keys: readonly Buffer[];
  #template: Template | undefined;

  private constructor(config: WebhookConfig, client: HttpClient, keys: readonly Buffer[]) {
    this.name = config.name;
    this.#config = config;
    this.#client = client;
    this.#keys = keys;
    this.#template = templateOf(config);
  }

  /** @throws IdsError OUTPUT_FAILED if a secret or the template cannot be read. */
  static async open(config: WebhookConfig): Promise<WebhookSink> {
    const keys = await keysOf(config);
    return new WebhookSink(config, await HttpClient.open({ ...config, secrets: { bearer: config.bearer } }), keys);
  }

  get target(): string {
    return this.#client.target;
  }

  async reopen(): Promise<void> {
    const keys = await keysOf(this.#config);
    const template = templateOf(this.#config);
    await this.#client.reopen();
    [this.#keys, this.#template] = [keys, template];
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async deliver(batch: Batch, signal: AbortSignal): Promise<void> {
    const body = this.#body(batch);
    const headers = this.#headers(batch.id, body);
    const request = { headers, body, gzip: this.#config.compression === 'gzip' };
    const answer = await this.#client.post(request, signal);
    if (answer.status >= 200 && answer.status < 300) return;
    throw refusalOf(this.target, answer, { settings: () => false });
  }

  /** CEF and LEEF are lines of text, the others JSON. */
  get #text(): boolean {
    return this.#config.format === 'cef' || this.#config.format === 'leef';
  }

  #body({ id, entries }: Batch): string {
    const lines = entries.map((entry) => entry.line);
    if (!this.#template) {
      if (this.#config.batch.records === 1) return lines[0] ?? '';
      return this.#text ? lines.join('\n') : `[${lines.join(',\n')}]`;
    }
    try {
      return this.#rendered(this.#template, id, lines);
    } catch (error) {
      throw this.#unrendered(this.#template, { id, entries }, messageOf(error));
    }
  }

  #rendered(template: Template, id: string, lines: readonly string[]): string {
    return template.render({ id, records: this.#text ? lines : lines.map((line): unknown => JSON.parse(line)) });
  }

  /** Which records cannot be rendered: those that cannot alone, or else all of them. */
  #unrendered(template: Template, { id, entries }: Batch, message: string): DeliveryError {
    const fates = entries.map(({ line }): Fate => {
      try {
        this.#rendered(template, id, [line]);
        return 'retry';
      } catch (error) {
        return { refused: messageOf(error) };
      }
    });
    return fates.every((fate) => fate === 'retry')
      ? new DeliveryError(message, { final: true })
      : new DeliveryError(message, { fates });
  }

  get #contentType(): string {
    if (this.#template) return this.#config.content_type;
    return this.#text ? 'text/plain; charset=utf-8' : 'application/json';
  }

  #headers(id: string, body: string): Record<string, string> {
    const { bearer } = this.#client.secrets;
    const timestamp = Math.floor(Date.now() / 1000);
    const signatures = this.#keys.map((key) => signWebhook(key, id, timestamp, body));
    return {
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      'content-type': this.#contentType,
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      ...(signatures.length > 0 && { 'webhook-signature': signatures.join(' ') }),
    };
  }
}
