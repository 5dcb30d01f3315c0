// SPDX-License-Identifier: Apache-2.0
import { request as httpRequest, type ClientRequest } from 'node:http';
import { Socket } from 'node:net';
import t from 'tap';
import { BINARY } from '../../../../engine/api/bulk-wire.js';
import { Turns } from '../../../../engine/api/turns.js';
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

void t.test('one list at a time is taken in; the others wait, and not for ever', async (t) => {
  const { socket, lists, requests } = await openBulk(t);
  const body = encodeBatch(randomBatch(randomizer(2), 50), { origin: 'a' });
  const path = '/v1/blocklist/import';
  /** A caller that stops in the middle of the body. */
  const slow = (): ClientRequest => {
    const headers = { 'content-type': BINARY, 'content-length': body.length };
    const request = httpRequest({ socketPath: socket, path, method: 'POST', headers, agent: false });
    request.on('error', () => undefined);
    request.write(body.subarray(0, 100));
    return request;
  };
  const first = slow();
  await new Promise((done) => setTimeout(done, 100));
  const second = post(socket, path, body);
  const third = post(socket, '/v1/blocklist/diff', body);
  await new Promise((done) => setTimeout(done, 100));
  t.same(requests, [], 'nobody is let in');
  first.end(body.subarray(100));
  t.equal((await second).status, 200);
  t.equal((await third).status, 200);
  t.equal(requests.length, 2);
  const gone = slow();
  await new Promise((done) => setTimeout(done, 100));
  gone.destroy();
  t.equal((await post(socket, path, body)).status, 200, 'who goes away makes place');
  lists.limit = 10;
  const full = await post(socket, path, encodeBatch(randomBatch(randomizer(2), 50), { origin: 'a' }));
  t.equal(full.status, 409);
  t.match(JSON.parse(full.text), { error: { code: 'LIST_FULL' } });
});

// A daemon that has all of the body answers and closes: one that is written to then fails with EPIPE, and whether the
// answer has been read before is a race.
void t.test('nothing is written behind a body, not even nothing', async (t) => {
  const { client } = await openBulk(t);
  const written: number[] = [];
  const { _write: write, _writev: writev } = Socket.prototype;
  t.teardown(() => Object.assign(Socket.prototype, { _write: write, _writev: writev }));
  const note = (socket: Socket, chunks: readonly unknown[]): void => {
    // Of the server's end nobody asks.
    if ((socket as { readonly server?: unknown }).server) return;
    written.push(...chunks.map((chunk) => (chunk as Buffer | string).length));
  };
  Socket.prototype._write = function (...args): void {
    note(this, [args[0]]);
    write.apply(this, args);
  };
  Socket.prototype._writev = function (...args): void {
    note(
      this,
      args[0].map(({ chunk }) => chunk as unknown),
    );
    writev?.apply(this, args);
  };
  const batch = randomBatch(randomizer(3), 70_000);
  await client.blocklistDiff(batch, { origin: 'a', replace: true });
  await client.confirm().catch(() => undefined);
  t.ok(Math.max(...written) > batch.count, 'the list was among it');
  t.ok(Math.min(...written) > 0, `writes of ${written.join()} bytes`);
});

void t.test('who waits too long for a turn is told so', async (t) => {
  const turns = new Turns(50);
  const leave = await turns.take();
  await t.rejects(turns.take(), { code: 'DAEMON_BUSY', message: /try again/ });
  const next = turns.take();
  leave();
  leave();
  const leaveNext = await next;
  const last = turns.take();
  leaveNext();
  (await last)();
  (await turns.take())();
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
