// SPDX-License-Identifier: Apache-2.0
// The kinds of failure of a feed: each is told once until the feed works again.

import type { EngineNotice } from '../../alerts/index.js';
import { IdsError } from '../../common/errors.js';

const failures = [
  'unreachable',
  'timeout',
  'truncated',
  'too-large',
  'unreadable',
  'shrank',
  'list-full',
  'failed',
] as const;
export type FeedFailure = (typeof failures)[number];

/** A feed was not taken. */
export interface FailedFeed {
  readonly name: string;
  readonly failure: FeedFailure;
  readonly error: string;
  /** Entries of the old content, which stay. */
  readonly entries: number;
}

export function failed(
  failure: FeedFailure,
  text: string,
  { cause, details = {} }: { cause?: unknown; details?: Readonly<Record<string, unknown>> } = {},
): IdsError {
  const more = { ...details, failure };
  return new IdsError('FEED_FAILED', text, cause === undefined ? { details: more } : { details: more, cause });
}

function ofList({ details }: IdsError): FeedFailure {
  if (details['cutOff'] === true) return 'truncated';
  return 'maxBytes' in details || 'max' in details ? 'too-large' : 'unreadable';
}

/** The kind of whatever an update threw. */
export function failureOf(error: unknown): FeedFailure {
  if (!(error instanceof IdsError)) return 'failed';
  const told = failures.find((one) => one === error.details['failure']);
  if (told) return told;
  if (error.code === 'LIST_FULL') return 'list-full';
  return error.code === 'LIST_INVALID' ? ofList(error) : 'failed';
}

/** The alert about it. */
export function noticeOf({ name, failure, error, entries }: FailedFeed): Omit<EngineNotice, 'timeUs'> {
  const old = entries > 0 ? `its old content stays (${entries} entries)` : 'it lists nothing';
  const message = `feed ${name} was not taken, ${old}: ${error}`;
  return { level: 'Warning', module: 'feeds', reason: `feed-${failure}`, origin: `feed:${name}`, message };
}
