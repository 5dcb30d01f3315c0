// SPDX-License-Identifier: Apache-2.0
// What outputs of one kind of receiver over HTTP share.

import type { Batch, Sendable } from '../entry.js';
import type { HttpAnswer } from './http-answer.js';
import type { HttpClient } from './http-client.js';
import { InParts } from './in-parts.js';
import { DeliveryError, type Fate, type Sink } from './sink.js';

export abstract class HttpSink implements Sink {
  readonly name: string;
  protected readonly client: HttpClient;

  readonly #parts = new InParts();

  constructor(name: string, client: HttpClient) {
    this.name = name;
    this.client = client;
  }

  /** One request: a batch, or a part of one. */
  protected abstract send(entries: readonly Sendable[], signal: AbortSignal): Promise<void>;

  deliver({ entries }: Batch, signal: AbortSignal): Promise<void> {
    return this.#parts.send(entries, (part) => this.send(part, signal));
  }

  get target(): string {
    return this.client.target;
  }

  reopen(): Promise<void> {
    this.#parts.forget();
    return this.client.reopen();
  }

  close(): Promise<void> {
    return this.client.close();
  }

  /** A path below that of the configured URL, which may end in a slash or not. */
  protected below(path: string): string {
    return `${this.client.url.pathname.replace(/\/+$/, '')}${path}`;
  }

  /** A path, where the configured URL has none. */
  protected pathOr(path: string): string {
    const { pathname, search } = this.client.url;
    return pathname === '/' && search === '' ? path : `${pathname}${search}`;
  }
}

export function succeeded({ status }: HttpAnswer): boolean {
  return status >= 200 && status < 300;
}

/** An object from an answer. @throws DeliveryError, not final, if it is something else */
export function objectOf(target: string, { text }: HttpAnswer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // As below.
  }
  throw new DeliveryError(`${target}: the answer is no JSON object`);
}

/**
 * The receiver has dropped `rejected` of `total` records and did not say which: none is sent again. Of a whole batch there
 * are dead letters.
 */
export function partly(message: string, total: number, rejected: number): DeliveryError {
  if (rejected >= total) return new DeliveryError(message, { final: true });
  const fates = Array.from({ length: total }, (_, i): Fate => (i < total - rejected ? 'delivered' : 'lost'));
  return new DeliveryError(message, { fates });
}
