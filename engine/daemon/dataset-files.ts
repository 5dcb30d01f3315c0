// SPDX-License-Identifier: Apache-2.0
// The data sets that rules keep in files of the daemon (`state`, `save`): read when rules are loaded, and written, as the
// ring reader tells what packets have changed, some seconds after a change and at the end.

import { mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { IdsError, messageOf, systemCode } from '../../common/errors.js';
import { formatValue, parseValue, type DatasetChange, type DatasetSpec, type DatasetType } from '../../rules/index.js';

const WRITE_MS = 10_000;

interface Kept {
  readonly type: DatasetType;
  readonly keys: Set<string>;
  dirty: boolean;
}

export class DatasetFiles {
  readonly #directory: string;
  readonly #onFailure: (error: unknown) => void;
  readonly #kept = new Map<string, Kept>();
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param stateDir the sets are in its directory `datasets`
   * @param onFailure told if a set could not be written; the next change tries again
   */
  constructor(stateDir: string, onFailure: (error: unknown) => void) {
    this.#directory = join(stateDir, 'datasets');
    this.#onFailure = onFailure;
  }

  /**
   * The sets with what their files hold.
   * @throws IdsError STORE_FAILED
   */
  begin(specs: readonly DatasetSpec[]): DatasetSpec[] {
    return specs.map((spec) => {
      const { state, save, type } = spec;
      const file = state ?? save;
      if (file === undefined) return spec;
      let kept = this.#kept.get(file);
      if (kept?.type !== type) {
        const keys = state === undefined ? new Set(spec.values.keys()) : this.#read(state, type);
        this.#kept.set(file, (kept = { type, keys, dirty: false }));
      }
      return { ...spec, values: new Map([...kept.keys].map((key) => [key, 0])) };
    });
  }

  /** Packets have changed sets. */
  apply(changes: readonly DatasetChange[]): void {
    for (const { file, key, add } of changes) {
      const kept = this.#kept.get(file);
      if (!kept) continue;
      if (add) kept.keys.add(key);
      else kept.keys.delete(key);
      kept.dirty = true;
    }
    this.#timer ??= setTimeout(() => this.#flush(), WRITE_MS).unref();
  }

  close(): void {
    this.#flush();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [file, kept] of this.#kept) {
      if (!kept.dirty) continue;
      try {
        this.#write(file, kept);
        kept.dirty = false;
      } catch (error) {
        this.#onFailure(error);
      }
    }
  }

  #read(file: string, type: DatasetType): Set<string> {
    try {
      const lines = readFileSync(this.#place(file), 'utf8').split('\n');
      return new Set(lines.flatMap((line) => parseValue(type, line.trim()) ?? []));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return new Set();
      const text = `the data set ${file} cannot be read (${messageOf(error)}): remove it to go on without it`;
      throw new IdsError('STORE_FAILED', text, { cause: error });
    }
  }

  #write(file: string, { type, keys }: Kept): void {
    const path = this.#place(file);
    const text = [...keys].map((key) => `${formatValue(type, key)}\n`).join('');
    writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
    renameSync(`${path}.new`, path);
  }

  /** The parser takes no name that leads out; a link could. */
  #place(file: string): string {
    const path = join(this.#directory, file);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const base = realpathSync(this.#directory);
    if (!`${realpathSync(dirname(path))}${sep}`.startsWith(`${base}${sep}`)) {
      throw new IdsError('STORE_FAILED', `${path} leads out of ${base}: remove the link`);
    }
    return path;
  }
}
