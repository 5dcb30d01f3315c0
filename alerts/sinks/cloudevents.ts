// SPDX-License-Identifier: Apache-2.0
// CloudEvents 1.0.2 over HTTP, in structured or batched content mode (cloudevents/spec: http-protocol-binding.md,
// json-format.md).

import { hostname } from 'node:os';
import type { CloudeventsConfig } from '../config/cloudevents.js';
import type { Sendable } from '../entry.js';
import { signatureOf } from '../formats/facts.js';
import { refusalOf } from './http-answer.js';
import { HttpClient } from './http-client.js';
import { HttpSink, succeeded } from './http-sink.js';
import { isoOf, recordId, timeUsOf } from './record-facts.js';

/** One event in JSON; `data` is the record. */
export function cloudEvent(entry: Sendable, config: Pick<CloudeventsConfig, 'source' | 'type_prefix'>): string {
  const { source = `/ids/${hostname()}`, type_prefix: prefix } = config;
  const { detection, kind } = entry;
  const about = JSON.stringify({
    specversion: '1.0',
    id: recordId(entry),
    source,
    type: `${prefix}.${kind}`,
    ...(detection && { subject: signatureOf(detection) }),
    time: isoOf(timeUsOf(entry)),
    datacontenttype: 'application/json',
  });
  return `${about.slice(0, -1)},"data":${entry.line}}`;
}

export class CloudeventsSink extends HttpSink {
  readonly #config: CloudeventsConfig;

  private constructor(config: CloudeventsConfig, client: HttpClient) {
    super(config.name, client);
    this.#config = config;
  }

  /** @throws IdsError OUTPUT_FAILED if a secret cannot be read */
  static async open(config: CloudeventsConfig): Promise<CloudeventsSink> {
    return new CloudeventsSink(config, await HttpClient.open({ ...config, secrets: { bearer: config.bearer } }));
  }

  protected async send(entries: readonly Sendable[], signal: AbortSignal): Promise<void> {
    const { batch, compression } = this.#config;
    const { bearer } = this.client.secrets;
    const events = entries.map((entry) => cloudEvent(entry, this.#config));
    const single = batch.records === 1;
    const answer = await this.client.post(
      {
        headers: {
          'content-type': `application/cloudevents${single ? '' : '-batch'}+json; charset=utf-8`,
          ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        },
        body: single ? (events[0] ?? '') : `[${events.join(',\n')}]`,
        gzip: compression === 'gzip',
      },
      signal,
    );
    if (!succeeded(answer)) throw refusalOf(this.target, answer, { said: answer.text });
  }
}
