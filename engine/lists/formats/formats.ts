// SPDX-License-Identifier: Apache-2.0
// What reading a list asks for and gives.

import { IdsError } from '../../../common/errors.js';
import type { ListAction, PrefixBatch } from '../prefix-batch.js';

/**
 * `plain`: an address, CIDR or `a-b` range a line, comments (# ; //) and trailing text: also .netset, .ipset of FireHOL
 * and Spamhaus DROP text. `ipset`: what `ipset save` prints. `nft`: nft files with sets or elements.
 */
export const LIST_FORMATS = ['plain', 'csv', 'json', 'ipset', 'nft'] as const;
export type ListFormat = (typeof LIST_FORMATS)[number];

export interface ParseOptions {
  /** Default: recognised by content. */
  readonly format?: ListFormat;
  /** CSV: the name of a column or its number, from 1. */
  readonly column?: string;
  /** Bytes, unpacked. */
  readonly maxBytes?: number;
  /** Entries, duplicates included, ranges as prefixes. */
  readonly maxEntries?: number;
  /** Wall clock milliseconds that remaining times (`timeout 300`) count from. */
  readonly now?: number;
  /** One group for all entries, whatever the list says of origin and action. */
  readonly together?: boolean;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface BadLine {
  readonly line: number;
  /** In bytes, from 1. */
  readonly column: number;
  readonly cause: string;
  /** The beginning of the line. */
  readonly text: string;
}

/** Entries that go to one origin. */
export interface ListGroup {
  /** What the file itself says (our own JSON export does); undefined = up to the caller. */
  readonly origin?: string;
  readonly action?: ListAction;
  readonly forced?: boolean;
  readonly batch: PrefixBatch;
}

export interface ParsedList {
  readonly format: ListFormat;
  readonly groups: readonly ListGroup[];
  /** Of all groups, each prefix of a group once. */
  readonly count: number;
  readonly duplicates: number;
  readonly lines: number;
  readonly bad: number;
  /** The first ten. */
  readonly badLines: readonly BadLine[];
}

export const MAX_BYTES = 512 * 1024 * 1024;
export const MAX_ENTRIES = 10_000_000;
/** Longer lines are no list's; nft files and JSON may be one line. */
export const MAX_LINE = 64 * 1024;
const MAX_BAD_LINES = 10;
const EXCERPT = 80;

/** Counts what cannot be read and keeps the first ten. */
export class Problems {
  count = 0;
  readonly first: BadLine[] = [];
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** @param start where the line begins @param at what is wrong in it */
  add(line: number, start: number, at: number, end: number, cause: string): void {
    this.count++;
    if (this.first.length >= MAX_BAD_LINES) return;
    const excerpt = this.#bytes.subarray(start, Math.min(end, start + EXCERPT));
    const text = Buffer.from(excerpt).toString('utf8').trimEnd();
    this.first.push({ line, column: at - start + 1, cause, text });
  }
}

export function invalid(message: string, details: Readonly<Record<string, unknown>> = {}): IdsError {
  return new IdsError('LIST_INVALID', message, { details });
}

/** Throws when a list has grown beyond what was allowed. */
export function bound(count: number, max: number): void {
  if (count > max) throw invalid(`the list has more than ${max} entries: raise the limit or split it`, { max });
}

/** What every format's reader gets; it adds to the builder of the group that an entry belongs to. */
export interface Source {
  readonly bytes: Uint8Array;
  /** Behind a byte order mark. */
  readonly start: number;
  readonly problems: Problems;
  readonly now: number;
  readonly maxEntries: number;
  readonly onProgress: (done: number) => void;
}
