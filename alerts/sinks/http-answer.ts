// SPDX-License-Identifier: Apache-2.0
// What a receiver answered over HTTP, and what that means where nothing else is known of it.

import { cutText, escapeLine } from '../text.js';
import { DeliveryError } from './sink.js';

export interface HttpAnswer {
  readonly status: number;
  /** Of its body as much as was asked for. */
  readonly text: string;
  /** False if the body broke off, or is longer. */
  readonly whole: boolean;
  /** What Retry-After asks for. */
  readonly retryAfterMs: number;
}

/** Milliseconds that a Retry-After header asks for: seconds or a date (RFC 9110, 10.2.3); 0 for anything else. */
export function retryAfterMs(header: string | undefined, now = Date.now()): number {
  if (header === undefined) return 0;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}

// Refusals that pass: request timeout, too early, too many requests.
const passing: ReadonlySet<number> = new Set([408, 425, 429]);
/** Refusals of what was sent: too large, malformed, not understood. Others tell that a setting is wrong. */
const ofContent: ReadonlySet<number> = new Set([400, 413, 415, 422]);

/** The beginning of what a receiver says, on one line. */
export function excerpt(text: string): string {
  return escapeLine(cutText(text.replace(/[\p{Cc}\s]+/gu, ' ').trim(), 200));
}

export interface Refusal {
  /** Statuses 4xx that are tried again, since a setting can be put right; all but those of the content if absent. */
  readonly settings?: (status: number) => boolean;
  /** Its own words, if the answer has some. */
  readonly said?: string;
}

/** The error behind an answer that is no receipt. `target`: without secrets, as the words of the answer. */
export function refusalOf(target: string, answer: HttpAnswer, { settings, said }: Refusal = {}): DeliveryError {
  const { status, retryAfterMs: wish } = answer;
  if (status >= 300 && status < 400) {
    const remedy = 'redirects are not followed: configure the final URL';
    return new DeliveryError(`${target}: answered ${status}; ${remedy}`, { final: true });
  }
  const words = said === undefined || said === '' ? '' : `: ${excerpt(said)}`;
  const client = status >= 400 && status < 500 && !passing.has(status);
  const final = client && !(settings ?? ((one) => !ofContent.has(one)))(status);
  return new DeliveryError(`${target}: answered ${status}${words}`, {
    final,
    tooLarge: status === 413,
    retryAfterMs: wish,
  });
}
