// SPDX-License-Identifier: Apache-2.0
// What waits for outputs, on disk: one SQLite file for all of them. Records are kept in chunks, as they were raised; each
// output has a queue of chunks, its account and its dead letters. What was delivered stays a while, for a replay.

import { randomUUID } from 'node:crypto';
import { existsSync, renameSync } from 'node:fs';
import { IdsError, messageOf } from '../../common/errors.js';
import { Store } from '../../common/store.js';
import type { Account } from '../account.js';
import { Told } from '../told.js';
import { StoredQueue } from './stored-queue.js';

const migrations = [
  `CREATE TABLE facts(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE chunks(id INTEGER PRIMARY KEY, time INTEGER NOT NULL, bytes INTEGER NOT NULL, body BLOB NOT NULL);
   CREATE INDEX chunks_time ON chunks(time);
   CREATE TABLE outputs(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, raised INTEGER NOT NULL DEFAULT 0,
     delivered INTEGER NOT NULL DEFAULT 0, suppressed INTEGER NOT NULL DEFAULT 0, expired INTEGER NOT NULL DEFAULT 0,
     dropped INTEGER NOT NULL DEFAULT 0);
   CREATE TABLE queued(output INTEGER NOT NULL, seq INTEGER NOT NULL, chunk INTEGER NOT NULL, time INTEGER NOT NULL,
     takes BLOB, count INTEGER NOT NULL, bytes INTEGER NOT NULL, done INTEGER NOT NULL, PRIMARY KEY(output, seq))
     WITHOUT ROWID;
   CREATE INDEX queued_chunk ON queued(chunk);
   CREATE TABLE dead(id INTEGER PRIMARY KEY AUTOINCREMENT, output INTEGER NOT NULL, time INTEGER NOT NULL,
     error TEXT NOT NULL, body TEXT NOT NULL);
   CREATE INDEX dead_output ON dead(output)`,
  // The output that a chunk was raised for, if for one alone.
  `ALTER TABLE chunks ADD COLUMN only TEXT`,
];

/** How long and how much of what was delivered is kept for a replay. */
export interface Retention {
  /** Milliseconds. */
  readonly keep: number;
  readonly keepBytes: number;
}

/** Records as they were raised together, one line of JSON each. */
export interface Chunk {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly lines: readonly string[];
  /** The output that they are for, if they are for one alone. */
  readonly only?: string | undefined;
}

/** Chunks that are looked at in one go by `collect`. */
const COLLECT = 256;

function open(file: string): Store {
  return Store.open(file, { migrations, synchronous: 'normal' });
}

/** Owns the file. */
export class OutboxStore {
  readonly #store: Store;
  readonly #retention: Retention;
  readonly #sql;
  /** Of all chunks, as far as they have been added up. */
  #bytes: number | undefined;
  /** Names this store in ids of batches. */
  readonly id: string;
  /** Where a damaged file was moved to, if there was one. */
  readonly damaged: string | undefined;

