// SPDX-License-Identifier: Apache-2.0
// The lists on disk: single claims as rows, bulk ones as columns, origins, the operator's allowlist, repeat offenders.

import type { Prefix } from '../../common/address.js';
import { Store } from '../../common/store.js';
import type { Claim } from './claims/claim.js';
import { ContentStore, type StoredContent } from './content-store.js';

const migrations = [
  `CREATE TABLE origins(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
   CREATE TABLE claims(prefix BLOB NOT NULL, origin TEXT NOT NULL, reason TEXT NOT NULL, created INTEGER NOT NULL,
     expires INTEGER, forced INTEGER NOT NULL, PRIMARY KEY(prefix, origin)) WITHOUT ROWID;
   CREATE TABLE slots(prefix BLOB PRIMARY KEY, slot INTEGER NOT NULL, packets INTEGER NOT NULL, bytes INTEGER NOT NULL)
     WITHOUT ROWID;
   CREATE TABLE allowed(prefix BLOB PRIMARY KEY, reason TEXT NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
   CREATE TABLE offences(address BLOB PRIMARY KEY, count INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID`,
  // Counters stand in the kernel's tables since. A bulk entry that was removed or changed singly is named in gone.
  `DROP TABLE slots;
   ALTER TABLE claims ADD COLUMN alert INTEGER NOT NULL DEFAULT 0;
   CREATE TABLE contents(origin TEXT PRIMARY KEY, file TEXT, bytes BLOB, size INTEGER NOT NULL, crc INTEGER NOT NULL,
     swept INTEGER NOT NULL) WITHOUT ROWID;
   CREATE TABLE gone(origin TEXT NOT NULL, prefix BLOB NOT NULL, PRIMARY KEY(origin, prefix)) WITHOUT ROWID`,
];

export interface StoredBulk {
  readonly origin: string;
  readonly content: StoredContent;
  /** Entries that ended before this wall clock time (milliseconds) are freed already. */
  readonly swept: number;
}

export interface StoredAllow {
  readonly prefix: Prefix;
  readonly reason: string;
  readonly created: number;
}

/** A source that was blocked: how often, and until when (wall clock milliseconds) that counts against it. */
export interface Offence {
  readonly address: Uint8Array;
  readonly count: number;
  readonly until: number;
}

function key(prefix: Prefix): Uint8Array {
  const bytes = new Uint8Array(17);
  bytes.set(prefix.bytes);
  bytes[16] = prefix.length;
  return bytes;
}

function unkey(blob: unknown): Prefix {
  const bytes = blob as Uint8Array;
  return { bytes: new Uint8Array(bytes.subarray(0, 16)), length: bytes[16] ?? 0 };
}

type Columns = readonly [file: unknown, bytes: unknown, size: unknown, crc: unknown];

function stored([file, bytes, size, crc]: Columns): StoredContent {
  return {
    file: typeof file === 'string' ? file : undefined,
    bytes: bytes === null ? undefined : new Uint8Array(bytes as Uint8Array),
    size: Number(size),
    crc: Number(crc),
  };
}

function columns({ file, bytes, size, crc }: StoredContent): [string | null, Uint8Array | null, number, number] {
  return [file ?? null, bytes ?? null, size, crc];
}

