// SPDX-License-Identifier: Apache-2.0
// The part of the control socket that carries lists and feeds, served from memory.
import { IdsError } from '../../../../common/errors.js';
import type { BlocklistStats, BulkApi, FeedStatus, ImportRequest } from '../../../../engine/api/bulk-api.js';
import type { MemoryBulkLists } from '../lists/memory-bulk-lists.js';

export const feed: FeedStatus = {
  name: 'level1',
  source: 'https://lists.example/level1.netset',
  schedule: '17 */6 * * *',
  action: 'drop',
  state: 'kept',
  entries: 1234,
  refused: 2,
  badLines: 3,
  firstBadLines: [
    { line: 7, column: 1, cause: 'not an address', text: 'nonsense' },
    { line: 9, column: 11, cause: 'the length is more than 32', text: '192.0.2.7/33' },
  ],
  bytes: 20_000,
  failures: 1,
  format: 'plain',
  etag: '"a"',
  lastModified: 'Thu, 01 Jan 2026 00:00:00 GMT',
  lastAttempt: '2026-01-02T00:00:00.000Z',
  lastSuccess: '2026-01-01T00:00:00.000Z',
  lastError: 'it shrank from 1234 to 5 entries',
  next: '2026-01-02T06:17:00.000Z',
  running: false,
};

export const stats: BlocklistStats = {
  entries4: 5,
  entries6: 1,
  capacity4: 2_000_000,
  capacity6: 500_000,
  origins: [{ origin: 'manual', action: 'drop', entries: 6, alerting: 2, packets: 1_000_000, bytes: 64_000_000 }],
  enforced: 6,
  repairs: 0,
};

/** The daemon's part of it; `requests` and `updates` are what was asked of imports and feeds. */
export function memoryBulk(lists: MemoryBulkLists, requests: ImportRequest[] = [], updates: object[] = []): BulkApi {
  let pending = false;
  return {
    blocklistImport: async (batch, request) => {
      requests.push(request);
      const result = await lists.importBatch(batch, request);
      pending = request.confirm !== undefined;
      return pending ? { ...result, confirmBy: '2026-01-01T00:00:30.000Z' } : result;
    },
    blocklistDiff: (batch, request) => lists.diff(batch, request),
    blocklistExport: (filter) => lists.exportEntries(filter),
    blocklistStats: () => Promise.resolve(stats),
    blocklistCapacity: () => Promise.resolve(lists.capacity()),
    confirm: () => {
      if (!pending) return Promise.reject(new IdsError('NOT_FOUND', 'no change waits for a confirmation'));
      pending = false;
      return Promise.resolve({ origin: 'manual', entries: 2 });
    },
    listFeeds: () => Promise.resolve([feed]),
    showFeed: (name) =>
      name === feed.name
        ? Promise.resolve(feed)
        : Promise.reject(new IdsError('NOT_FOUND', `there is no feed "${name}"`)),
    updateFeeds: (request) => {
      updates.push(request);
      return Promise.resolve([feed]);
    },
  };
}
