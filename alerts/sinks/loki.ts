// SPDX-License-Identifier: Apache-2.0
// Grafana Loki: the push API in JSON (grafana.com/docs/loki: "Loki HTTP API, ingest logs").

import type { LokiConfig } from '../config/loki.js';
import type { Sendable } from '../entry.js';
import { refusalOf, type HttpAnswer } from './http-answer.js';
import { HttpClient } from './http-client.js';
import { HttpSink, partly, succeeded } from './http-sink.js';
import { timeUsOf } from './record-facts.js';
import type { DeliveryError } from './sink.js';

/** Streams by event_type, entries by time: nanoseconds as text. */
export function lokiBody(entries: readonly Sendable[], labels: LokiConfig['labels']): string {
  const streams = new Map<string, [number, string][]>();
  for (const entry of entries) {
    const values = streams.get(entry.kind) ?? [];
    streams.set(entry.kind, values);
    values.push([timeUsOf(entry), entry.line]);
  }
  return JSON.stringify({
    streams: [...streams].map(([kind, values]) => ({
      stream: { ...labels, event_type: kind },
      values: values.sort(([a], [b]) => a - b).map(([us, line]) => [`${us}000`, line]),
    })),
  });
}

export class LokiSink extends HttpSink {
  readonly #config: LokiConfig;

  private constructor(config: LokiConfig, client: HttpClient) {
    super(config.name, client);
    this.#config = config;
  }

  /** @throws IdsError OUTPUT_FAILED if a secret cannot be read */
  static async open(config: LokiConfig): Promise<LokiSink> {
    return new LokiSink(config, await HttpClient.open({ ...config, secrets: { bearer: config.bearer } }));
  }

  protected async send(entries: readonly Sendable[], signal: AbortSignal): Promise<void> {
    const { labels, tenant, compression } = this.#config;
    const { bearer } = this.client.secrets;
    const answer = await this.client.post(
      {
        path: this.pathOr('/loki/api/v1/push'),
        headers: {
          'content-type': 'application/json',
          ...(tenant !== undefined && { 'x-scope-orgid': tenant }),
          ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        },
        body: lokiBody(entries, labels),
        gzip: compression === 'gzip',
      },
      signal,
    );
    if (!succeeded(answer)) throw this.#refusal(answer, entries.length);
  }

  /** It takes the good entries of a push that has bad ones (out of order, too old), and tells how many those were. */
  #refusal(answer: HttpAnswer, total: number): DeliveryError {
    const failure = refusalOf(this.target, answer, { said: answer.text });
    const ignored = /total ignored: (\d{1,9}) out of (\d{1,9})/.exec(answer.text);
    if (!failure.final || !ignored || Number(ignored[2]) !== total) return failure;
    return partly(failure.message, total, Number(ignored[1]));
  }
}
