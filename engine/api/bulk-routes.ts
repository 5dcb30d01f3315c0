// SPDX-License-Identifier: Apache-2.0
// The routes of whole lists and feeds. Bodies of lists are binary; their header is checked like any other request.

import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { lengthOf } from '../lists/frames.js';
import type { ExportChunk } from '../lists/prefix-batch.js';
import type { BulkApi } from './bulk-api.js';
import { BINARY, encodeChunk, encodeDiff, readBody } from './bulk-wire.js';
import { BULK_LIMIT, MAX_CONFIRM, MAX_TTL } from './limits.js';
import { compact, read } from './read.js';
import { Turns } from './turns.js';

/** Less than the client waits for an answer. */
const BULK_WAIT_MS = 60_000;

const originName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9._:-]{0,79}$/, 'an origin is letters, digits and . _ : -, up to 80 of them');

const importHeader = z.strictObject({
  origin: originName,
  ttl: z.number().positive().max(MAX_TTL).optional(),
  action: z.enum(['drop', 'alert']).optional(),
  reason: z.string().max(1000).optional(),
  force: z.boolean().optional(),
  forced: z.boolean().optional(),
  sshPeer: z.string().max(100).optional(),
  confirm: z.number().positive().max(MAX_CONFIRM).optional(),
  replace: z.boolean().optional(),
});

const feedName = z.string().max(100);
const schemas = {
  filter: z.object({ origin: z.string().max(100).optional(), action: z.enum(['drop', 'alert']).optional() }),
  feed: z.object({ name: feedName }),
  update: z.strictObject({ names: z.array(feedName).max(10_000).optional(), force: z.boolean() }),
};

async function* frames(chunks: AsyncIterable<ExportChunk>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    const body = encodeChunk(chunk);
    yield lengthOf(body);
    yield body;
  }
}

/** @param waitMs how long a list waits for another one to be done */
export function bulkRoutes(app: FastifyInstance, api: BulkApi, waitMs = BULK_WAIT_MS): void {
  app.addContentTypeParser(BINARY, { parseAs: 'buffer', bodyLimit: BULK_LIMIT }, (_request, body, done) =>
    done(null, body),
  );
  const turns = new Turns(waitMs);
  // Before the body is read. `close` comes after the answer, and if the caller goes away.
  const onRequest = async (_request: FastifyRequest, { raw }: FastifyReply): Promise<void> => {
    const leave = await turns.take();
    if (raw.destroyed) leave();
    else raw.once('close', leave);
  };
  const bulk = { bodyLimit: BULK_LIMIT, onRequest };
  app.post('/v1/blocklist/import', bulk, async (request) => {
    const { header, batch } = readBody(request.body, await api.blocklistCapacity());
    const { replace: _replace, ...options } = compact(read(importHeader, header));
    return api.blocklistImport(batch, options);
  });
  app.post('/v1/blocklist/diff', bulk, async (request, reply) => {
    const { header, batch } = readBody(request.body, await api.blocklistCapacity());
    const { replace = false, ...options } = compact(read(importHeader, header));
    const diff = await api.blocklistDiff(batch, { ...options, replace });
    return reply.type(BINARY).send(encodeDiff(diff));
  });
  app.get('/v1/blocklist/export', (request, reply) => {
    const chunks = api.blocklistExport(compact(read(schemas.filter, request.query)));
    return reply.type(BINARY).send(Readable.from(frames(chunks)));
  });
  app.get('/v1/blocklist/stats', () => api.blocklistStats());
  app.post('/v1/confirm', () => api.confirm());
  app.get('/v1/feeds', () => api.listFeeds());
  app.get('/v1/feeds/:name', (request) => api.showFeed(read(schemas.feed, request.params).name));
  app.post('/v1/feeds/update', (request) => api.updateFeeds(compact(read(schemas.update, request.body))));
}
