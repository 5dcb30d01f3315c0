// SPDX-License-Identifier: Apache-2.0
// The main thread's end of the builder: a thread that lives as long as one generation takes.

import { Worker } from 'node:worker_threads';
import type { ErrorCode } from '../../common/error-codes.js';
import { IdsError } from '../../common/errors.js';
import type { BuildAnswer, BuildRequest } from './build-worker.js';
import type { BuiltSet } from './build-set.js';

/** @throws IdsError UPDATE_REFUSED */
export function build(request: BuildRequest): Promise<BuiltSet> {
  return new Promise((resolve, reject) => {
    const url = new URL('./build-worker.js', import.meta.url);
    const worker = new Worker(url, { name: 'ids-update', workerData: request });
    worker.once('message', (answer: BuildAnswer) => {
      if ('built' in answer) resolve(answer.built);
      else reject(new IdsError(answer.code as ErrorCode, answer.message));
    });
    worker.once('error', reject);
    worker.once('exit', () => reject(new IdsError('INTERNAL', 'the builder of rules ended before it was done')));
  });
}
