// SPDX-License-Identifier: Apache-2.0
// One update of one feed: fetch, read, check, replace. Whatever goes wrong, the old content stays.

import { createHash } from 'node:crypto';
import { messageOf } from '../../common/errors.js';
import type { FeedConfig } from '../config/feeds-schema.js';
import type { BulkLists, RefusedEntry } from '../lists/prefix-batch.js';
import type { BadLine } from '../lists/formats/formats.js';
import { failed, failureOf, type FeedFailure } from './failure.js';
import { download, type Download, type Validators } from './fetch.js';
import type { FeedState } from './feed-state.js';
import type { FeedContent } from './read-feed.js';
import { isPacked, readContent } from './reader.js';

/** A download beyond this is made, and read, while no other such one is. */
const LARGE = 8 * 1024 * 1024;

export interface UpdateRequest {
  readonly config: FeedConfig;
  readonly before: FeedState;
  readonly lists: BulkLists;
  /** Entries that the feed's origin lists now. */
  readonly listed: number;
  /** Take the content even if nothing changed or if it shrank. */
  readonly force: boolean;
  readonly now: number;
  readonly signal: AbortSignal;
  /** Does work that takes much memory when no other such work is under way. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>;
}

export interface UpdateResult {
  readonly after: FeedState;
  readonly badLines: readonly BadLine[];
  readonly refused: readonly RefusedEntry[];
  /** What the list has more and less than before. */
  readonly changed?: { readonly added: number; readonly removed: number };
  /** Why nothing was taken; the words are in the state. */
  readonly failure?: FeedFailure;
}

/** What is fetched, how it is read and what it is for: if it is another one, the old content is nothing to compare with. */
export function fingerprintOf({ url, file, format, column, max_entries: maxEntries, action }: FeedConfig): string {
  const text = JSON.stringify([url, file, format, column, maxEntries, action]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

export function originOf({ name }: { readonly name: string }): string {
  return `feed:${name}`;
}

/** What may be sent as "unless it changed": only if all that was taken then is still listed. */
function validatorsOf({ config, before, listed, force }: UpdateRequest): Validators {
  const same = before.fingerprint === fingerprintOf(config) && before.entries === listed;
  // What ends at a known time can be prolonged, and nothing else.
  const timed = (config.ttl === undefined) === (before.until === undefined);
  if (force || !same || !timed || before.lastSuccess === undefined) return {};
  const { etag, lastModified } = before;
  return { ...(etag === undefined ? {} : { etag }), ...(lastModified === undefined ? {} : { lastModified }) };
}

function checkShrink({ config, before, force }: UpdateRequest, count: number): void {
  const comparable = before.fingerprint === fingerprintOf(config) && before.entries > 0;
  const fewest = before.entries * (1 - config.max_shrink);
  if (force || !comparable || count >= fewest) return;
  const share = Math.round((1 - count / before.entries) * 100);
  throw failed(
    'shrank',
    `it shrank from ${before.entries} to ${count} entries, by ${share} % (max_shrink ${config.max_shrink * 100} %): ` +
      `the old content stays; "ids feeds update ${config.name} --force" takes the new one`,
    { details: { shrank: true } },
  );
}

type Taken =
  | { readonly kind: 'unchanged' }
  | {
      readonly kind: 'content';
      readonly content: FeedContent;
      /** Bytes as they came. */
      readonly size: number;
      readonly validators: Validators;
    };

async function read({ config }: UpdateRequest, fetched: Download): Promise<Taken> {
  if (fetched.kind === 'unchanged') return fetched;
  const { bytes, encoded, validators } = fetched;
  const size = bytes.length;
  const content = await readContent({
    bytes,
    encoded,
    maxBytes: config.max_bytes,
    maxEntries: config.max_entries,
    ...(config.format === undefined ? {} : { format: config.format }),
    ...(config.column === undefined ? {} : { column: config.column }),
  });
  return { kind: 'content', content, size, validators };
}

/** A download of up to LARGE bytes; undefined if there are more. */
async function downloadSmall(request: UpdateRequest): Promise<Download | undefined> {
  const { config, before, signal } = request;
  if (config.max_bytes > LARGE && before.bytes > LARGE) return undefined;
  const most = Math.min(config.max_bytes, LARGE);
  try {
    return await download({ ...config, max_bytes: most }, validatorsOf(request), signal);
  } catch (error) {
    if (most < config.max_bytes && failureOf(error) === 'too-large') return undefined;
    throw error;
  }
}

/** Fetches and reads: what is small beside other feeds, what is or may become large alone. */
async function take(request: UpdateRequest): Promise<Taken> {
  const { config, signal, alone } = request;
  const small = await downloadSmall(request);
  if (!small) return alone(async () => read(request, await download(config, validatorsOf(request), signal)));
  return small.kind === 'content' && isPacked(small) ? alone(() => read(request, small)) : read(request, small);
}

async function update(request: UpdateRequest): Promise<UpdateResult> {
  const { config, before, lists, now } = request;
  const taken = await take(request);
  const ends = config.ttl === undefined ? {} : { until: Date.now() + config.ttl * 1000 };
  const { error: _error, told: _told, ...rest } = before;
  const good = { ...rest, failures: 0, lastAttempt: now, lastSuccess: now };
  if (taken.kind === 'unchanged') {
    if (before.until !== undefined && ends.until !== undefined)
      await lists.prolong(originOf(config), before.until, ends.until);
    return { after: { ...good, ...ends, state: 'unchanged' }, badLines: [], refused: [] };
  }
  const { content, size, validators } = taken;
  checkShrink(request, content.batch.count);
  const options = { action: config.action, reason: `feed ${config.name}`, ...ends };
  const result = await lists.replaceOrigin(originOf(config), content.batch, options);
  const { etag: _etag, lastModified: _modified, until: _until, ...plain } = good;
  const after: FeedState = {
    ...plain,
    ...validators,
    ...ends,
    state: 'updated',
    fingerprint: fingerprintOf(config),
    entries: result.added + result.kept,
    refused: result.refusedCount,
    badLines: content.bad,
    firstBadLines: content.badLines,
    bytes: size,
    format: content.format,
  };
  const { added, removed } = result;
  return { after, badLines: content.badLines, refused: result.refused, changed: { added, removed } };
}

/** Updates a feed; never throws: what went wrong is in the state. */
export async function updateFeed(request: UpdateRequest): Promise<UpdateResult> {
  const { before, now } = request;
  try {
    return await update(request);
  } catch (error) {
    const kept = before.lastSuccess !== undefined;
    const after: FeedState = {
      ...before,
      state: kept ? 'kept' : 'failed',
      lastAttempt: now,
      failures: before.failures + 1,
      error: messageOf(error),
    };
    return { after, badLines: [], refused: [], failure: failureOf(error) };
  }
}
