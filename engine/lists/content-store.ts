// SPDX-License-Identifier: Apache-2.0
// Large contents beside the database: written and synchronised off the main thread, named by it in one small transaction.

import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, unlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { IdsError, messageOf } from '../../common/errors.js';

/** Where a content lies and what it must look like. */
export interface StoredContent {
  /** In the directory of contents; undefined = `bytes` are in the database. */
  readonly file: string | undefined;
  readonly bytes: Uint8Array | undefined;
  readonly size: number;
  readonly crc: number;
}

/** Smaller ones are cheaper in the database: no file of their own, no second wait for the disk. */
const INLINE = 128 * 1024;

/** Bytes of a write: the checksum of so many holds nobody up. */
const CHUNK = 4 * 1024 * 1024;

const FORM = /^[0-9a-f]{16}\.cols$/;

/** Owns a directory of files that are written once. */
export class ContentStore {
  readonly #dir: string | undefined;

  /** @param dir undefined = nothing is kept (replay, tests) */
  constructor(dir: string | undefined) {
    this.#dir = dir;
    if (dir !== undefined) mkdirSync(dir, { recursive: true, mode: 0o700 });
  }

  /** A content that goes into the database whatever its size. */
  inBase(bytes: Uint8Array): StoredContent {
    return { file: undefined, bytes, size: bytes.length, crc: crc32(bytes) };
  }

  /** Writes a content; it is on the disk when this resolves. @throws IdsError STORE_FAILED */
  async write(bytes: Uint8Array): Promise<StoredContent> {
    const { length: size } = bytes;
    if (this.#dir === undefined || size <= INLINE) return this.inBase(bytes);
    const file = `${randomBytes(8).toString('hex')}.cols`;
    try {
      const handle = await open(join(this.#dir, file), 'wx', 0o600);
      let crc = 0;
      try {
        for (let at = 0; at < size; at += CHUNK) {
          const chunk = bytes.subarray(at, at + CHUNK);
          crc = crc32(chunk, crc);
          await handle.writeFile(chunk);
        }
        await handle.sync();
      } finally {
        await handle.close();
      }
      const directory = await open(this.#dir, 'r');
      await directory.sync().finally(() => directory.close());
      return { file, bytes: undefined, size, crc };
    } catch (error) {
      this.remove(file);
      const text = `${this.#dir}/${file} cannot be written (${messageOf(error)}): check the space on its disk`;
      throw new IdsError('STORE_FAILED', text, { cause: error });
    }
  }

  /** @throws IdsError STORE_FAILED if it is not what was written */
  read(stored: StoredContent): Uint8Array {
    const where = join(this.#dir ?? '', stored.file ?? '');
    try {
      const bytes = stored.bytes ?? readFileSync(where);
      if (bytes.length !== stored.size || crc32(bytes) !== stored.crc) throw new Error('its checksum is wrong');
      return bytes;
    } catch (error) {
      const what = stored.file === undefined ? 'a content in the store of the lists' : where;
      const text = `${what} is damaged (${messageOf(error)}): restore a copy of the state directory, or move it away and start again with empty lists`;
      throw new IdsError('STORE_FAILED', text, { cause: error });
    }
  }

  remove(file: string | undefined): void {
    if (file === undefined || this.#dir === undefined) return;
    try {
      unlinkSync(join(this.#dir, file));
    } catch {
      // Gone already, or never there: the next start looks again.
    }
  }

  /** Removes what a killed process left unfinished. */
  keepOnly(files: ReadonlySet<string>): void {
    if (this.#dir === undefined) return;
    for (const name of readdirSync(this.#dir)) if (FORM.test(name) && !files.has(name)) this.remove(name);
  }
}
