// SPDX-License-Identifier: Apache-2.0
// Lines of the audit log: each holds the hash of the line before and, at its end, the hash of all that stands before that.

import { createHash } from 'node:crypto';
import { bounded, type AuditEntry, type AuditRecord } from './entry.js';

/** Where the chain is: the last line's number and hash. */
export interface Head {
  readonly seq: number;
  readonly hash: string;
}

export const GENESIS: Head = { seq: 0, hash: '0'.repeat(64) };

/** `,"hash":"` … `"}` */
const SEAL_BYTES = 75;
const seal = /^,"hash":"([0-9a-f]{64})"\}$/;

const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The next line, without its newline, and where the chain is behind it. @param time ISO 8601 */
export function sealed(head: Head, time: string, entry: AuditEntry): { readonly line: string; readonly head: Head } {
  const seq = head.seq + 1;
  const body = JSON.stringify({ seq, time, ...(bounded(entry) as AuditEntry), prev: head.hash });
  const hash = sha256(body);
  return { line: `${body.slice(0, -1)},"hash":"${hash}"}`, head: { seq, hash } };
}

export type Opened = { readonly record: AuditRecord } | { readonly cause: string };

/** Reads a line; `cause` says what of it alone is wrong. */
export function opened(line: Buffer): Opened {
  const end = line.length - SEAL_BYTES;
  const hash = seal.exec(line.subarray(Math.max(0, end)).toString('latin1'))?.[1];
  if (end <= 0 || hash === undefined) return { cause: 'it is no line of the audit log' };
  const body = Buffer.concat([line.subarray(0, end), Buffer.from('}')]);
  if (sha256(body) !== hash) return { cause: 'it was changed: its content is not what its hash says' };
  try {
    const record = JSON.parse(body.toString('utf8')) as Omit<AuditRecord, 'hash'>;
    return { record: { ...record, hash } };
  } catch {
    return { cause: 'it is not JSON, though its hash fits' };
  }
}

/** Why a line cannot stand behind that head; undefined if it does. */
export function misplaced({ seq, prev }: AuditRecord, head: Head): string | undefined {
  if (seq === head.seq + 1 && prev === head.hash) return undefined;
  if (seq === head.seq + 1) return `it does not follow line ${head.seq}, which was changed or exchanged`;
  const [from, to] = [head.seq + 1, seq - 1];
  if (seq > head.seq) return `${from === to ? `number ${from} is` : `numbers ${from} to ${to} are`} missing before it`;
  return `it has number ${seq}, where ${head.seq + 1} is expected: it was moved or repeated`;
}
