// SPDX-License-Identifier: Apache-2.0
// What is remembered of each feed between runs: one small file, replaced as a whole.

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import * as z from 'zod';
import { systemCode } from '../../common/errors.js';

const one = z.object({
  state: z.enum(['never', 'updated', 'unchanged', 'kept', 'failed']),
  /** Of the configuration that the content came by: another source or reading starts afresh. */
  fingerprint: z.string(),
  entries: z.number(),
  refused: z.number(),
  badLines: z.number(),
  bytes: z.number(),
  failures: z.number(),
  format: z.string().optional(),
  etag: z.string().optional(),
  lastModified: z.string().optional(),
  /** Wall clock milliseconds. */
  lastAttempt: z.number().optional(),
  lastSuccess: z.number().optional(),
  /** When entries end that say nothing themselves: wall clock milliseconds; absent = never. */
  until: z.number().optional(),
  error: z.string().optional(),
  /** The first bad lines of the content that was taken. */
  firstBadLines: z
    .array(z.object({ line: z.number(), column: z.number(), cause: z.string(), text: z.string() }))
    .readonly()
    .optional(),
  /** Kinds of failure that were told since it last worked. */
  told: z.array(z.string()).optional(),
});

const all = z.record(z.string(), one);

export type FeedState = z.output<typeof one>;

export const NEW_STATE: FeedState = {
  state: 'never',
  fingerprint: '',
  entries: 0,
  refused: 0,
  badLines: 0,
  bytes: 0,
  failures: 0,
};

export class FeedStates {
  readonly #file: string;
  readonly #states: Map<string, FeedState>;

  private constructor(file: string, states: Map<string, FeedState>) {
    this.#file = file;
    this.#states = states;
  }

  /** A file that is missing or damaged costs one unconditional fetch of each feed, nothing else. */
  static open(file: string, onDamaged: (error: unknown) => void): FeedStates {
    try {
      const states = all.parse(JSON.parse(readFileSync(file, 'utf8')));
      return new FeedStates(file, new Map(Object.entries(states)));
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') onDamaged(error);
      return new FeedStates(file, new Map());
    }
  }

  names(): string[] {
    return [...this.#states.keys()];
  }

  get(name: string): FeedState {
    return this.#states.get(name) ?? NEW_STATE;
  }

  set(name: string, state: FeedState): void {
    this.#states.set(name, state);
    this.#write();
  }

  delete(name: string): void {
    if (this.#states.delete(name)) this.#write();
  }

  #write(): void {
    const fresh = `${this.#file}.new`;
    const fd = openSync(fresh, 'w', 0o600);
    try {
      writeSync(fd, JSON.stringify(Object.fromEntries(this.#states), null, 1));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(fresh, this.#file);
  }
}
