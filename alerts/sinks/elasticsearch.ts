// SPDX-License-Identifier: Apache-2.0
// Elasticsearch and OpenSearch: the bulk API (elastic.co/docs/api: "Bulk index or delete documents"), each record created
// under an id of its own, so that one that comes twice is there once.

import type { ElasticsearchConfig } from '../config/elasticsearch.js';
import type { Sendable } from '../entry.js';
import { excerpt, refusalOf } from './http-answer.js';
import { HttpClient } from './http-client.js';
import { HttpSink, objectOf, succeeded } from './http-sink.js';
import { isoOf, recordId, timeUsOf } from './record-facts.js';
import { DeliveryError, type Fate } from './sink.js';

/** An item's error may repeat a part of its record. */
const ANSWER_MAX = 16 << 20;
/** Refusals of an item that pass, or tell of a setting: no right, a read-only or missing index, too many requests. */
const later: ReadonlySet<number> = new Set([401, 403, 404, 408, 429]);

/** The index of a record. */
export function indexOf(pattern: string, timeUs: number): string {
  const iso = isoOf(timeUs);
  const parts: Record<string, string> = {
    '%Y': iso.slice(0, 4),
    '%m': iso.slice(5, 7),
    '%d': iso.slice(8, 10),
    '%H': iso.slice(11, 13),
  };
  return pattern.replace(/%[YmdH]/g, (part) => parts[part] ?? part);
}

/** Two lines: what to do, and the document. */
export function bulkItem(entry: Sendable, { index, format }: Pick<ElasticsearchConfig, 'index' | 'format'>): string {
  const us = timeUsOf(entry);
  const action = { create: { _index: indexOf(index, us), _id: recordId(entry) } };
  const document = format === 'ecs' ? entry.line : `{"@timestamp":"${isoOf(us)}",${entry.line.slice(1)}`;
  return `${JSON.stringify(action)}\n${document}\n`;
}

interface Item {
  readonly status?: unknown;
  readonly error?: { readonly type?: unknown; readonly reason?: unknown; readonly caused_by?: { reason?: unknown } };
}

/** What became of an item. @throws DeliveryError if that cannot be told */
export function fateOfItem(item: unknown): Fate {
  const { status, error } = (item as { create?: Item } | null)?.create ?? {};
  if (typeof status !== 'number') throw new DeliveryError('an item of the answer has no status');
  // 409: it is there already.
  if ((status >= 200 && status < 300) || status === 409) return 'delivered';
  if (status >= 500 || later.has(status)) return 'retry';
  return { refused: `answered ${status}: ${wordsOf(error)}` };
}

function wordsOf(error: Item['error']): string {
  const words = [error?.type, error?.reason, error?.caused_by?.reason].filter((word) => typeof word === 'string');
  return excerpt(words.join(': '));
}

export class ElasticsearchSink extends HttpSink {
  readonly #config: ElasticsearchConfig;

  private constructor(config: ElasticsearchConfig, client: HttpClient) {
    super(config.name, client);
    this.#config = config;
  }

  /** @throws IdsError OUTPUT_FAILED if a secret cannot be read */
  static async open(config: ElasticsearchConfig): Promise<ElasticsearchSink> {
    return new ElasticsearchSink(config, await HttpClient.open({ ...config, secrets: { api_key: config.api_key } }));
  }

  protected async send(entries: readonly Sendable[], signal: AbortSignal): Promise<void> {
    const { pipeline, compression } = this.#config;
    const { api_key: key } = this.client.secrets;
    const wanted =
      'filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason';
    const through = pipeline === undefined ? '' : `&pipeline=${encodeURIComponent(pipeline)}`;
    const answer = await this.client.post(
      {
        path: `${this.below('/_bulk')}?${wanted}${through}`,
        headers: {
          'content-type': 'application/x-ndjson',
          ...(key !== undefined && { authorization: `ApiKey ${key}` }),
        },
        body: entries.map((entry) => bulkItem(entry, this.#config)).join(''),
        gzip: compression === 'gzip',
        answer: ANSWER_MAX,
      },
      signal,
    );
    if (!succeeded(answer)) throw refusalOf(this.target, answer, { said: answer.text });
    const { items } = objectOf(this.target, answer);
    if (!Array.isArray(items) || items.length !== entries.length) {
      throw new DeliveryError(`${this.target}: the answer does not have an item for each record`);
    }
    this.#judge(items);
  }

  #judge(items: readonly unknown[]): void {
    const fates = items.map(fateOfItem);
    const at = fates.findIndex((fate) => fate !== 'delivered');
    if (at < 0) return;
    const taken = fates.filter((fate) => fate === 'delivered').length;
    const { status, error } = (items[at] as { create: Item }).create;
    const first = `${String(status)}: ${wordsOf(error)}`;
    const message = `${this.target}: took ${taken} of ${items.length} records; the first other one: answered ${first}`;
    throw new DeliveryError(message, { fates });
  }
}
