// SPDX-License-Identifier: Apache-2.0
// Compiles rule sets away from the main thread and the rings; the tables come back as transferred buffers.

import { MessageChannel, parentPort, type MessagePort } from 'node:worker_threads';
import {
  compileRules,
  type Compilation,
  type DatasetSpec,
  type LanguageOptions,
  type RuleSource,
} from '../../rules/index.js';

/**
 * A compilation whose program for the engine has not been unpacked: that waits in the port for the thread that judges. It
 * is most of it, and nobody else looks into it.
 */
export interface CompiledSet extends Omit<Compilation, 'engine'> {
  /** Holds one message: an EngineProgram without its sets of values. */
  readonly engine: MessagePort;
  readonly datasets: readonly DatasetSpec[];
}

export interface CompileRequest {
  readonly id: number;
  readonly sources: readonly RuleSource[];
  readonly options: LanguageOptions;
}

export type CompileAnswer =
  | { readonly id: number; readonly compilation: CompiledSet }
  | { readonly id: number; readonly failure: unknown }
  /** The share of the rules that is parsed, 0 to 1. */
  | { readonly id: number; readonly parsed: number };

if (!parentPort) throw new Error('compile-worker.js is a worker thread, not a program');
const port = parentPort;

port.on('message', (request: CompileRequest) => {
  try {
    const compilation = compileRules([...request.sources], request.options, (parsed) => {
      port.postMessage({ id: request.id, parsed } satisfies CompileAnswer);
    });
    const { blob, addresses } = compilation.ruleset;
    const { starts, spans } = compilation.addresses;
    const columns = compilation.addressLists.flatMap(({ prefixes: { addr4, len4, addr6, len6 } }) => [
      addr4.buffer,
      len4.buffer,
      addr6.buffer,
      len6.buffer,
    ]);
    const { engine, ...rest } = compilation;
    const { datasets, ...program } = engine;
    const channel = new MessageChannel();
    channel.port1.postMessage(program);
    channel.port1.unref();
    const answer: CompileAnswer = { id: request.id, compilation: { ...rest, engine: channel.port2, datasets } };
    const tables = [blob.buffer as ArrayBuffer, addresses.buffer as ArrayBuffer, starts.buffer, spans.buffer];
    port.postMessage(answer, [...tables, ...columns, channel.port2]);
  } catch (failure) {
    const answer: CompileAnswer = { id: request.id, failure };
    port.postMessage(answer);
  }
});
