// SPDX-License-Identifier: Apache-2.0
// The file that the audit log is written to: whole lines, on the disk when `append` resolves, or none of them.

import { closeSync, fdatasync, fstatSync, ftruncateSync, openSync, renameSync, statSync, write } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { IdsError, messageOf } from '../../common/errors.js';
import { syncFolder } from './durable.js';

const writeBytes = promisify(write);
const sync = promisify(fdatasync);

/** What somebody else has done to the file since the last line; it is told, and writing goes on. */
export type Meddled = 'the file was moved away or removed' | 'the file was written to or cut by somebody else';

export class AuditFile {
  readonly path: string;
  #fd: number;
  #size: number;

  private constructor(path: string, fd: number, size: number) {
    this.path = path;
    this.#fd = fd;
    this.#size = size;
  }

  /** @throws IdsError AUDIT_FAILED */
  static open(path: string): AuditFile {
    try {
      const fd = openSync(path, 'a', 0o600);
      syncFolder(dirname(path));
      return new AuditFile(path, fd, fstatSync(fd).size);
    } catch (error) {
      const remedy = 'make the folder, or choose another audit.path';
      throw new IdsError('AUDIT_FAILED', `cannot open the audit log ${path}: ${messageOf(error)}: ${remedy}`, {
        cause: error,
      });
    }
  }

  get size(): number {
    return this.#size;
  }

  /** Looks whether the file is still what was written; opens it anew if it is gone. */
  inspect(): Meddled | undefined {
    const ours = fstatSync(this.#fd);
    const there = statSync(this.path, { throwIfNoEntry: false });
    if (there?.ino !== ours.ino || there.dev !== ours.dev) {
      this.#reopen();
      return 'the file was moved away or removed';
    }
    if (ours.size === this.#size) return undefined;
    this.#size = ours.size;
    return 'the file was written to or cut by somebody else';
  }

  /** Writes at the end. On failure nothing of it is left, as far as the disk allows. */
  async append(bytes: Buffer): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) at += (await writeBytes(this.#fd, bytes, at)).bytesWritten;
      await sync(this.#fd);
    } catch (error) {
      ftruncateSync(this.#fd, this.#size);
      throw error;
    }
    this.#size += bytes.length;
  }

  /** Gives the file another name and begins a new one. */
  rotate(name: string): void {
    renameSync(this.path, name);
    this.#reopen();
  }

  #reopen(): void {
    const fd = openSync(this.path, 'a', 0o600);
    closeSync(this.#fd);
    this.#fd = fd;
    this.#size = fstatSync(fd).size;
    syncFolder(dirname(this.path));
  }

  /** Idempotent. */
  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }
}
