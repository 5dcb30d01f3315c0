// SPDX-License-Identifier: Apache-2.0
// Lines appended to a file that others may rotate at any time: by rename, unlink or copy and truncate; or that is rotated
// here.

import { constants, statSync, writeSync, type BigIntStats } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, systemCode } from '../../common/errors.js';
import type { FileConfig } from '../config.js';
import type { Batch } from '../entry.js';
import type { LineBatch } from '../lines.js';
import { Rotation } from './rotation.js';
import { DeliveryError, type Sink } from './sink.js';
import { trimHalfLine } from './whole-lines.js';

// Without NONBLOCK a path that turned into a pipe would hang the open.
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;

/** Up to so many bytes are written at once: a copy in memory, where the way through a pool of threads takes longer. */
const AT_ONCE = 1 << 20;
/** Unless a write took so long: then the disk is busy, and the pool writes for a while. */
const SLOW_MS = 5;
const BUSY_MS = 10_000;

/** Whether a file that nobody writes to is due is looked at so often at least: clocks are set. */
const LOOK_MS = 60_000;

interface Opened {
  readonly handle: FileHandle;
  readonly ino: bigint;
  readonly dev: bigint;
  /** When it was made, or was still empty: milliseconds since the epoch. */
  born: number;
}

/** What the path names; undefined if that cannot be told. */
function statOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

export class FileSink implements Sink {
  readonly name: string;
  readonly target: string;
  readonly #path: string;
  readonly #mode: number;
  readonly #rotation: Rotation | undefined;
  #file: Opened | undefined;
  #stale = false;
  #busyUntil = 0;
  #writing = 0;
  /** A file that nobody writes to is being put aside. */
  #rotating: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  private constructor(config: FileConfig) {
    this.name = config.name;
    this.target = config.path;
    this.#path = config.path;
    this.#mode = config.mode;
    if (config.rotate) this.#rotation = new Rotation(config.path, config.rotate);
  }

  /** @throws DeliveryError if the file cannot be opened for appending. */
  static async open(config: FileConfig): Promise<FileSink> {
    const sink = new FileSink(config);
    sink.#file = await sink.#open();
    await trimHalfLine(config.path);
    sink.#rotation?.tidy();
    sink.#arm();
    return sink;
  }

  async deliver(batch: Batch): Promise<void> {
    let text = '';
    for (const entry of batch.entries) text += `${entry.line}\n`;
    await this.#write(Buffer.from(text));
  }

  deliverLines({ bytes }: LineBatch): Promise<void> {
    return this.#write(bytes);
  }

  reopen(): void {
    this.#stale = true;
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#rotating;
    await this.#letGo();
    await this.#rotation?.close();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    await this.#rotating;
    this.#writing++;
    try {
      const { handle } = await this.#current(bytes.length);
      await this.#append(handle, bytes);
    } finally {
      this.#writing--;
    }
  }

  /** Wakes up when the next period begins: who is not written to is put aside as well. */
  #arm(): void {
    if (!this.#rotation) return;
    const ms = Math.min(this.#rotation.untilNext() + 1, LOOK_MS);
    this.#timer = setTimeout(() => {
      this.#arm();
      // What is written to has just been looked at.
      if (this.#writing > 0 || this.#rotating) return;
      // Where it fails who writes next tries again.
      this.#rotating = this.#rotateIdle()
        .catch(() => undefined)
        .finally(() => (this.#rotating = undefined));
    }, ms).unref();
  }

  async #rotateIdle(): Promise<void> {
    const file = this.#file;
    const now = statOf(this.#path);
    if (!file || now?.ino !== file.ino || now.dev !== file.dev) return;
    if (!(await this.#rotated(Number(now.size), file, 0))) return;
    await this.#letGo();
    this.#file = await this.#open();
  }

  async #letGo(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.handle.close();
  }

  /** The file that the path names now, with room for so many bytes. */
  async #current(more: number): Promise<Opened> {
    const file = this.#file;
    if (file && !this.#stale) {
      const now = statOf(this.#path);
      const same = now?.ino === file.ino && now.dev === file.dev;
      if (same && !(await this.#rotated(Number(now.size), file, more))) return file;
    }
    await this.#letGo();
    this.#stale = false;
    return (this.#file = await this.#open());
  }

  /** Puts the file aside if it is time; one that cannot be put aside goes on: records come first. */
  async #rotated(bytes: number, file: Opened, more: number): Promise<boolean> {
    // Its age is that of what is in it.
    if (bytes === 0) file.born = Date.now();
    if (!this.#rotation?.due(bytes, file.born, more)) return false;
    try {
      await this.#rotation.rotate();
      return true;
    } catch {
      return false;
    }
  }

  async #open(): Promise<Opened> {
    try {
      const handle = await this.#openOrMake();
      const now = await handle.stat({ bigint: true });
      // Not every file system knows when a file was made.
      const born = Number(now.birthtimeMs > 0n ? now.birthtimeMs : now.mtimeMs);
      if (now.isFile()) return { handle, ino: now.ino, dev: now.dev, born };
      await handle.close();
    } catch (error) {
      // ENXIO: a pipe or socket that nobody reads.
      if (systemCode(error) !== 'ENXIO') {
        throw new DeliveryError(`cannot append to ${this.#path}: ${messageOf(error)}`, { cause: error });
      }
    }
    throw new DeliveryError(`cannot append to ${this.#path}: it is not a regular file: name another path`);
  }

  /** Makes the folder if that is all that is missing (one level: a recursive mkdir below /proc never returns). */
  async #openOrMake(): Promise<FileHandle> {
    try {
      return await open(this.#path, FLAGS, this.#mode);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
      await mkdir(dirname(this.#path), { mode: 0o750 }).catch(() => undefined);
      return open(this.#path, FLAGS, this.#mode);
    }
  }

  /** Writes all of it or none: half a line must not stay where the next one will follow. */
  async #append(handle: FileHandle, data: Uint8Array): Promise<void> {
    let done = 0;
    try {
      while (done < data.length) {
        const begin = performance.now();
        if (data.length > AT_ONCE || begin < this.#busyUntil) {
          done += (await handle.write(data, done)).bytesWritten;
          continue;
        }
        done += writeSync(handle.fd, data, done);
        const end = performance.now();
        if (end - begin > SLOW_MS) this.#busyUntil = end + BUSY_MS;
      }
    } catch (error) {
      const { size } = await handle.stat().catch(() => ({ size: 0 }));
      if (done > 0 && size >= done) await handle.truncate(size - done).catch(() => undefined);
      throw new DeliveryError(`cannot append to ${this.#path}: ${messageOf(error)}`, { cause: error });
    }
  }
}
