// SPDX-License-Identifier: Apache-2.0
// The audit log: entries become lines of the chain, many in one write when many come at once, each on the disk before
// its `append` resolves. What cannot be written waits and is tried again; the action that it tells of is not held up.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../common/errors.js';
import type { Actor } from './actor.js';
import { AuditFile } from './audit-file.js';
import { sealed, type Head } from './chain.js';
import { checkpointWord, signCheckpoint } from './checkpoint.js';
import { writeWhole } from './durable.js';
import type { AuditEntry } from './entry.js';
import { rotatedFiles } from './files.js';
import { openKeys, type AuditKeys } from './keys.js';
import { CHECKPOINT_FILE, resume, type Resumed } from './resume.js';

export interface AuditLogOptions {
  readonly file: string;
  /** Where the key and the latest checkpoint are kept. */
  readonly folder: string;
  /** A file that has so many bytes is rotated away; so many of these are kept. */
  readonly maxBytes: number;
  readonly files: number;
  /** A checkpoint is signed after so many lines, or so many milliseconds after one that is not signed. */
  readonly checkpointRecords: number;
  readonly checkpointMs: number;
  /** Told when writing fails or the file was meddled with, and when it works again. */
  readonly onTrouble: (message: string) => void;
  readonly onWorks?: () => void;
  /** Told each checkpoint, as one word. */
  readonly onCheckpoint?: (word: string) => void;
}

export interface AuditFigures {
  /** Number of the last line. */
  readonly records: number;
  /** Of these, up to which one a signed checkpoint reaches. */
  readonly signed: number;
  /** Entries that wait because they could not be written. */
  readonly waiting: number;
  /** Entries that found no room to wait. */
  readonly lost: number;
  /** Writes that failed. */
  readonly failures: number;
}

const MAX_WAITING = 1000;
const MAX_BATCH = 200;
const RETRY_MS = 5000;
const SELF: Actor = { engine: 'audit' };

interface Waiting {
  readonly time: string;
  /** Made when its turn comes: a checkpoint signs what is then before it. */
  readonly entry: (head: Head) => AuditEntry;
  readonly written: () => void;
}

export class AuditLog {
  readonly clean: boolean;
  readonly #options: AuditLogOptions;
  readonly #keys: AuditKeys;
  readonly #file: AuditFile;
  #head: Head;
  /** Number of the first line of the file that is written; 0: it has none. */
  #first: number;
  #signed: number;
  #waiting: Waiting[] = [];
  #lost = 0;
  #untold = 0;
  #failures = 0;
  #failing = false;
  #running: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** A checkpoint is on its way. */
  #signing = false;
  #closed = false;

  private constructor(options: AuditLogOptions, keys: AuditKeys, file: AuditFile, resumed: Resumed) {
    this.#options = options;
    this.#keys = keys;
    this.#file = file;
    this.#head = resumed.head;
    this.#first = resumed.first;
    this.#signed = resumed.signed;
    this.clean = resumed.clean;
  }

  /** @throws IdsError AUDIT_FAILED */
  static open(options: AuditLogOptions): AuditLog {
    const keys = openKeys(options.folder);
    const resumed = resume(options.file, options.folder, keys);
    const log = new AuditLog(options, keys, AuditFile.open(options.file), resumed);
    for (const what of resumed.damage) {
      options.onTrouble(`${String(what['found'])}: see "ids audit verify"`);
      void log.append({ action: 'audit.damaged', actor: SELF, outcome: 'done', what });
    }
    return log;
  }

