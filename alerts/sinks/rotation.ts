// SPDX-License-Identifier: Apache-2.0
// Puts a file aside once it is large or old enough: renamed, packed in the background, and only so many kept.

import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { RotateConfig } from '../config/file.js';

/** Of a file that is put aside: PATH.20260102T030405Z, with -001 … behind it in the same second, and .gz once packed. */
const ASIDE = /^\.\d{8}T\d{6}Z(-\d{3})?(\.gz(\.part)?)?$/;

function stampOf(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '');
}

export class Rotation {
  readonly #path: string;
  readonly #config: RotateConfig;
  readonly #stop = new AbortController();
  #tidying: Promise<void> | undefined;
  #again = false;

  constructor(path: string, config: RotateConfig) {
    this.#path = path;
    this.#config = config;
  }

  /** @param bytes of the file; @param born when it was made, ms since the epoch; @param more bytes that are to come */
  due(bytes: number, born: number, more: number, now = Date.now()): boolean {
    const { size, every } = this.#config;
    if (bytes === 0) return false;
    return bytes + more > size || Math.floor(now / every) > Math.floor(born / every);
  }

  /** Milliseconds until the next period begins. */
  untilNext(now = Date.now()): number {
    const { every } = this.#config;
    return every - (now % every);
  }

  /** Puts the file aside, whole: whoever writes next makes a new one. @throws as rename(2) does */
  async rotate(now = Date.now()): Promise<void> {
    const base = `${this.#path}.${stampOf(now)}`;
    let name = base;
    for (let n = 1; existsSync(name) || existsSync(`${name}.gz`); n++) name = `${base}-${String(n).padStart(3, '0')}`;
    await rename(this.#path, name);
    this.tidy();
  }

  /** Packs and removes what is due, in the background; what cannot be packed stays as it is until the next time. */
  tidy(): void {
    if (this.#tidying) this.#again = true;
    else this.#tidying = this.#tidy().finally(() => (this.#tidying = undefined));
  }

  /** Ends what goes on in the background: a file that is half packed is packed another time. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#tidying;
  }

  async #tidy(): Promise<void> {
    do {
      this.#again = false;
      try {
        const names = await this.#aside();
        // Half a file of one who was killed.
        for (const name of names.filter((one) => one.endsWith('.part'))) await rm(name, { force: true });
        const whole = names.filter((one) => !one.endsWith('.part'));
        const old = whole.slice(0, Math.max(0, whole.length - this.#config.keep));
        for (const name of old) await rm(name, { force: true });
        for (const name of this.#config.compress ? whole.slice(old.length) : []) {
          if (!name.endsWith('.gz')) await this.#pack(name);
        }
      } catch {
        // A full disk, or a folder that is gone.
      }
    } while (this.#again && !this.#stop.signal.aborted);
  }

  /** What was put aside, oldest first. */
  async #aside(): Promise<string[]> {
    const [folder, base] = [dirname(this.#path), basename(this.#path)];
    const names = (await readdir(folder)).filter(
      (name) => name.startsWith(base) && ASIDE.test(name.slice(base.length)),
    );
    // Without their endings, so that what is packed and what is not sort alike.
    const age = (name: string): string => name.replace(/\.gz(\.part)?$/, '');
    return names.sort((a, b) => (age(a) < age(b) ? -1 : 1)).map((name) => join(folder, name));
  }

  async #pack(name: string): Promise<void> {
    const part = `${name}.gz.part`;
    const { signal } = this.#stop;
    try {
      const { mode } = await stat(name);
      const out = createWriteStream(part, { mode: mode & 0o777, flags: 'wx' });
      await pipeline(createReadStream(name), createGzip(), out, { signal });
      const handle = await open(part, 'r');
      await handle.sync().finally(() => handle.close());
      await rename(part, `${name}.gz`);
      await rm(name);
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  }
}
