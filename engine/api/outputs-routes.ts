// SPDX-License-Identifier: Apache-2.0
// The routes of outputs.

import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { OutputsApi } from './outputs-api.js';
import { compact, read } from './read.js';

const MAX_DEAD = 10_000;
const name = z.string().max(100);
const schemas = {
  name: z.object({ name }),
  replay: z.strictObject({
    since: z
      .number()
      .positive()
      .max(366 * 86_400),
  }),
  limit: z.object({ limit: z.coerce.number().int().min(1).max(MAX_DEAD).default(100) }),
  dead: z.strictObject({
    action: z.enum(['retry', 'drop']),
    ids: z.array(z.int().positive()).min(1).max(MAX_DEAD).optional(),
  }),
};

export function outputsRoutes(app: FastifyInstance, api: OutputsApi): void {
  app.get('/v1/outputs', () => api.outputs());
  app.get('/v1/outputs/:name', (request) => api.outputs(read(schemas.name, request.params).name));
  app.post('/v1/outputs/:name/test', (request) => api.testOutput(read(schemas.name, request.params).name));
  app.post('/v1/outputs/:name/replay', (request) =>
    api.replayOutput({ ...read(schemas.name, request.params), ...read(schemas.replay, request.body) }),
  );
  app.get('/v1/outputs/:name/dead', (request) =>
    api.deadLetters(read(schemas.name, request.params).name, read(schemas.limit, request.query).limit),
  );
  app.post('/v1/outputs/:name/dead', (request) =>
    api.settleDead({ ...read(schemas.name, request.params), ...compact(read(schemas.dead, request.body)) }),
  );
}
