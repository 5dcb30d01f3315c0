// SPDX-License-Identifier: Apache-2.0
// Lists that are more than a moment's work are read by a thread of their own, which lives as long as that takes.

import { Worker } from 'node:worker_threads';
import { IdsError } from '../../common/errors.js';
import type { ErrorCode } from '../../common/error-codes.js';
import type { ReadAnswer } from './parse-worker.js';
import { readFeed, type FeedContent, type ReadRequest } from './read-feed.js';

/** About a millisecond's work, if it is not packed. */
const SMALL = 32 * 1024;

/** True if a few bytes may be a thousand times as many, unpacked. */
export function isPacked({ bytes, encoded }: Pick<ReadRequest, 'bytes' | 'encoded'>): boolean {
  return encoded || (bytes[0] === 0x1f && bytes[1] === 0x8b);
}

/** The bytes of a large or packed list go to the thread: they are not here any more. @throws IdsError LIST_INVALID */
export function readContent(request: ReadRequest): Promise<FeedContent> {
  const small = request.bytes.length <= SMALL;
  if (small && !isPacked(request)) return Promise.resolve().then(() => readFeed(request));
  // A small buffer may be a part of one that others use.
  const bytes = small ? Uint8Array.from(request.bytes) : request.bytes;
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./parse-worker.js', import.meta.url), {
      name: 'ids-feed',
      workerData: { ...request, bytes },
      transferList: [bytes.buffer as ArrayBuffer],
    });
    worker.once('message', (answer: ReadAnswer) => {
      if ('content' in answer) resolve(answer.content);
      else reject(new IdsError(answer.code as ErrorCode, answer.message, { details: answer.details }));
    });
    worker.once('error', reject);
    worker.once('exit', () => reject(new IdsError('INTERNAL', 'the reader of lists ended before it was done')));
  });
}
