// SPDX-License-Identifier: Apache-2.0
// Lists and feeds from memory on a control socket, and the command in front of it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { Api } from '../../../../engine/api/api.js';
import type { ImportRequest } from '../../../../engine/api/bulk-api.js';
import { ApiClient } from '../../../../engine/api/client.js';
import { ApiServer } from '../../../../engine/api/server.js';
import { runCli } from '../../../../engine/cli/main.js';
import { MemoryBulkLists } from '../lists/memory-bulk-lists.js';
import { memoryBulk } from './memory-bulk.js';

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
