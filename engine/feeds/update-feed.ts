// SPDX-License-Identifier: Apache-2.0
// One update of one feed: fetch, read, check, replace. Whatever goes wrong, the old content stays.

import { createHash } from 'node:crypto';
import { messageOf } from '../../common/errors.js';
import type { FeedConfig } from '../config/feeds-schema.js';
import { unionBatches } from '../lists/batch-ops.js';
import type { BulkLists, PrefixBatch, RefusedEntry } from '../lists/prefix-batch.js';
import type { BadLine } from '../lists/formats/formats.js';
import { failed, failureOf, type FeedFailure } from './failure.js';
import { download, type Validators } from './fetch.js';
import type { FeedState } from './feed-state.js';
import { readContent } from './reader.js';

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
}

export interface UpdateResult {
  readonly after: FeedState;
  readonly badLines: readonly BadLine[];
  readonly refused: readonly RefusedEntry[];
  /** Why nothing was taken; the words are in the state. */
  readonly failure?: FeedFailure;
}

/** What is fetched and how it is read: if it is another one, the old content is nothing to compare with. */
export function fingerprintOf({ url, file, format, column, max_entries: maxEntries }: FeedConfig): string {
  const text = JSON.stringify([url, file, format, column, maxEntries]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

export function originOf({ name }: { readonly name: string }): string {
  return `feed:${name}`;
}

function optionsOf({ name, action, ttl }: FeedConfig) {
  return { action, reason: `feed ${name}`, ...(ttl === undefined ? {} : { ttl }) };
}

/** What may be sent as "unless it changed": only if all that was taken then is still listed. */
function validatorsOf({ config, before, listed, force }: UpdateRequest): Validators {
  const same = before.fingerprint === fingerprintOf(config) && before.entries === listed;
  if (force || !same || before.lastSuccess === undefined) return {};
  const { etag, lastModified } = before;
  return { ...(etag === undefined ? {} : { etag }), ...(lastModified === undefined ? {} : { lastModified }) };
}

/** Gives entries that did not change their full time again. */
async function prolong({ config, lists }: UpdateRequest): Promise<void> {
  const origin = originOf(config);
  const batches: PrefixBatch[] = [];
  for await (const { batch } of lists.exportEntries({ origin })) {
    const { extra: _extra, ...bare } = batch;
    batches.push(bare);
  }
  await lists.replaceOrigin(origin, unionBatches(batches), optionsOf(config));
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

async function update(request: UpdateRequest): Promise<UpdateResult> {
  const { config, before, lists, now, signal } = request;
  const fetched = await download(config, validatorsOf(request), signal);
  const { error: _error, told: _told, ...rest } = before;
  const good = { ...rest, failures: 0, lastAttempt: now, lastSuccess: now };
  if (fetched.kind === 'unchanged') {
    if (config.ttl !== undefined) await prolong(request);
    return { after: { ...good, state: 'unchanged' }, badLines: [], refused: [] };
  }
  const { bytes, encoded, validators } = fetched;
  const content = await readContent({
    bytes,
    encoded,
    maxBytes: config.max_bytes,
    maxEntries: config.max_entries,
    ...(config.format === undefined ? {} : { format: config.format }),
    ...(config.column === undefined ? {} : { column: config.column }),
  });
  checkShrink(request, content.batch.count);
  const result = await lists.replaceOrigin(originOf(config), content.batch, optionsOf(config));
  const { etag: _etag, lastModified: _modified, ...plain } = good;
  const after: FeedState = {
    ...plain,
    ...validators,
    state: 'updated',
    fingerprint: fingerprintOf(config),
    entries: result.added + result.kept,
    refused: result.refusedCount,
    badLines: content.bad,
    firstBadLines: content.badLines,
    bytes: bytes.length,
    format: content.format,
  };
  return { after, badLines: content.badLines, refused: result.refused };
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
