// SPDX-License-Identifier: Apache-2.0
// Splunk's HTTP Event Collector: events of JSON, and acknowledgements (Splunk docs: "Format events for HTTP Event
// Collector", "About HTTP Event Collector Indexer Acknowledgment", "Troubleshoot HTTP Event Collector").

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Pause } from '../backoff.js';
import type { SplunkHecConfig } from '../config/splunk-hec.js';
import type { Sendable } from '../entry.js';
import { refusalOf, type HttpAnswer } from './http-answer.js';
import { HttpClient } from './http-client.js';
import { HttpSink, objectOf, succeeded } from './http-sink.js';
import { recordId, timeUsOf } from './record-facts.js';
import { DeliveryError, type Fate } from './sink.js';

const ANSWER_MAX = 65_536;
/** Waits between questions whether a batch is indexed, milliseconds. */
const ASK_FIRST_MS = 200;
const ASK_MAX_MS = 5000;
/** Codes of status 400 that tell of a wrong setting: index, channel, acknowledgements. */
const settingCodes: ReadonlySet<unknown> = new Set([7, 10, 11, 14]);

interface Reply {
  readonly code?: unknown;
  readonly text?: unknown;
  readonly ackId?: unknown;
  readonly acks?: unknown;
  readonly 'invalid-event-number'?: unknown;
}

function replyOf({ text }: HttpAnswer): Reply {
  try {
    return (JSON.parse(text) ?? {}) as Reply;
  } catch {
    return {};
  }
}

/** One event. `line` is JSON, or text of CEF or LEEF. */
export function hecEvent(entry: Sendable, config: SplunkHecConfig): string {
  const { index, source, sourcetype, host = hostname(), format } = config;
  const { line } = entry;
  const us = timeUsOf(entry);
  const second = Math.floor(us / 1e6);
  const time = `${second}.${String(us - second * 1e6).padStart(6, '0')}`;
  const about = JSON.stringify({ host, source, sourcetype, ...(index !== undefined && { index }) }).slice(1, -1);
  const event = format === 'cef' || format === 'leef' ? JSON.stringify(line) : line;
  return `{"time":${time},${about},"fields":{"detection_id":"${recordId(entry)}"},"event":${event}}`;
}

export class SplunkHecSink extends HttpSink {
  readonly #config: SplunkHecConfig;
  readonly #channel = randomUUID();
  readonly #pause = new Pause();
  /** Whether the receiver has said that it acknowledges. */
  #acknowledges = false;

  private constructor(config: SplunkHecConfig, client: HttpClient) {
    super(config.name, client);
    this.#config = config;
  }

  /** @throws IdsError OUTPUT_FAILED if the token cannot be read */
  static async open(config: SplunkHecConfig): Promise<SplunkHecSink> {
    return new SplunkHecSink(config, await HttpClient.open({ ...config, secrets: { token: config.token } }));
  }

  protected async send(entries: readonly Sendable[], signal: AbortSignal): Promise<void> {
    const { acknowledge, compression } = this.#config;
    if (acknowledge && !this.#acknowledges) {
      await this.#ask(0, signal);
      this.#acknowledges = true;
    }
    const answer = await this.client.post(
      {
        path: this.pathOr('/services/collector/event'),
        headers: this.#headers(),
        body: entries.map((entry) => hecEvent(entry, this.#config)).join('\n'),
        gzip: compression === 'gzip',
        ...(acknowledge && { answer: ANSWER_MAX }),
      },
      signal,
    );
    if (!succeeded(answer)) throw this.#refusal(answer, entries.length);
    if (acknowledge) await this.#indexed(objectOf(this.target, answer), signal);
  }

  #headers(): Record<string, string> {
    return {
      authorization: `Splunk ${this.client.secrets['token']}`,
      'content-type': 'application/json',
      ...(this.#config.acknowledge && { 'x-splunk-request-channel': this.#channel }),
    };
  }

  /** Waits until a batch is indexed. */
  async #indexed({ ackId }: Reply, signal: AbortSignal): Promise<void> {
    if (typeof ackId !== 'number') {
      this.#acknowledges = false;
      throw new DeliveryError(`${this.target}: the answer has no ackId: enable acknowledgements for the token`);
    }
    const { acknowledge_timeout: limit } = this.#config;
    const end = Date.now() + limit;
    for (let wait = ASK_FIRST_MS; ; wait = Math.min(wait * 2, ASK_MAX_MS)) {
      await this.#pause.wait(Math.min(wait, Math.max(0, end - Date.now())), signal);
      if (await this.#ask(ackId, signal)) return;
      if (Date.now() >= end) throw new DeliveryError(`${this.target}: not indexed within ${limit / 1000} s`);
    }
  }

  /** Whether what has this number is indexed. */
  async #ask(ackId: number, signal: AbortSignal): Promise<boolean> {
    const base = this.pathOr('/services/collector/event').replace(/\?.*/s, '');
    const path = `${base.replace(/\/(event|raw)(\/1\.0)?\/?$/, '')}/ack?channel=${this.#channel}`;
    const body = JSON.stringify({ acks: [ackId] });
    const answer = await this.client.post({ path, headers: this.#headers(), body, answer: ANSWER_MAX }, signal);
    // Asking is not what failed: it is busy.
    if (answer.status === 429 || answer.status >= 500) return false;
    if (!succeeded(answer)) throw this.#refusal(answer, 0);
    const { acks } = objectOf(this.target, answer) as Reply;
    return typeof acks === 'object' && acks !== null && (acks as Record<string, unknown>)[String(ackId)] === true;
  }

  #refusal(answer: HttpAnswer, count: number): DeliveryError {
    const { code, text, 'invalid-event-number': number } = replyOf(answer);
    const said = typeof text === 'string' ? `${text}${typeof code === 'number' ? ` (code ${code})` : ''}` : answer.text;
    const settings = (status: number): boolean => ![400, 413, 415].includes(status) || settingCodes.has(code);
    const failure = refusalOf(this.target, answer, { settings, said });
    // One event that it cannot read: the others are sent again without it.
    if (failure.final && typeof number === 'number' && number >= 0 && number < count && count > 1) {
      const fates = Array.from({ length: count }, (_, i): Fate =>
        i === number ? { refused: failure.message } : 'retry',
      );
      return new DeliveryError(failure.message, { fates });
    }
    return failure;
  }
}
