// SPDX-License-Identifier: Apache-2.0
// Lists that are more than a moment's work are read by a thread of their own, which lives as long as that takes.

import { Worker } from 'node:worker_threads';
import { IdsError } from '../../common/errors.js';
import type { ErrorCode } from '../../common/error-codes.js';
import type { ReadAnswer } from './parse-worker.js';
import { readFeed, type FeedContent, type ReadRequest } from './read-feed.js';

/** About a millisecond's work. */
const SMALL = 32 * 1024;

/** @throws IdsError LIST_INVALID */
export function readContent(request: ReadRequest): Promise<FeedContent> {
  if (request.bytes.length <= SMALL) return Promise.resolve().then(() => readFeed(request));
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./parse-worker.js', import.meta.url), { name: 'ids-feed', workerData: request });
    worker.once('message', (answer: ReadAnswer) => {
      if ('content' in answer) resolve(answer.content);
      else reject(new IdsError(answer.code as ErrorCode, answer.message, { details: answer.details }));
    });
    worker.once('error', reject);
    worker.once('exit', () => reject(new IdsError('INTERNAL', 'the reader of lists ended before it was done')));
  });
}
