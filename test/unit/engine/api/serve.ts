// SPDX-License-Identifier: Apache-2.0
// The real control socket in a folder of its own, with the fake daemon behind it.
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiClient } from '../../../../engine/api/client.js';
import { ApiServer } from '../../../../engine/api/server.js';
import { undoAfter, type Teardown } from '../../../helpers/undo.js';
import type { MemoryBulkLists } from '../lists/memory-bulk-lists.js';
import { FakeApi } from './fake-api.js';

/** A folder that is gone when the test ends. */
export function temporary(t: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'ids-test-'));
  undoAfter(t, () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Served {
  readonly socket: string;
  readonly api: FakeApi;
  readonly server: ApiServer;
  readonly client: ApiClient;
}

export async function serve(t: Teardown, lists?: MemoryBulkLists): Promise<Served> {
  const socket = join(temporary(t), 'ids.sock');
  const api = new FakeApi(lists);
  const server = await ApiServer.open(socket, api);
  t.teardown(() => server.close());
  return { socket, api, server, client: new ApiClient(socket) };
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** A request that the client would never send. */
export function raw(
  socketPath: string,
  method: string,
  path: string,
  body = '',
  headers: Record<string, string | number> = { 'content-type': 'application/json' },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ socketPath, method, path, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('error', reject);
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', body: text });
      });
    });
    request.once('error', reject);
    request.end(body);
  });
}
