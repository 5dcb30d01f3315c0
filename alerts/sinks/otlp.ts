// SPDX-License-Identifier: Apache-2.0
// OpenTelemetry logs over HTTP in JSON (opentelemetry-proto: docs/specification.md, "OTLP/HTTP").

import { hostname } from 'node:os';
import { version } from '../../common/version.js';
import type { OtlpConfig } from '../config/otlp.js';
import type { Sendable } from '../entry.js';
import { attributes, otlpAttributes, otlpSeverity } from '../formats/otlp.js';
import { excerpt, refusalOf } from './http-answer.js';
import { HttpClient } from './http-client.js';
import { HttpSink, objectOf, partly, succeeded } from './http-sink.js';
import { recordId, timeUsOf } from './record-facts.js';
import { DeliveryError } from './sink.js';

const ANSWER_MAX = 1 << 20;
/** All that the specification has tried again. */
const passing: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** An ExportLogsServiceRequest. @param now milliseconds since the epoch */
export function otlpBody(entries: readonly Sendable[], resource: OtlpConfig['resource'], now = Date.now()): string {
  const logRecords = entries.map((entry) => {
    const { detection, kind, line } = entry;
    return {
      timeUnixNano: `${timeUsOf(entry)}000`,
      observedTimeUnixNano: `${now}000000`,
      ...otlpSeverity(detection),
      eventName: `ids.${kind}`,
      body: { stringValue: line },
      attributes: [
        ...attributes({ 'event.name': `ids.${kind}` }),
        ...(detection ? otlpAttributes(detection) : attributes({ 'ids.detection_id': recordId(entry) })),
      ],
    };
  });
  const of = { 'service.name': 'ids', 'service.version': version, 'host.name': hostname(), ...resource };
  const scopeLogs = [{ scope: { name: 'ids', version }, logRecords }];
  return JSON.stringify({ resourceLogs: [{ resource: { attributes: attributes(of) }, scopeLogs }] });
}

interface PartialSuccess {
  readonly rejectedLogRecords?: unknown;
  readonly errorMessage?: unknown;
}

export class OtlpSink extends HttpSink {
  readonly #config: OtlpConfig;

  private constructor(config: OtlpConfig, client: HttpClient) {
    super(config.name, client);
    this.#config = config;
  }

  /** @throws IdsError OUTPUT_FAILED if a secret cannot be read */
  static async open(config: OtlpConfig): Promise<OtlpSink> {
    return new OtlpSink(config, await HttpClient.open({ ...config, secrets: { bearer: config.bearer } }));
  }

  protected async send(entries: readonly Sendable[], signal: AbortSignal): Promise<void> {
    const { resource, compression } = this.#config;
    const { bearer } = this.client.secrets;
    const answer = await this.client.post(
      {
        path: this.pathOr('/v1/logs'),
        headers: {
          'content-type': 'application/json',
          ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        },
        body: otlpBody(entries, resource),
        gzip: compression === 'gzip',
        answer: ANSWER_MAX,
      },
      signal,
    );
    if (!succeeded(answer)) {
      const { message, tooLarge, retryAfterMs } = refusalOf(this.target, answer, { said: answer.text });
      throw new DeliveryError(message, { final: !passing.has(answer.status), tooLarge, retryAfterMs });
    }
    // An empty answer is one without any field.
    if (answer.text.trim() === '') return;
    const { partialSuccess } = objectOf(this.target, answer) as { partialSuccess?: PartialSuccess | null };
    const rejected = Number(partialSuccess?.rejectedLogRecords ?? 0);
    if (!(rejected > 0)) return;
    const said = typeof partialSuccess?.errorMessage === 'string' ? `: ${excerpt(partialSuccess.errorMessage)}` : '';
    throw partly(`${this.target}: rejected ${rejected} of ${entries.length} records${said}`, entries.length, rejected);
  }
}