/** Opens the lists' store: a file, or `:memory:` where nothing is to be kept (replay). */
export function openListStore(file: string) {
  const store = Store.open(file, { migrations });
  const contents = new ContentStore(file === ':memory:' ? undefined : `${file.replace(/\.db$/, '')}.d`);
  const sql = {
    claims: store.prepare('SELECT prefix, origin, reason, created, expires, forced, alert FROM claims'),
    putClaim: store.prepare('INSERT OR REPLACE INTO claims VALUES(?, ?, ?, ?, ?, ?, ?)'),
    deleteClaim: store.prepare('DELETE FROM claims WHERE prefix = ? AND origin = ?'),
    origins: store.prepare('SELECT id, name FROM origins'),
    putOrigin: store.prepare('INSERT OR REPLACE INTO origins VALUES(?, ?)'),
    clearClaims: store.prepare('DELETE FROM claims WHERE origin = ?'),
    bulk: store.prepare('SELECT origin, file, bytes, size, crc, swept FROM contents'),
    bulkFile: store.prepare('SELECT file FROM contents WHERE origin = ?'),
    putBulk: store.prepare('INSERT OR REPLACE INTO contents VALUES(?, ?, ?, ?, ?, ?)'),
    deleteBulk: store.prepare('DELETE FROM contents WHERE origin = ?'),
    swept: store.prepare('UPDATE contents SET swept = ? WHERE origin = ?'),
    gone: store.prepare('SELECT origin, prefix FROM gone'),
    putGone: store.prepare('INSERT OR IGNORE INTO gone VALUES(?, ?)'),
    deleteGone: store.prepare('DELETE FROM gone WHERE origin = ? AND prefix = ?'),
    clearGone: store.prepare('DELETE FROM gone WHERE origin = ?'),
    allowed: store.prepare('SELECT prefix, reason, created FROM allowed'),
    putAllowed: store.prepare('INSERT OR REPLACE INTO allowed VALUES(?, ?, ?)'),
    deleteAllowed: store.prepare('DELETE FROM allowed WHERE prefix = ?'),
    offences: store.prepare('SELECT address, count, until FROM offences ORDER BY until'),
    putOffence: store.prepare('INSERT OR REPLACE INTO offences VALUES(?, ?, ?)'),
    pruneOffences: store.prepare('DELETE FROM offences WHERE until < ?'),
  };
  return {
    /** All or nothing, on the disk when it returns. */
    transaction: <T>(work: () => T): T => store.transaction(work),
    close: (): void => store.close(),
    contents,

    *claims(): Generator<{ prefix: Prefix; claim: Claim }> {
      for (const [prefix, origin, reason, created, expires, forced, alert] of sql.claims.each()) {
        const claim: Claim = {
          origin: String(origin),
          reason: String(reason),
          created: Number(created),
          expires: expires === null ? Infinity : Number(expires),
          forced: forced === 1,
          action: alert === 1 ? 'alert' : 'drop',
        };
        yield { prefix: unkey(prefix), claim };
      }
    },
    putClaim(prefix: Prefix, claim: Claim): void {
      const expires = claim.expires === Infinity ? null : Math.round(claim.expires);
      const created = Math.round(claim.created);
      const flags = [claim.forced ? 1 : 0, claim.action === 'alert' ? 1 : 0];
      sql.putClaim.run([key(prefix), claim.origin, claim.reason, created, expires, ...flags]);
    },
    deleteClaim(prefix: Prefix, origin: string): void {
      sql.deleteClaim.run([key(prefix), origin]);
    },
    /** Every single claim of an origin. */
    clearClaims(origin: string): void {
      sql.clearClaims.run([origin]);
    },

    bulk: (): StoredBulk[] =>
      sql.bulk.all().map(([origin, file, bytes, size, crc, swept]) => ({
        origin: String(origin),
        content: stored([file, bytes, size, crc]),
        swept: Number(swept),
      })),
    /** Where an origin's bulk lies, if it has a file of its own. */
    bulkFile(origin: string): string | undefined {
      const file = sql.bulkFile.get([origin])?.[0];
      return typeof file === 'string' ? file : undefined;
    },
    /** From now on the origin's bulk is this, and nothing of it is gone. */
    putBulk(origin: string, content: StoredContent): void {
      sql.putBulk.run([origin, ...columns(content), 0]);
      sql.clearGone.run([origin]);
    },
    deleteBulk(origin: string): void {
      sql.deleteBulk.run([origin]);
      sql.clearGone.run([origin]);
    },
    setSwept(origin: string, wallMs: number): void {
      sql.swept.run([Math.floor(wallMs), origin]);
    },
    *gone(): Generator<{ origin: string; prefix: Prefix }> {
      for (const [origin, prefix] of sql.gone.each()) yield { origin: String(origin), prefix: unkey(prefix) };
    },
    putGone(origin: string, prefix: Prefix): void {
      sql.putGone.run([origin, key(prefix)]);
    },
    deleteGone(origin: string, prefix: Prefix): void {
      sql.deleteGone.run([origin, key(prefix)]);
    },

    origins: (): [number, string][] => sql.origins.all().map(([id, name]) => [Number(id), String(name)]),
    putOrigin(id: number, name: string): void {
      sql.putOrigin.run([id, name]);
    },

    allowed: (): StoredAllow[] =>
      sql.allowed.all().map(([prefix, reason, created]) => ({
        prefix: unkey(prefix),
        reason: String(reason),
        created: Number(created),
      })),
    putAllowed(entry: StoredAllow): void {
      sql.putAllowed.run([key(entry.prefix), entry.reason, Math.round(entry.created)]);
    },
    deleteAllowed: (prefix: Prefix): boolean => sql.deleteAllowed.run([key(prefix)]) > 0,

    offences: (): Offence[] =>
      sql.offences.all().map(([address, count, until]) => ({
        address: new Uint8Array(address as Uint8Array),
        count: Number(count),
        until: Number(until),
      })),
    putOffence({ address, count, until }: Offence): void {
      sql.putOffence.run([address, count, Math.round(until)]);
    },
    pruneOffences(before: number): void {
      sql.pruneOffences.run([Math.round(before)]);
    },
  };
}

export type ListStore = ReturnType<typeof openListStore>;
