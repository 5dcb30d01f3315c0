// SPDX-License-Identifier: Apache-2.0
import { request as httpRequest } from 'node:http';
import t from 'tap';
import { BINARY } from '../../../../engine/api/bulk-wire.js';
import { encodeBatch } from '../../../../engine/lists/batch-codec.js';
import { EMPTY_BATCH } from '../../../../engine/lists/batch-ops.js';
import { batchTexts } from '../../../../engine/lists/batch-text.js';
import { randomBatch, randomizer } from '../lists/random-batch.js';
import { openBulk } from './bulk-fixture.js';

function post(
  socket: string,
  path: string,
  body: Uint8Array,
  type = BINARY,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': type };
    const request = httpRequest({ socketPath: socket, path, method: 'POST', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.once('error', reject);
    request.end(body);
  });
}

void t.test('lists go through the socket as they are', async (t) => {
  const { client, lists, requests } = await openBulk(t);
  const random = randomizer(31);
  const batch = randomBatch(random, 5000, { extra: true });
  const request = { origin: 'feed:x', ttl: 60, action: 'alert', reason: 'why', force: true, confirm: 5 } as const;
  t.match(await client.blocklistImport(batch, request), { added: batch.count, kept: 0, confirmBy: /^2026/ });
  t.same(requests, [request]);
  t.same([...batchTexts(lists.batch('feed:x'))], [...batchTexts(batch)]);
  const chunks = [];
  for await (const chunk of client.blocklistExport({ origin: 'feed:x' })) chunks.push(chunk);
  t.same(chunks, [{ origin: 'feed:x', action: 'alert', forced: true, batch: lists.batch('feed:x') }]);
  const other = randomBatch(random, 300, { extra: true });
  const mine = await client.blocklistDiff(other, { origin: 'feed:x', replace: true });
  const theirs = await lists.diff(other, { origin: 'feed:x', replace: true });
  t.same([...batchTexts(mine.added)], [...batchTexts(theirs.added)]);
  t.same([...batchTexts(mine.removed)], [...batchTexts(theirs.removed)]);
  t.equal(mine.kept, theirs.kept);
  t.match(await client.blocklistStats(), { entries4: 5, origins: [{ packets: 1_000_000 }] });
});

void t.test('bodies that are none are refused with a reason', async (t) => {
  const { socket, requests } = await openBulk(t);
  const path = '/v1/blocklist/import';
  const cases: [string, Uint8Array, RegExp, string?][] = [
    ['nothing', Buffer.alloc(0), /body must be|ends early/],
    ['text', Buffer.from('192.0.2.7\n'.repeat(10)), /it is none/],
    ['JSON', Buffer.from('{}'), /body must be application\/octet-stream/, 'application/json'],
    ['no origin', encodeBatch(EMPTY_BATCH, {}), /not valid: origin/],
    ['a wrong origin', encodeBatch(EMPTY_BATCH, { origin: 'a b' }), /an origin is letters/],
    ['an unknown key', encodeBatch(EMPTY_BATCH, { origin: 'a', what: 1 }), /not valid/],
    ['a wrong time', encodeBatch(EMPTY_BATCH, { origin: 'a', confirm: 99_999 }), /confirm/],
    ['half of it', encodeBatch(randomBatch(randomizer(1), 50), { origin: 'a' }).subarray(0, 200), /ends early/],
  ];
  for (const [what, body, message, type] of cases) {
    const { status, text } = await post(socket, path, body, type);
    t.equal(status, 400, what);
    t.match(text, message, what);
  }
  t.same(requests, []);
});
