// SPDX-License-Identifier: Apache-2.0
// Compiles rule sets away from the main thread and the rings; the tables come back as transferred buffers.

import { parentPort } from 'node:worker_threads';
import { collectGarbage } from '../../common/collect-garbage.js';
import { compilePacked, type LanguageOptions, type PackedCompilation, type RuleSource } from '../../rules/index.js';

export interface CompileRequest {
  readonly id: number;
  readonly sources: readonly RuleSource[];
  readonly options: LanguageOptions;
}

export type CompileAnswer =
  | { readonly id: number; readonly compilation: PackedCompilation }
  | { readonly id: number; readonly failure: unknown }
  /** The share of the rules that is parsed, 0 to 1. */
  | { readonly id: number; readonly parsed: number };

if (!parentPort) throw new Error('compile-worker.js is a worker thread, not a program');
const port = parentPort;

/** How long after a set, if no other one comes, what it has left is given back. */
const TIDY_MS = 2000;
let tidying: NodeJS.Timeout | undefined;

port.on('message', (request: CompileRequest) => {
  clearTimeout(tidying);
  try {
    const onParsed = (parsed: number): void => port.postMessage({ id: request.id, parsed } satisfies CompileAnswer);
    const compilation = compilePacked(request.sources, request.options, onParsed);
    const { blob, addresses } = compilation.ruleset;
    const { starts, spans } = compilation.addresses;
    const columns = compilation.addressLists.flatMap(({ prefixes: { addr4, len4, addr6, len6 } }) => [
      addr4.buffer,
      len4.buffer,
      addr6.buffer,
      len6.buffer,
    ]);
    const answer: CompileAnswer = { id: request.id, compilation };
    const tables = [blob.buffer as ArrayBuffer, addresses.buffer as ArrayBuffer, starts.buffer, spans.buffer];
    port.postMessage(answer, [...tables, ...columns]);
  } catch (failure) {
    const answer: CompileAnswer = { id: request.id, failure };
    port.postMessage(answer);
  }
  tidying = setTimeout(collectGarbage, TIDY_MS).unref();
});
