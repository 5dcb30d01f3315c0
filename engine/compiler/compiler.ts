// SPDX-License-Identifier: Apache-2.0
// The main thread's end of the rule compiler: a thread that goes on after small sets, so that the next one finds its code
// loaded and warm, and ends after large ones, whose memory is given back with it.

import { Worker } from 'node:worker_threads';
import { IdsError } from '../../common/errors.js';
import type { LanguageOptions, PackedCompilation, RuleSource } from '../../rules/index.js';
import type { CompileAnswer, CompileRequest } from './compile-worker.js';

/** Room for what is made and thrown away: with little of it a third of the time goes into collecting. */
const YOUNG_MB = 96;
/** Characters of rules after which the thread goes on: some 10,000 rules. */
const KEPT_LENGTH = 2 << 20;

interface Waiting {
  readonly resolve: (compilation: PackedCompilation) => void;
  readonly reject: (error: unknown) => void;
  readonly onParsed?: (share: number) => void;
  /** Its memory is worth more than a thread that is ready. */
  readonly large: boolean;
}

export class Compiler {
  #worker: Worker | undefined;
  #nextId = 1;
  /** A large set was compiled by the thread that runs. */
  #large = false;
  readonly #waiting = new Map<number, Waiting>();

  /**
   * Compiles rule sources; problems in them are part of the result, not errors.
   * @param onParsed told the share of the rules that is parsed, 0 to 1
   */
  compile(
    sources: readonly RuleSource[],
    options: LanguageOptions,
    onParsed?: (share: number) => void,
  ): Promise<PackedCompilation> {
    const worker = (this.#worker ??= this.#start());
    worker.ref();
    const request: CompileRequest = { id: this.#nextId++, sources, options };
    return new Promise((resolve, reject) => {
      const large = sources.reduce((sum, { text }) => sum + text.length, 0) > KEPT_LENGTH;
      this.#waiting.set(request.id, { resolve, reject, large, ...(onParsed ? { onParsed } : {}) });
      worker.postMessage(request);
    });
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#large = false;
    this.#reject(new IdsError('INTERNAL', 'the rule compiler was closed before it was done'));
    await worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL('./compile-worker.js', import.meta.url), {
      name: 'ids-compile',
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    worker.on('message', (answer: CompileAnswer) => this.#onAnswer(answer));
    worker.on('error', (error) => this.#fail(worker, error));
    worker.on('exit', () => this.#fail(worker, new IdsError('INTERNAL', 'the rule compiler ended before it was done')));
    return worker;
  }

  #onAnswer(answer: CompileAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    if ('parsed' in answer) return waiting?.onParsed?.(answer.parsed);
    this.#waiting.delete(answer.id);
    if ('failure' in answer) waiting?.reject(answer.failure);
    else waiting?.resolve(answer.compilation);
    this.#large ||= waiting?.large ?? false;
    if (this.#waiting.size > 0) return;
    // Its memory, some hundred megabytes after a large set, is given back before the set is installed.
    if (this.#large) void this.close();
    else this.#worker?.unref();
  }

  /** A thread that was given up has nothing to say about what its successor works on. */
  #fail(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#reject(error);
  }

  #reject(error: unknown): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}
