// SPDX-License-Identifier: Apache-2.0
// Builds one generation of rules away from the main thread.

import { parentPort, workerData } from 'node:worker_threads';
import { IdsError, messageOf } from '../../common/errors.js';
import { buildSet, type BuiltSet, type FilterFiles, type SourceBytes } from './build-set.js';

export interface BuildRequest {
  readonly sources: readonly SourceBytes[];
  readonly filters: FilterFiles;
}

export type BuildAnswer = { readonly built: BuiltSet } | { readonly code: string; readonly message: string };

if (!parentPort) throw new Error('build-worker.js is a worker thread, not a program');
const port = parentPort;
const { sources, filters } = workerData as BuildRequest;

try {
  const answer: BuildAnswer = { built: buildSet(sources, filters) };
  port.postMessage(answer);
} catch (error) {
  const answer: BuildAnswer = { code: error instanceof IdsError ? error.code : 'INTERNAL', message: messageOf(error) };
  port.postMessage(answer);
}
