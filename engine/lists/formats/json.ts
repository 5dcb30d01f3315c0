// SPDX-License-Identifier: Apache-2.0
// JSON: one array, a value a line, or a document that holds arrays: Spamhaus DROP, cloud providers' ranges, our own export.

import { messageOf } from '../../../common/errors.js';
import type { BatchBuilder } from '../batch-builder.js';
import { bound, type Source } from './formats.js';
import { PrefixScanner } from './prefix-scanner.js';

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** A single value beyond this is no list entry, and a document as one object beyond it is too large to hold. */
const MAX_VALUE = 128 * 1024 * 1024;
const MAX_DEPTH = 16;

/** Keys whose value is an entry, the surest first. */
const KEYS = [
  'prefix',
  'cidr',
  'ip_prefix',
  'ipv4_prefix',
  'ipv6_prefix',
  'ipv4Prefix',
  'ipv6Prefix',
  'network',
  'range',
  'ip',
  'address',
  'ip_address',
  'ipAddress',
  'indicator',
  'value',
];

/** What our own export says beside the prefix. */
export interface JsonOrigin {
  readonly origin?: string;
  readonly action?: 'drop' | 'alert';
  readonly forced?: boolean;
}

/** Chooses the group that an entry goes to. */
export type BuilderOf = (origin: JsonOrigin) => BatchBuilder;

/** Where the JSON value at `at` ends; lines in it are added to `lines`. */
function valueEnd(bytes: Uint8Array, at: number, count: (newlines: number) => void): number {
  let depth = 0;
  for (; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      for (at++; at < bytes.length && bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++;
      if (depth === 0) return at + 1;
    } else if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) {
      if (depth === 0) return at;
      if (--depth === 0) return at + 1;
    } else if (byte === NEWLINE) {
      if (depth === 0) return at;
      count(1);
    } else if (depth === 0 && byte === 0x2c) return at;
  }
  return at;
}

class JsonReader {
  readonly #source: Source;
  readonly #builderOf: BuilderOf;
  readonly #keys: readonly string[];
  readonly #scanner = new PrefixScanner();
  /** Entries of the value that is being read. */
  #found = 0;
  #total = 0;
  #cause = '';

  constructor(source: Source, builderOf: BuilderOf, key: string | undefined) {
    this.#source = source;
    this.#builderOf = builderOf;
    this.#keys = key === undefined ? KEYS : [key];
  }

  /** Takes one value in; why it is no entry, or undefined. */
  take(value: unknown): string | undefined {
    this.#found = 0;
    this.#cause = '';
    this.#walk(value, 0);
    if (this.#cause !== '') return this.#cause;
    if (this.#found > 0 || isMetadata(value)) return undefined;
    return `no address: none of the keys ${this.#keys.slice(0, 5).join(', ')}${this.#keys.length > 5 ? ' …' : ''}`;
  }

  #walk(value: unknown, depth: number): void {
    if (depth > MAX_DEPTH) return;
    if (typeof value === 'string') this.#entry(value, {});
    else if (Array.isArray(value)) for (const item of value) this.#walk(item, depth + 1);
    else if (typeof value === 'object' && value !== null) this.#object(value as Record<string, unknown>, depth);
  }

  #object(value: Record<string, unknown>, depth: number): void {
    const key = this.#keys.find((name) => typeof value[name] === 'string' || Array.isArray(value[name]));
    if (key !== undefined) {
      for (const text of [value[key]].flat()) if (typeof text === 'string') this.#entry(text, value);
      return;
    }
    for (const inner of Object.values(value)) if (typeof inner === 'object') this.#walk(inner, depth + 1);
  }

  #entry(text: string, fields: Record<string, unknown>): void {
    const bytes = Buffer.from(text.trim(), 'latin1');
    const { origin, action, forced, reason, expires } = fields;
    const group: JsonOrigin = {
      ...(typeof origin === 'string' ? { origin } : {}),
      ...(action === 'drop' || action === 'alert' ? { action } : {}),
      ...(typeof forced === 'boolean' ? { forced } : {}),
    };
    const builder = this.#builderOf(group);
    const mark = builder.mark();
    const until = typeof expires === 'string' ? Date.parse(expires) : NaN;
    if (typeof expires === 'string' && Number.isNaN(until)) this.#cause ||= `"${expires.slice(0, 40)}" is not a time`;
    else if (/[\s,;#|"'}\]]/.test(text.trim())) this.#cause ||= `"${text.slice(0, 60)}": more than an address`;
    else if (!this.#scanner.item(bytes, 0, bytes.length, builder))
      this.#cause ||= `"${text.slice(0, 60)}": ${this.#scanner.cause}`;
    else builder.describe(mark, expires === null ? Infinity : until, typeof reason === 'string' ? reason : '');
    this.#found++;
    bound(++this.#total, this.#source.maxEntries);
  }
}

/** A note about the list beside its entries, as Spamhaus writes at the end of DROP. */
function isMetadata(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'metadata';
}

/** Adds the entries of every value of the file; returns how many lines there are. @param key the key that holds the entry */
export function readJson(source: Source, builderOf: BuilderOf, key?: string): number {
  const { bytes, problems, onProgress } = source;
  const reader = new JsonReader(source, builderOf, key);
  let line = 1;
  let lineStart = source.start;
  let inArray = false;
  let values = 0;
  for (let at = source.start; at < bytes.length;) {
    const byte = bytes[at] ?? 0;
    if (byte === NEWLINE) {
      line++;
      lineStart = ++at;
      continue;
    }
    if (byte <= 0x20 || byte === 0x2c || (inArray && byte === 0x5d)) {
      at++;
      continue;
    }
    if (byte === 0x5b && values === 0 && !inArray) {
      inArray = true;
      at++;
      continue;
    }
    const firstLine = line;
    const start = at;
    const end = valueEnd(bytes, at, (newlines) => (line += newlines));
    const bad = (cause: string): void => problems.add(firstLine, lineStart, start, Math.min(end, start + 200), cause);
    if (end <= start) {
      bad('not JSON');
      at = start + 1;
      continue;
    }
    if (end - start > MAX_VALUE) bad(`a value of more than ${MAX_VALUE} bytes`);
    else {
      let value: unknown;
      let cause: string | undefined;
      try {
        value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8'));
      } catch (error) {
        cause = `not JSON: ${messageOf(error)}`.slice(0, 160);
      }
      cause ??= reader.take(value);
      if (cause !== undefined) bad(cause);
    }
    if ((++values & 0x3fff) === 0) onProgress(at);
    const newline = bytes.lastIndexOf(NEWLINE, end - 1);
    if (newline >= start) lineStart = newline + 1;
    at = end;
  }
  return bytes.at(-1) === NEWLINE ? line - 1 : line;
}
