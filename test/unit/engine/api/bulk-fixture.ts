// SPDX-License-Identifier: Apache-2.0
// The part of the control socket that carries lists and feeds, served from memory, and the command in front of it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { IdsError } from '../../../../common/errors.js';
import type { Api } from '../../../../engine/api/api.js';
import type { BlocklistStats, BulkApi, FeedStatus, ImportRequest } from '../../../../engine/api/bulk-api.js';
import { ApiClient } from '../../../../engine/api/client.js';
import { ApiServer } from '../../../../engine/api/server.js';
import { runCli } from '../../../../engine/cli/main.js';
import { MemoryBulkLists } from '../lists/memory-bulk-lists.js';

export const feed: FeedStatus = {
  name: 'level1',
  source: 'https://lists.example/level1.netset',
  schedule: '17 */6 * * *',
  action: 'drop',
  state: 'kept',
  entries: 1234,
  refused: 2,
  badLines: 3,
  lastAttempt: '2026-01-02T00:00:00.000Z',
  lastSuccess: '2026-01-01T00:00:00.000Z',
  next: '2026-01-02T06:17:00.000Z',
  failures: 1,
  lastError: 'it shrank from 1234 to 5 entries',
  etag: '"a"',
  lastModified: 'Thu, 01 Jan 2026 00:00:00 GMT',
  bytes: 20_000,
  format: 'plain',
  running: false,
};

export const stats: BlocklistStats = {
  entries4: 5,
  entries6: 1,
  capacity4: 2_000_000,
  capacity6: 500_000,
  enforced: 6,
  repairs: 0,
  origins: [{ origin: 'manual', action: 'drop', entries: 6, packets: 1_000_000, bytes: 64_000_000 }],
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

/** Serves lists in memory on a socket; `run` is one command line against it. */
export async function openBulk(t: Test, lists = new MemoryBulkLists()) {
  const folder = mkdtempSync(join(tmpdir(), 'ids-bulk-'));
  const socket = join(folder, 'ids.sock');
  const requests: ImportRequest[] = [];
  const updates: object[] = [];
  const api = memoryBulk(lists, requests, updates);
  const server = await ApiServer.open(socket, api as Api);
  t.teardown(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });
  const run = async (...words: string[]) => {
    let out = '';
    let err = '';
    let bar = '';
    const status = await runCli([...words, '--socket', socket], {
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      terminal: (text) => void (bar += text),
      env: {},
      columns: undefined,
      gone: new AbortController().signal,
    });
    return { status, out, err, bar };
  };
  return { socket, client: new ApiClient(socket), lists, requests, updates, run };
}
