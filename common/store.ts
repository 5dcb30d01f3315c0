// SPDX-License-Identifier: Apache-2.0
// The embedded store: one SQLite file through libsql, whose committed changes survive kill -9 and a power cut.

import Database from 'libsql';
import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { IdsError, messageOf, systemCode } from './errors.js';

export type Value = string | number | null | Uint8Array;
export type Row = readonly unknown[];

/** A prepared statement. Parameters always travel as one array: libsql aborts the process on a bare Buffer argument. */
export interface Statement {
  run(params?: readonly Value[]): number;
  all(params?: readonly Value[]): Row[];
  get(params?: readonly Value[]): Row | undefined;
  each(params?: readonly Value[]): Iterable<Row>;
}

export interface StoreOptions {
  /** SQL of each schema version, oldest first; user_version counts those that were applied. */
  readonly migrations: readonly string[];
  /** `normal`: a power cut may take the last commits with it (kill -9 does not), and none of them waits for the disk. */
  readonly synchronous?: 'full' | 'normal';
}

/** Files up to this size are checked page by page at open; larger ones would delay the start. */
const CHECK_BYTES = 64 * 1024 * 1024;

function explain(file: string, error: unknown): IdsError {
  if (error instanceof IdsError) return error;
  const code = systemCode(error);
  if (code === 'SQLITE_BUSY' || code === 'SQLITE_LOCKED') {
    return new IdsError(
      'DAEMON_RUNNING',
      `${file} is in use: another daemon runs with this state directory; stop it first`,
    );
  }
  const broken =
    code === 'SQLITE_NOTADB' || code === 'SQLITE_CORRUPT' || /malformed|not a database/.test(messageOf(error));
  const remedy = broken
    ? `${file} is damaged (${messageOf(error)}): restore a copy, or move it away and start again without it`
    : `${file}: ${messageOf(error)}; check the state directory and the space on its disk`;
  return new IdsError('STORE_FAILED', remedy, { cause: error });
}

/**
 * Closes a connection and gives the file free: libsql keeps a closed connection alive while a statement of it is, and
 * with it an exclusive lock, which can only be given back outside WAL mode.
 */
function release(db: Database.Database): void {
  try {
    db.exec('PRAGMA journal_mode = DELETE; PRAGMA locking_mode = NORMAL; SELECT count(*) FROM sqlite_master');
  } catch {
    // A damaged or locked file stays as it is.
  }
  db.close();
}

/** Owns one database file, held exclusively while it is open. */
export class Store {
  readonly file: string;
  readonly #db: Database.Database;
  // Prepared once: a transaction for each handful of alerts is nothing to parse anew.
  readonly #begin: Statement;
  readonly #commit: Statement;

  private constructor(file: string, db: Database.Database) {
    this.file = file;
    this.#db = db;
    this.#begin = this.prepare('BEGIN IMMEDIATE');
    this.#commit = this.prepare('COMMIT');
  }

  /**
   * Opens or creates `file` (mode 0600, its directory 0700), or a store in memory for `:memory:`.
   * @throws IdsError STORE_FAILED (damaged, newer than this program, not writable), DAEMON_RUNNING (held by another process)
   */
  static open(file: string, options: StoreOptions): Store {
    let db: Database.Database | undefined;
    try {
      if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      db = new Database(file);
      if (file !== ':memory:') chmodSync(file, 0o600);
      // Exclusive before WAL: no shared-memory file, and a second daemon is refused at once.
      db.pragma('locking_mode = EXCLUSIVE');
      db.pragma('journal_mode = WAL');
      db.pragma(`synchronous = ${options.synchronous ?? 'full'}`);
      db.exec('BEGIN IMMEDIATE; COMMIT');
      const store = new Store(file, db);
      store.#check();
      store.#migrate(options.migrations);
      return store;
    } catch (error) {
      if (db) release(db);
      throw explain(file, error);
    }
  }

  #check(): void {
    if (!existsSync(this.file) || statSync(this.file).size > CHECK_BYTES) return;
    const verdict = this.prepare('PRAGMA quick_check(1)').get()?.[0];
    if (verdict !== 'ok') throw new Error(`malformed: ${String(verdict).replaceAll('\n', ' ')}`);
  }

  #migrate(migrations: readonly string[]): void {
    const version = Number(this.prepare('PRAGMA user_version').get()?.[0] ?? 0);
    if (version > migrations.length) {
      const text = `${this.file} has schema version ${version}, this program knows ${migrations.length}: upgrade ids`;
      throw new IdsError('STORE_FAILED', text);
    }
    migrations.slice(version).forEach((sql, i) => {
      this.transaction(() => this.#exec(`${sql}; PRAGMA user_version = ${version + i + 1}`));
    });
  }

  #exec(sql: string): void {
    try {
      this.#db.exec(sql);
    } catch (error) {
      throw explain(this.file, error);
    }
  }

  prepare(sql: string): Statement {
    const statement = this.#db.prepare<[readonly Value[]]>(sql);
    const guard = <T>(work: () => T): T => {
      try {
        return work();
      } catch (error) {
        throw explain(this.file, error);
      }
    };
    return {
      run: (params = []) => guard(() => statement.run(params).changes),
      all: (params = []) => guard(() => statement.raw(true).all(params) as Row[]),
      get: (params = []) => guard(() => statement.raw(true).get(params) as Row | undefined),
      each: (params = []) => guard(() => statement.raw(true).iterate(params) as Iterable<Row>),
    };
  }

  /** Runs `work` in one transaction: when this returns, its changes are on the disk; when it throws, none of them is. */
  transaction<T>(work: () => T): T {
    if (this.#db.inTransaction) return work();
    this.#begin.run();
    try {
      const result = work();
      this.#commit.run();
      return result;
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    if (this.#db.open) release(this.#db);
  }
}
