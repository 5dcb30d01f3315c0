// SPDX-License-Identifier: Apache-2.0
// The part of the store that belongs to one output: which chunks wait for it, how far it got, and what was refused.

import type { Store } from '../../common/store.js';
import type { Account } from '../account.js';
import type { Detection } from '../model.js';
import { Told } from '../told.js';
import type { OutboxStore } from './outbox-store.js';

/** Records of one chunk that wait for an output. */
export interface StoredParcel {
  /** Grows from parcel to parcel. */
  readonly seq: number;
  readonly chunk: number;
  /** When they were raised, milliseconds since the epoch. */
  readonly time: number;
  /** Which of the chunk's records; all if absent. */
  readonly takes?: Uint32Array;
  readonly count: number;
  /** Of those that are not done. */
  readonly bytes: number;
  /** So many from the front are done with. */
  readonly done: number;
}

/** A record that a receiver refused for good. */
export interface DeadLetter {
  readonly id: number;
  /** When it was refused, milliseconds since the epoch. */
  readonly time: number;
  readonly error: string;
  readonly detection: Detection;
}

/** Dead letters that are kept of an output; the oldest give way. */
export const MAX_DEAD = 10_000;

export class StoredQueue {
  /** As it was when the store was opened. */
  readonly account: Account;
  readonly #owner: OutboxStore;
  readonly #id: number;
  readonly #sql;

  constructor(owner: OutboxStore, store: Store, id: number, account: Account) {
    this.#owner = owner;
    this.#id = id;
    this.account = account;
    this.#sql = {
      parcels: store.prepare(
        'SELECT seq, chunk, time, takes, count, bytes, done FROM queued WHERE output = ? ORDER BY seq',
      ),
      put: store.prepare('INSERT INTO queued VALUES(?, ?, ?, ?, ?, ?, ?, 0)'),
      advance: store.prepare('UPDATE queued SET done = ?, bytes = ? WHERE output = ? AND seq = ?'),
      remove: store.prepare('DELETE FROM queued WHERE output = ? AND seq = ?'),
      account: store.prepare(
        'UPDATE outputs SET raised = ?, delivered = ?, suppressed = ?, expired = ?, dropped = ? WHERE id = ?',
      ),
      bury: store.prepare('INSERT INTO dead(output, time, error, body) VALUES(?, ?, ?, ?)'),
      trim: store.prepare(
        `DELETE FROM dead WHERE output = ?1 AND id <= (SELECT id FROM dead WHERE output = ?1 ORDER BY id DESC
           LIMIT 1 OFFSET ${MAX_DEAD})`,
      ),
      dead: store.prepare('SELECT id, time, error, body FROM dead WHERE output = ? ORDER BY id LIMIT ?'),
      deadCount: store.prepare('SELECT count(*) FROM dead WHERE output = ?'),
      letter: store.prepare('SELECT id, time, error, body FROM dead WHERE output = ? AND id = ?'),
      raise: store.prepare('DELETE FROM dead WHERE output = ? AND id = ?'),
    };
  }

  get storeId(): string {
    return this.#owner.id;
  }

  transaction<T>(work: () => T): T {
    return this.#owner.transaction(work);
  }

  parcels(): StoredParcel[] {
    return this.#sql.parcels.all([this.#id]).map(([seq, chunk, time, takes, count, bytes, done]) => ({
      seq: Number(seq),
      chunk: Number(chunk),
      time: Number(time),
      ...(takes === null ? {} : { takes: new Uint32Array(new Uint8Array(takes as Uint8Array).buffer) }),
      count: Number(count),
      bytes: Number(bytes),
      done: Number(done),
    }));
  }

  put({ seq, chunk, time, takes, count, bytes }: StoredParcel): void {
    const blob = takes === undefined ? null : new Uint8Array(takes.buffer, takes.byteOffset, takes.byteLength);
    this.#sql.put.run([this.#id, seq, chunk, time, blob, count, bytes]);
  }

  advance(seq: number, done: number, bytes: number): void {
    this.#sql.advance.run([done, Math.round(bytes), this.#id, seq]);
  }

  remove(seq: number): void {
    this.#sql.remove.run([this.#id, seq]);
  }

  setAccount({ raised, delivered, suppressed, expired, dropped }: Account): void {
    this.#sql.account.run([raised, delivered, suppressed, expired, dropped, this.#id]);
  }

  /** All records of a parcel, those that are done too. */
  records({ chunk, takes }: Pick<StoredParcel, 'chunk' | 'takes'>): Told[] {
    const lines = this.#owner.lines(chunk);
    const taken = takes === undefined ? lines : Array.from(takes, (index) => lines[index] ?? '');
    return taken.flatMap(readable);
  }

  bury(detections: readonly Detection[], error: string, time: number): void {
    for (const detection of detections) this.#sql.bury.run([this.#id, time, error, JSON.stringify(detection)]);
    this.#sql.trim.run([this.#id]);
  }

  get deadCount(): number {
    return Number(this.#sql.deadCount.get([this.#id])?.[0] ?? 0);
  }

  /** The oldest `limit` dead letters, or those with these numbers. */
  dead(limit: number, ids?: readonly number[]): DeadLetter[] {
    const rows =
      ids === undefined
        ? this.#sql.dead.all([this.#id, limit])
        : ids.flatMap((id) => this.#sql.letter.all([this.#id, id]));
    return rows.map(([id, time, error, body]) => ({
      id: Number(id),
      time: Number(time),
      error: String(error),
      detection: JSON.parse(String(body)) as Detection,
    }));
  }

  /** Takes dead letters out; gives how many there were. */
  exhume(ids: readonly number[]): number {
    return ids.reduce((sum, id) => sum + this.#sql.raise.run([this.#id, id]), 0);
  }
}

/** Nothing for a line that is no record: what counts them misses it. */
function readable(line: string): Told | readonly [] {
  try {
    return Told.read(line);
  } catch {
    return [];
  }
}
