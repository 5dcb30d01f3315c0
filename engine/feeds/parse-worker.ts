// SPDX-License-Identifier: Apache-2.0
// Reads one list away from the main thread; its columns come back as transferred buffers.

import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../common/errors.js';
import { IdsError } from '../../common/errors.js';
import { readFeed, transferables, type FeedContent, type ReadRequest } from './read-feed.js';

export type ReadAnswer =
  | { readonly content: FeedContent }
  | { readonly code: string; readonly message: string; readonly details: Readonly<Record<string, unknown>> };

if (!parentPort) throw new Error('parse-worker.js is a worker thread, not a program');
const port = parentPort;

try {
  const content = readFeed(workerData as ReadRequest);
  const answer: ReadAnswer = { content };
  port.postMessage(answer, transferables(content.batch));
} catch (error) {
  const { code, details } = error instanceof IdsError ? error : { code: 'INTERNAL', details: {} };
  const answer: ReadAnswer = { code, message: messageOf(error), details };
  port.postMessage(answer);
}
