// SPDX-License-Identifier: Apache-2.0
// Whether an audit log is whole: every line as it was written, in its place, and as many as were signed.

import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { IdsError, messageOf } from '../../common/errors.js';
import { GENESIS, misplaced, opened, type Head } from './chain.js';
import { checkpointsIn, doubtful, type Checkpoint } from './checkpoint.js';
import type { AuditRecord } from './entry.js';
import { linesOf } from './files.js';

export interface VerifyRequest {
  /** The oldest first. */
  readonly files: readonly string[];
  /** Keys that may have signed. */
  readonly keys: readonly KeyObject[];
  /** Checkpoints that were kept elsewhere. */
  readonly checkpoints: readonly Checkpoint[];
}

export interface BadLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly cause: string;
}

export interface Verdict {
  readonly intact: boolean;
  readonly files: number;
  /** Numbers of the first line and the last one that is good; 0 if there is none. */
  readonly first: number;
  readonly last: number;
  /** Signed checkpoints in the log and kept elsewhere that fit. */
  readonly checkpoints: number;
  /** Number of the last line that one of them vouches for. */
  readonly signed: number;
  /** The first line that is wrong. */
  readonly bad?: BadLine;
}

/** A file that is begun says so in one of its first lines. */
const ROTATE_WITHIN = 3;

interface Line {
  readonly file: string;
  readonly line: number;
  readonly bytes: Buffer;
  /** It ends with a newline. */
  readonly whole: boolean;
}

/** Every line with its place; what stands behind the last newline is told too. @throws IdsError FILE_UNREADABLE */
function* allLines(files: readonly string[]): Generator<Line> {
  for (const file of files) {
    let bytes: Buffer;
    try {
      bytes = readFileSync(file);
    } catch (error) {
      throw new IdsError('FILE_UNREADABLE', `cannot read the audit log: ${messageOf(error)}`, { cause: error });
    }
    const { lines, rest } = linesOf(bytes);
    for (const [at, line] of lines.entries()) yield { file, line: at + 1, bytes: line, whole: true };
    if (rest.length > 0) yield { file, line: lines.length + 1, bytes: rest, whole: false };
  }
}

export class Verifier {
  readonly #keys: readonly KeyObject[];
  readonly #kept: readonly Checkpoint[];
  #head: Head | undefined;
  #first = 0;
  /** Where the log may begin: what was rotated away is gone with the log's own word for it. */
  readonly #begins: number;
  #signed = 0;
  #checkpoints = 0;

  constructor({ keys, checkpoints }: Omit<VerifyRequest, 'files'>, begins: number) {
    this.#keys = keys;
    this.#kept = checkpoints;
    this.#begins = begins;
  }

  get figures(): Pick<Verdict, 'first' | 'last' | 'checkpoints' | 'signed'> {
    const last = this.#head?.seq ?? 0;
    return { first: this.#first, last, checkpoints: this.#checkpoints, signed: this.#signed };
  }

  /** Takes the next line; gives what is wrong with it. */
  next(bytes: Buffer, whole: boolean): string | undefined {
    if (!whole) return 'it has no end: the log is cut off within it';
    const read = opened(bytes);
    if ('cause' in read) return read.cause;
    const { record } = read;
    const before = this.#head ?? this.#ahead(record);
    const cause = misplaced(record, before) ?? this.#signedOver(record, before) ?? this.#keptOver(record);
    if (cause !== undefined) return cause;
    if (this.#first === 0) this.#first = record.seq;
    this.#head = { seq: record.seq, hash: record.hash };
    return undefined;
  }

  /** What the first line follows: what was rotated away, or nothing. */
  #ahead({ seq, prev }: AuditRecord): Head {
    if (seq <= 1 || this.#begins <= 1) return GENESIS;
    return { seq: Math.min(seq, this.#begins) - 1, hash: prev };
  }

  /** A checkpoint within the log is about the line before it. */
  #signedOver(record: AuditRecord, before: Head): string | undefined {
    if (record.action !== 'checkpoint') return undefined;
    const [checkpoint] = checkpointsIn(String(record.what?.['checkpoint']));
    if (!checkpoint) return 'its checkpoint is malformed';
    const cause = doubtful(checkpoint, this.#keys);
    if (cause !== undefined) return `its checkpoint: ${cause}`;
    if (checkpoint.seq !== before.seq || checkpoint.hash !== before.hash) {
      return 'its checkpoint was signed for another line';
    }
    this.#vouched(before.seq);
    return undefined;
  }

  #keptOver({ seq, hash }: AuditRecord): string | undefined {
    const kept = this.#kept.filter((one) => one.seq === seq);
    const other = kept.find((one) => one.hash !== hash);
    if (other) return `it is not the line ${seq} that was signed on ${new Date(other.time).toISOString()}`;
    if (kept.length > 0) this.#vouched(seq);
    return undefined;
  }

  #vouched(seq: number): void {
    this.#checkpoints++;
    this.#signed = Math.max(this.#signed, seq);
  }

  /** What is missing at the end. */
  end(): string | undefined {
    const last = this.#head?.seq ?? 0;
    const latest = this.#kept.reduce<Checkpoint | undefined>((a, b) => (a && a.seq >= b.seq ? a : b), undefined);
    if (!latest || latest.seq <= last) return undefined;
    const when = new Date(latest.time).toISOString();
    const signed = `on ${when} number ${latest.seq} was signed`;
    return `the end of the log is missing: it ends with number ${last}, and ${signed}`;
  }
}

/** The number that the log says that it begins with: a file that is begun says which one is then the first. */
function beginOf(lines: readonly Line[]): number {
  const heads = lines.filter(({ line }) => line <= ROTATE_WITHIN).map(({ bytes }) => opened(bytes));
  const told = heads.flatMap((read) => {
    const { first } = 'record' in read && read.record.action === 'audit.rotate' ? (read.record.what ?? {}) : {};
    return typeof first === 'number' ? [first] : [];
  });
  return told.at(-1) ?? 1;
}

/** @throws IdsError FILE_UNREADABLE, and AUDIT_FAILED for a checkpoint from elsewhere that none of the keys has signed */
export function verifyLog({ files, keys, checkpoints }: VerifyRequest): Verdict {
  for (const checkpoint of checkpoints) {
    const cause = doubtful(checkpoint, keys);
    if (cause !== undefined) {
      throw new IdsError('AUDIT_FAILED', `the checkpoint of line ${checkpoint.seq} proves nothing: ${cause}`);
    }
  }
  const lines = [...allLines(files)];
  const verifier = new Verifier({ keys, checkpoints }, beginOf(lines));
  for (const { file, line, bytes, whole } of lines) {
    const cause = verifier.next(bytes, whole);
    if (cause === undefined) continue;
    return { intact: false, files: files.length, ...verifier.figures, bad: { file, line, cause } };
  }
  const cause = verifier.end();
  if (cause === undefined) return { intact: true, files: files.length, ...verifier.figures };
  const file = files.at(-1) ?? '';
  const bad = { file, line: lines.filter((one) => one.file === file).length + 1, cause };
  return { intact: false, files: files.length, ...verifier.figures, bad };
}
