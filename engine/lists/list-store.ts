// SPDX-License-Identifier: Apache-2.0
// The lists on disk: claims, origins, counter slots, the operator's allowlist, repeat offenders.

import type { Prefix } from '../../common/address.js';
import { Store } from '../../common/store.js';
import type { Claim } from './merge.js';

const migrations = [
  `CREATE TABLE origins(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
   CREATE TABLE claims(prefix BLOB NOT NULL, origin TEXT NOT NULL, reason TEXT NOT NULL, created INTEGER NOT NULL,
     expires INTEGER, forced INTEGER NOT NULL, PRIMARY KEY(prefix, origin)) WITHOUT ROWID;
   CREATE TABLE slots(prefix BLOB PRIMARY KEY, slot INTEGER NOT NULL, packets INTEGER NOT NULL, bytes INTEGER NOT NULL)
     WITHOUT ROWID;
   CREATE TABLE allowed(prefix BLOB PRIMARY KEY, reason TEXT NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
   CREATE TABLE offences(address BLOB PRIMARY KEY, count INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID`,
];

export interface StoredSlot {
  readonly slot: number;
  /** Counters of the slot when the entry got it: what was counted before belongs to somebody else. */
  readonly packets: number;
  readonly bytes: number;
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

/** Opens the lists' store: a file, or `:memory:` where nothing is to be kept (replay). */
export function openListStore(file: string) {
  const store = Store.open(file, { migrations });
  const sql = {
    claims: store.prepare('SELECT prefix, origin, reason, created, expires, forced FROM claims'),
    putClaim: store.prepare('INSERT OR REPLACE INTO claims VALUES(?, ?, ?, ?, ?, ?)'),
    deleteClaim: store.prepare('DELETE FROM claims WHERE prefix = ? AND origin = ?'),
    origins: store.prepare('SELECT id, name FROM origins'),
    putOrigin: store.prepare('INSERT OR REPLACE INTO origins VALUES(?, ?)'),
    slots: store.prepare('SELECT prefix, slot, packets, bytes FROM slots'),
    putSlot: store.prepare('INSERT OR REPLACE INTO slots VALUES(?, ?, ?, ?)'),
    deleteSlot: store.prepare('DELETE FROM slots WHERE prefix = ?'),
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

    *claims(): Generator<{ prefix: Prefix; claim: Claim }> {
      for (const [prefix, origin, reason, created, expires, forced] of sql.claims.each()) {
        const claim = {
          origin: String(origin),
          reason: String(reason),
          created: Number(created),
          expires: expires === null ? Infinity : Number(expires),
          forced: forced === 1,
        };
        yield { prefix: unkey(prefix), claim };
      }
    },
    putClaim(prefix: Prefix, claim: Claim): void {
      const expires = claim.expires === Infinity ? null : Math.round(claim.expires);
      const created = Math.round(claim.created);
      sql.putClaim.run([key(prefix), claim.origin, claim.reason, created, expires, claim.forced ? 1 : 0]);
    },
    deleteClaim(prefix: Prefix, origin: string): void {
      sql.deleteClaim.run([key(prefix), origin]);
    },

    origins: (): [number, string][] => sql.origins.all().map(([id, name]) => [Number(id), String(name)]),
    putOrigin(id: number, name: string): void {
      sql.putOrigin.run([id, name]);
    },

    slots: (): { prefix: Prefix; slot: StoredSlot }[] =>
      sql.slots.all().map(([prefix, slot, packets, bytes]) => ({
        prefix: unkey(prefix),
        slot: { slot: Number(slot), packets: Number(packets), bytes: Number(bytes) },
      })),
    putSlot(prefix: Prefix, slot: StoredSlot): void {
      sql.putSlot.run([key(prefix), slot.slot, slot.packets, slot.bytes]);
    },
    deleteSlot(prefix: Prefix): void {
      sql.deleteSlot.run([key(prefix)]);
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