  get figures(): AuditFigures {
    const { seq: records } = this.#head;
    const waiting = this.#failing ? this.#waiting.length : 0;
    return { records, signed: this.#signed, waiting, lost: this.#lost, failures: this.#failures };
  }

  /** Resolves when the entry is on the disk, or when that has failed, which is told and tried again; never rejects. */
  append(entry: AuditEntry): Promise<void> {
    return this.#enqueue(() => entry);
  }

  /** Signs what there is. @param at why: `records`, `interval` or `stop` */
  async checkpoint(at: string): Promise<void> {
    this.#signing = true;
    await this.#enqueue((head) => {
      const word = checkpointWord(signCheckpoint(head, Date.now(), this.#keys));
      return { action: 'checkpoint', actor: SELF, outcome: 'done', what: { at, checkpoint: word } };
    });
  }

  /** Writes what waits, as far as that is possible, and a last checkpoint. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    if (this.#signed < this.#head.seq || this.#waiting.length > 0) await this.checkpoint('stop');
    this.#closed = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#timer);
    this.#file.close();
  }

  #enqueue(entry: Waiting['entry']): Promise<void> {
    if (this.#closed || this.#waiting.length >= MAX_WAITING) {
      this.#lost++;
      this.#untold++;
      return Promise.resolve();
    }
    return new Promise((written) => {
      this.#waiting.push({ time: new Date().toISOString(), entry, written });
      this.#running ??= this.#run();
    });
  }

  async #run(): Promise<void> {
    // Others of this turn go along in one write.
    await Promise.resolve();
    clearTimeout(this.#retry);
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, MAX_BATCH);
      try {
        await this.#write(batch);
        this.#waiting = this.#waiting.slice(batch.length);
        this.#works();
      } catch (error) {
        this.#fails(error);
        break;
      }
      for (const { written } of batch) written();
    }
    this.#running = undefined;
    // Nobody waits for the disk to have room.
    for (const { written } of this.#waiting) written();
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    const meddled = this.#file.inspect();
    if (meddled !== undefined) this.#options.onTrouble(`audit log ${this.#file.path}: ${meddled}`);
    if (this.#file.size === 0) this.#first = 0;
    const extra: AuditEntry[] = [];
    const tell = (action: string, what: AuditEntry['what'] = {}): void =>
      void extra.push({ action, actor: SELF, outcome: 'done', what });
    if (meddled !== undefined) tell('audit.damaged', { found: meddled });
    if (this.#untold > 0) tell('audit.lost', { entries: this.#untold });
    const rotated = this.#file.size >= this.#options.maxBytes ? this.#rotate() : undefined;
    if (rotated) tell('audit.rotate', rotated.what);
    let head = this.#head;
    const lines: string[] = [];
    const now = new Date().toISOString();
    const add = (time: string, entry: AuditEntry): void => {
      const next = sealed(head, time, entry);
      head = next.head;
      lines.push(`${next.line}\n`);
    };
    for (const entry of extra) add(now, entry);
    let signs = false;
    for (const { time, entry } of batch) {
      const made = entry(head);
      signs = made.action === 'checkpoint';
      if (signs) this.#signing = false;
      add(time, made);
    }
    await this.#file.append(Buffer.from(lines.join('')));
    if (this.#first === 0) this.#first = this.#head.seq + 1;
    this.#head = head;
    this.#untold = 0;
    for (const path of rotated?.drop ?? []) rmSync(path, { force: true });
    if (signs) this.#remember();
    else if (!this.#signing) this.#schedule();
  }

  /** What was written is signed soon. */
  #schedule(): void {
    const { checkpointRecords, checkpointMs } = this.#options;
    if (this.#head.seq - this.#signed >= checkpointRecords) void this.checkpoint('records');
    else this.#timer ??= setTimeout(() => void this.checkpoint('interval'), checkpointMs).unref();
  }

  /** Begins a new file. What is to be dropped is told first and dropped then, so that nothing is ever missing unsaid. */
  #rotate(): { readonly what: AuditEntry['what']; readonly drop: readonly string[] } {
    const name = `${this.#file.path}.${Math.max(1, this.#first)}`;
    this.#file.rotate(name);
    this.#first = 0;
    const files = rotatedFiles(this.#file.path);
    const kept = files.slice(Math.max(0, files.length - this.#options.files));
    const drop = files.slice(0, files.length - kept.length).map(({ path }) => path);
    return { what: { file: name, first: kept[0]?.first ?? this.#head.seq + 1 }, drop };
  }

  /** The latest checkpoint, of the line that holds one too, is kept apart from the log. */
  #remember(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const word = checkpointWord(signCheckpoint(this.#head, Date.now(), this.#keys));
    const file = join(this.#options.folder, CHECKPOINT_FILE);
    this.#signed = this.#head.seq;
    try {
      writeWhole(file, `${word}\n`, 0o644);
    } catch (error) {
      this.#options.onTrouble(`the checkpoint of the audit log cannot be kept in ${file}: ${messageOf(error)}`);
    }
    this.#options.onCheckpoint?.(word);
  }

  #works(): void {
    if (this.#failing) this.#options.onWorks?.();
    this.#failing = false;
  }

  #fails(error: unknown): void {
    this.#failures++;
    this.#retry = setTimeout(() => void (this.#running ??= this.#run()), RETRY_MS).unref();
    if (this.#failing) return;
    this.#failing = true;
    this.#options.onTrouble(`the audit log ${this.#file.path} cannot be written: ${messageOf(error)}`);
  }
}