  private constructor(store: Store, retention: Retention, damaged: string | undefined) {
    this.#store = store;
    this.#retention = retention;
    this.damaged = damaged;
    this.#sql = {
      fact: store.prepare('SELECT value FROM facts WHERE name = ?'),
      putFact: store.prepare('INSERT OR REPLACE INTO facts VALUES(?, ?)'),
      addChunk: store.prepare('INSERT INTO chunks(time, bytes, body, only) VALUES(?, ?, ?, ?)'),
      lastChunk: store.prepare('SELECT last_insert_rowid()'),
      body: store.prepare('SELECT body FROM chunks WHERE id = ?'),
      since: store.prepare(
        `SELECT id, body FROM chunks WHERE time >= ? AND id > ? AND id <= ? AND (only IS NULL OR only = ?)
           ORDER BY id LIMIT 16`,
      ),
      latest: store.prepare('SELECT coalesce(max(id), 0) FROM chunks'),
      addOutput: store.prepare('INSERT OR IGNORE INTO outputs(name) VALUES(?)'),
      output: store.prepare('SELECT id, raised, delivered, suppressed, expired, dropped FROM outputs WHERE name = ?'),
      old: store.prepare(
        `DELETE FROM chunks WHERE id IN (SELECT id FROM chunks WHERE time < ?
           AND NOT EXISTS (SELECT 1 FROM queued WHERE chunk = chunks.id) ORDER BY time LIMIT ${COLLECT}) RETURNING bytes`,
      ),
      total: store.prepare('SELECT coalesce(sum(bytes), 0) FROM chunks'),
      oldest: store.prepare(
        `SELECT id, bytes FROM chunks WHERE NOT EXISTS (SELECT 1 FROM queued WHERE chunk = chunks.id)
           ORDER BY id LIMIT ${COLLECT}`,
      ),
      remove: store.prepare('DELETE FROM chunks WHERE id = ?'),
      strays: store.prepare(
        `DELETE FROM queued WHERE time < ? AND output NOT IN (SELECT id FROM outputs WHERE name IN
           (SELECT value FROM json_each(?)))`,
      ),
    };
    const known = this.fact('id');
    this.id = known ?? randomUUID();
    if (known === undefined) this.setFact('id', this.id);
  }

  /**
   * Opens or makes the file. One that is damaged is moved aside, named in `damaged`, and a new one begun: alerts to come
   * are worth more than a daemon that does not start.
   * @throws IdsError STORE_FAILED (not writable, newer than this program), DAEMON_RUNNING
   */
  static open(file: string, retention: Retention): OutboxStore {
    try {
      return new OutboxStore(open(file), retention, undefined);
    } catch (error) {
      const broken = error instanceof IdsError && error.code === 'STORE_FAILED' && /damaged/.test(messageOf(error));
      if (!broken) throw error;
      const aside = `${file}.damaged-${Date.now()}`;
      renameSync(file, aside);
      for (const suffix of ['-wal', '-journal']) {
        if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix);
      }
      return new OutboxStore(open(file), retention, aside);
    }
  }

  /** A word that outlives the process. */
  fact(name: string): string | undefined {
    const value = this.#sql.fact.get([name])?.[0];
    return typeof value === 'string' ? value : undefined;
  }

  setFact(name: string, value: string): void {
    this.#sql.putFact.run([name, value]);
  }

  transaction<T>(work: () => T): T {
    try {
      return this.#store.transaction(work);
    } catch (error) {
      // What it has counted is taken back with it.
      this.#bytes = undefined;
      throw error;
    }
  }

  /** The queue of an output, which is made at its first use. */
  queue(name: string): StoredQueue {
    this.#sql.addOutput.run([name]);
    const [id, raised, delivered, suppressed, expired, dropped] = (this.#sql.output.get([name]) ?? []).map(Number);
    const account: Account = {
      raised: raised ?? 0,
      delivered: delivered ?? 0,
      suppressed: suppressed ?? 0,
      expired: expired ?? 0,
      dropped: dropped ?? 0,
    };
    return new StoredQueue(this, this.#store, id ?? 0, account);
  }

  /** Keeps records; gives the chunk's number. */
  addChunk({ time, lines, only }: Chunk): number {
    const body = Buffer.from(lines.join('\n'));
    this.#sql.addChunk.run([time, body.length, body, only ?? null]);
    if (this.#bytes !== undefined) this.#bytes += body.length;
    return Number(this.#sql.lastChunk.get()?.[0]);
  }

  /** The lines of a chunk; none if it is gone. */
  lines(chunk: number): string[] {
    const body = this.#sql.body.get([chunk])?.[0];
    return body === undefined ? [] : linesOf(body);
  }

  /**
   * Chunks of an output that were raised since then (milliseconds) and before this call, oldest first. In the place of a record that
   * cannot be read, or could not be put into words, stands undefined.
   */
  *since(time: number, output: string): Generator<{ chunk: number; records: (Told | undefined)[] }> {
    const latest = Number(this.#sql.latest.get()?.[0] ?? 0);
    for (let last = 0; ;) {
      const rows = this.#sql.since.all([time, last, latest, output]);
      for (const [id, body] of rows) {
        last = Number(id);
        yield { chunk: last, records: linesOf(body).map(readable) };
      }
      if (rows.length === 0) return;
    }
  }

  /**
   * Lets go of chunks that no output waits for and that are too old or too many to be kept, some at a time.
   * @param outputs those of the configuration: what still waits for others is let go of after `strayMs`
   */
  collect(now: number, outputs: readonly string[], strayMs: number): void {
    const { keep, keepBytes } = this.#retention;
    this.transaction(() => {
      this.#sql.strays.run([now - strayMs, JSON.stringify(outputs)]);
      let left = this.#bytes ?? Number(this.#sql.total.get()?.[0] ?? 0);
      for (const [bytes] of this.#sql.old.all([now - keep])) left -= Number(bytes);
      for (const [id, bytes] of left > keepBytes ? this.#sql.oldest.all() : []) {
        if (left <= keepBytes) break;
        this.#sql.remove.run([Number(id)]);
        left -= Number(bytes);
      }
      this.#bytes = left;
    });
  }

  close(): void {
    this.#store.close();
  }
}

function readable(line: string): Told | undefined {
  try {
    return Told.read(line);
  } catch {
    return undefined;
  }
}

function linesOf(body: unknown): string[] {
  return Buffer.from(body as Uint8Array)
    .toString()
    .split('\n');
}
