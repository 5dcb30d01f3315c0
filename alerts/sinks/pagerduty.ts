// SPDX-License-Identifier: Apache-2.0
// PagerDuty's Events API v2 (developer.pagerduty.com: "Send an Alert Event"): one request a record.

import { hostname } from 'node:os';
import type { PagerdutyConfig } from '../config/chat.js';
import type { Sendable } from '../entry.js';
import { isoTime, severityOf, signatureOf } from '../formats/facts.js';
import { sentence } from '../formats/sentence.js';
import type { Detection } from '../model.js';
import { cutText } from '../text.js';
import { excerpt, refusalOf, type HttpAnswer } from './http-answer.js';
import { HttpClient } from './http-client.js';
import { HttpSink, succeeded } from './http-sink.js';
import { DeliveryError, type Fate } from './sink.js';

const SUMMARY_MAX = 1024;
const DEDUP_MAX = 255;
const severities = { 1: 'critical', 2: 'error', 3: 'warning', 4: 'info' } as const;

/** What is one incident: what and from whom, or also whom it was meant for. */
function dedupKey(d: Detection, dedup: PagerdutyConfig['dedup']): string {
  const ends = d.src === '' ? [hostname()] : dedup === 'source' ? [d.src] : [d.src, d.dst];
  return ['ids', signatureOf(d), ...ends].join('|').slice(0, DEDUP_MAX);
}

export function pagerdutyEvent(d: Detection, line: string, key: string, dedup: PagerdutyConfig['dedup']): string {
  const { rule } = d;
  return JSON.stringify({
    routing_key: key,
    event_action: 'trigger',
    dedup_key: dedupKey(d, dedup),
    client: `ids on ${hostname()}`,
    payload: {
      summary: cutText(sentence(d), SUMMARY_MAX),
      source: d.dst === '' ? hostname() : d.dst,
      severity: severities[severityOf(d)],
      timestamp: isoTime(d),
      ...(d.iface !== undefined && { component: d.iface }),
      ...(rule && rule.category !== '' && { group: rule.category }),
      ...(rule?.classtype !== undefined && { class: rule.classtype }),
      custom_details: JSON.parse(line) as unknown,
    },
  });
}

export class PagerdutySink extends HttpSink {
  readonly #config: PagerdutyConfig;

  private constructor(config: PagerdutyConfig, client: HttpClient) {
    super(config.name, client);
    this.#config = config;
  }

  /** @throws IdsError OUTPUT_FAILED if the key cannot be read */
  static async open(config: PagerdutyConfig): Promise<PagerdutySink> {
    const secrets = { routing_key: config.routing_key };
    return new PagerdutySink(config, await HttpClient.open({ ...config, secrets }));
  }

  protected async send(entries: readonly Sendable[], signal: AbortSignal): Promise<void> {
    const fates: Fate[] = [];
    let refused: DeliveryError | undefined;
    for (const entry of entries) {
      try {
        await this.#send(entry, signal);
        fates.push('delivered');
      } catch (error) {
        const failure = DeliveryError.of(error);
        const { message, retryAfterMs } = failure;
        // What it does not take now it will not take a moment later.
        if (!failure.final) throw new DeliveryError(message, { fates, retryAfterMs, cause: error });
        fates.push({ refused: message });
        refused = failure;
      }
    }
    if (refused) throw new DeliveryError(refused.message, { fates });
  }

  async #send({ detection, line }: Sendable, signal: AbortSignal): Promise<void> {
    if (!detection) return;
    const body = pagerdutyEvent(detection, line, this.client.secrets['routing_key'] ?? '', this.#config.dedup);
    const answer = await this.client.post({ headers: { 'content-type': 'application/json' }, body }, signal);
    if (!succeeded(answer)) throw this.#refusal(answer);
  }

  /** A bad routing key is answered with 400 as a bad event is, but can be put right. */
  #refusal(answer: HttpAnswer): DeliveryError {
    const setting = /routing_key/i.test(answer.text);
    const settings = (status: number): boolean => (status === 400 ? setting : ![413, 415, 422].includes(status));
    return refusalOf(this.target, answer, { settings, said: excerpt(answer.text) });
  }
}
