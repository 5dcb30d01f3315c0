// SPDX-License-Identifier: Apache-2.0
// The routes of data sets.

import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { datasetActions } from '../../rules/index.js';
import type { DatasetsApi } from './datasets-api.js';
import { compact, read } from './read.js';

const MAX_VALUE = 1 << 20;
export const MAX_DUMP = 1_000_000;
const schemas = {
  name: z.object({ name: z.string().max(63) }),
  command: z.strictObject({
    action: z.enum(datasetActions),
    value: z.string().max(MAX_VALUE).optional(),
    base64: z.boolean().optional(),
    limit: z.int().min(1).max(MAX_DUMP).optional(),
  }),
};

export function datasetsRoutes(app: FastifyInstance, api: DatasetsApi): void {
  app.get('/v1/datasets', () => api.datasets());
  app.post('/v1/datasets/:name', (request) =>
    api.dataset({ ...read(schemas.name, request.params), ...compact(read(schemas.command, request.body)) }),
  );
}
