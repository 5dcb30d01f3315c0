// SPDX-License-Identifier: Apache-2.0
// The routes of flows.

import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { topFlowsBy, type FlowsApi } from './flows-api.js';
import { read } from './read.js';

const top = z.object({
  by: z.enum(topFlowsBy).default('bytes'),
  limit: z.coerce.number().int().min(1).max(10_000).default(20),
});

export function flowsRoutes(app: FastifyInstance, api: FlowsApi): void {
  app.get('/v1/top/flows', (request) => api.topFlows(read(top, request.query)));
  app.get('/v1/top/talkers', (request) => api.topTalkers(read(top, request.query)));
  app.get('/v1/stats/tcp', () => api.tcpStats());
}
