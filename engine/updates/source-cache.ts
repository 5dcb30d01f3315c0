// SPDX-License-Identifier: Apache-2.0
// What each source sent last, as it came, and what it said about it: the next request asks for anything newer.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import type { UpdateSource } from '../config/updates-schema.js';
import type { Validators } from '../feeds/fetch.js';

const state = z.object({
  fingerprint: z.string(),
  etag: z.string().optional(),
  lastModified: z.string().optional(),
});

/** What is fetched: from another place nothing that is there is of use. */
function fingerprintOf({ url, file, checksum }: UpdateSource): string {
  return createHash('sha256')
    .update(JSON.stringify([url, file, checksum]))
    .digest('hex');
}

export interface Cached {
  readonly bytes: Uint8Array;
  readonly validators: Validators;
}

export class SourceCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  get(source: UpdateSource): Cached | undefined {
    try {
      const text = readFileSync(join(this.#folder, `${source.name}.json`), 'utf8');
      const { fingerprint, etag, lastModified } = state.parse(JSON.parse(text));
      if (fingerprint !== fingerprintOf(source)) return undefined;
      const bytes = readFileSync(join(this.#folder, `${source.name}.bin`));
      const validators = {
        ...(etag === undefined ? {} : { etag }),
        ...(lastModified === undefined ? {} : { lastModified }),
      };
      return { bytes, validators };
    } catch {
      // Nothing of use costs one whole download.
      return undefined;
    }
  }

  put(source: UpdateSource, { bytes, validators }: Cached): void {
    const known = { fingerprint: fingerprintOf(source), ...validators };
    this.#write(`${source.name}.bin`, bytes);
    this.#write(`${source.name}.json`, JSON.stringify(known));
  }

  #write(name: string, content: Uint8Array | string): void {
    const file = join(this.#folder, name);
    writeFileSync(`${file}.new`, content, { mode: 0o600, flush: true });
    renameSync(`${file}.new`, file);
  }
}
