// SPDX-License-Identifier: Apache-2.0
// Generations of updated rules on disk: a folder each, never changed once it is there, and a file that names the one in use.

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { systemCode } from '../../common/errors.js';
import type { RuleSource } from '../../rules/index.js';
import { noFilterCounts, type FilterCounts } from './filter-rules.js';

const meta = z.object({
  created: z.string(),
  files: z.array(z.string()),
  counts: z.object({
    rules: z.number(),
    disabled: z.number(),
    enabled: z.number(),
    dropping: z.number(),
    modified: z.number(),
  }),
});

export interface Generation {
  readonly number: number;
  /** ISO 8601. */
  readonly created: string;
  /** Paths in the folder. */
  readonly files: readonly string[];
  readonly counts: FilterCounts;
}

export class Generations {
  readonly #folder: string;

  /** @param folder made if it is not there */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** Number of the one in use; undefined: none. */
  get current(): number | undefined {
    try {
      const number = Number(readFileSync(join(this.#folder, 'current'), 'utf8'));
      return Number.isInteger(number) && existsSync(this.#path(number)) ? number : undefined;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** All that are kept, the oldest first. */
  list(): Generation[] {
    const numbers = readdirSync(this.#folder)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
    return numbers.sort((a, b) => a - b).map((number) => this.#read(number));
  }

  #path(number: number): string {
    return join(this.#folder, String(number));
  }

  #read(number: number): Generation {
    try {
      const text = readFileSync(join(this.#path(number), 'meta.json'), 'utf8');
      return { number, ...meta.parse(JSON.parse(text)) };
    } catch {
      return { number, created: '', files: [], counts: noFilterCounts };
    }
  }

  /** The files of a generation; none if it is not there. */
  sources(number: number | undefined): RuleSource[] {
    if (number === undefined) return [];
    return this.#read(number).files.map((name) => {
      const file = join(this.#path(number), name);
      return { file, text: readFileSync(file, 'utf8') };
    });
  }

  /** Writes a new generation, whole or not at all; it is not in use yet. */
  add(files: readonly RuleSource[], counts: FilterCounts): number {
    const number = Math.max(0, ...this.list().map((one) => one.number)) + 1;
    const fresh = join(this.#folder, `${number}.new`);
    rmSync(fresh, { recursive: true, force: true });
    for (const { file, text } of files) {
      mkdirSync(dirname(join(fresh, file)), { recursive: true, mode: 0o700 });
      writeFileSync(join(fresh, file), text, { mode: 0o600, flush: true });
    }
    const about = { created: new Date().toISOString(), files: files.map(({ file }) => file), counts };
    writeFileSync(join(fresh, 'meta.json'), JSON.stringify(about), { mode: 0o600, flush: true });
    renameSync(fresh, this.#path(number));
    return number;
  }

  remove(number: number): void {
    rmSync(this.#path(number), { recursive: true, force: true });
  }

  /** Puts a generation in use, and removes all but the `keep` newest and this one. */
  use(number: number, keep: number): void {
    const file = join(this.#folder, 'current');
    writeFileSync(`${file}.new`, String(number), { mode: 0o600, flush: true });
    renameSync(`${file}.new`, file);
    const others = this.list().filter((one) => one.number !== number);
    for (const one of others.slice(0, Math.max(0, others.length - keep))) this.remove(one.number);
  }
}

/** Where the daemon keeps them. */
export function updatesFolder(stateDir: string): string {
  return join(stateDir, 'rules');
}

/** The files of the generation in use. */
export function updatedSources(stateDir: string): RuleSource[] {
  const generations = new Generations(updatesFolder(stateDir));
  return generations.sources(generations.current);
}
