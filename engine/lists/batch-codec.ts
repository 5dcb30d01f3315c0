// SPDX-License-Identifier: Apache-2.0
// A batch with a JSON header as bytes, for the control socket and for files: columns as they are, nothing to parse.
//
//   0  "IDSB"            4  version (1)        8  bytes of the header       12  bytes of the reasons (0: no extra columns)
//  16  IPv4 entries     20  IPv6 entries
//  24  header (JSON), reasons (JSON array), then the columns, each part padded to 8 bytes:
//      addr4, addr6, len4, len6, and with extra columns expires4, expires6, reason4, reason6. Little endian.

import { IdsError } from '../../common/errors.js';
import { mask4 } from './batch-builder.js';
import type { BatchExtra, Capacity, PrefixBatch } from './prefix-batch.js';
import { isStrictlySorted } from './radix.js';
import { listFull } from './table/full.js';

const MAGIC = 0x42534449;
const VERSION = 1;
const FIXED = 24;
/** Of one batch that is to be taken in: each kind of entry has a place of its own in memory. */
const MAX_KINDS = 65_536;
const MAX_REASON_BYTES = 64 * 1024 * 1024;
/** The header is what a command line says. */
const MAX_HEADER = 64 * 1024;

function padded(length: number): number {
  return (length + 7) & ~7;
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** The bytes of a batch and its header. */
export function encodeBatch(batch: PrefixBatch, header: unknown = {}): Buffer {
  const { addr4, len4, addr6, len6, extra } = batch;
  const head = Buffer.from(JSON.stringify(header));
  const reasons = extra ? Buffer.from(JSON.stringify(extra.reasons)) : Buffer.alloc(0);
  const columns: ArrayBufferView[] = [addr4, addr6, len4, len6];
  if (extra) columns.push(extra.expires4, extra.expires6, extra.reason4, extra.reason6);
  const parts = [head, reasons, ...columns.map(bytesOf)];
  const size = FIXED + parts.reduce((sum, { length }) => sum + padded(length), 0);
  const out = Buffer.from(new ArrayBuffer(size));
  [MAGIC, VERSION, head.length, reasons.length, len4.length, len6.length].forEach((word, i) =>
    out.writeUInt32LE(word, 4 * i),
  );
  let at = FIXED;
  for (const part of parts) {
    out.set(part, at);
    at += padded(part.length);
  }
  return out;
}

function fail(what: string): never {
  throw new IdsError('LIST_INVALID', `the binary list is damaged: ${what}`);
}

/** Reads parts one after the other, checked against the end. */
class PartReader {
  readonly #bytes: Uint8Array;
  #at = FIXED;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(length: number): Uint8Array {
    const at = this.#at;
    if (length > this.#bytes.length - at) fail('it ends early');
    this.#at += padded(length);
    return this.#bytes.subarray(at, at + length);
  }

  json(length: number): unknown {
    const text = Buffer.from(this.take(length)).toString('utf8');
    try {
      return JSON.parse(text);
    } catch {
      return fail('its header is no JSON');
    }
  }

  /** A copy: the columns are aligned, and keep no larger buffer alive. */
  copy(length: number): ArrayBuffer {
    const copy = new ArrayBuffer(length);
    new Uint8Array(copy).set(this.take(length));
    return copy;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) fail('something follows its end');
  }
}

/** Host bits must be clear: two entries of the same network would otherwise both be listed. */
function checkEntries({ addr4, len4, addr6, len6 }: PrefixBatch): void {
  for (let i = 0; i < len4.length; i++) {
    const length = len4[i] ?? 0;
    const address = addr4[i] ?? 0;
    if (length > 32 || (address & ~mask4(length)) !== 0) fail(`IPv4 entry ${i} is no prefix`);
  }
  for (let i = 0; i < len6.length; i++) {
    const length = len6[i] ?? 0;
    let host = length > 128;
    for (let word = 0; word < 4; word++) {
      const bits = Math.min(32, Math.max(0, length - 32 * word));
      host ||= ((addr6[4 * i + word] ?? 0) & ~mask4(bits)) !== 0;
    }
    const mapped = length >= 96 && addr6[4 * i] === 0 && addr6[4 * i + 1] === 0 && addr6[4 * i + 2] === 0xffff;
    if (host || mapped) fail(`IPv6 entry ${i} is no IPv6 prefix`);
  }
  if (!isStrictlySorted(addr4, len4, 1) || !isStrictlySorted(addr6, len6, 4)) fail('its entries are not in order');
}

function checkExtra({ expires4, expires6, reason4, reason6, reasons }: BatchExtra): void {
  const known = (index: number): boolean => index < reasons.length;
  if (!reasons.every((text) => typeof text === 'string' && text.length <= 1000) || reasons[0] !== '')
    fail('its reasons');
  if (!reason4.every(known) || !reason6.every(known)) fail('a reason that it does not have');
  const time = (value: number): boolean => Number.isNaN(value) || value >= 0;
  if (!expires4.every(time) || !expires6.every(time)) fail('an expiry before the epoch');
}

/** Reasons and expiries are for many entries each. */
function checkKinds({ expires4, expires6, reasons }: BatchExtra): void {
  const refuse = (what: string): never => {
    const text = `the list has more than ${MAX_KINDS} different ${what}: import it in parts`;
    throw new IdsError('LIST_INVALID', text, { details: { max: MAX_KINDS } });
  };
  if (reasons.length > MAX_KINDS + 1) refuse('reasons');
  const seen = new Set<number>();
  let last = NaN;
  for (const ends of [expires4, expires6]) {
    for (const end of ends) {
      if (end === last || Number.isNaN(end)) continue;
      seen.add((last = end));
      if (seen.size > MAX_KINDS) refuse('expiries');
    }
  }
}

/** More entries than both tables have places never fit. */
function checkRoom(count4: number, count6: number, room: Capacity): void {
  const { entries4, entries6, capacity4, capacity6 } = room;
  if (count4 + count6 <= capacity4 + capacity6) return;
  throw count4 > capacity4
    ? listFull('IPv4', entries4, capacity4, count4)
    : listFull('IPv6', entries6, capacity6, count6);
}

/**
 * A batch that came from somewhere else, checked in full: a wrong order or host bits would break the tables.
 * @param room for a batch that is to be taken in: where it must fit, and how different its entries may be
 * @throws IdsError LIST_INVALID; LIST_FULL if there are more entries than places
 */
export function decodeBatch(
  bytes: Uint8Array,
  maxEntries: number,
  room?: Capacity,
): { readonly header: unknown; readonly batch: PrefixBatch } {
  if (bytes.length < FIXED) fail('it ends early');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (index: number): number => view.getUint32(4 * index, true);
  if (word(0) !== MAGIC) fail('it is none');
  if (word(1) !== VERSION) fail(`version ${word(1)} is not known: command and daemon are of different versions`);
  const [headLength, reasonsLength, count4, count6] = [word(2), word(3), word(4), word(5)];
  if (headLength > MAX_HEADER) fail('its header is too long');
  if (count4 + count6 > maxEntries) {
    throw new IdsError('LIST_INVALID', `the list has ${count4 + count6} entries, more than ${maxEntries}`);
  }
  if (room) {
    checkRoom(count4, count6, room);
    if (reasonsLength > MAX_REASON_BYTES) fail(`its reasons are longer than ${MAX_REASON_BYTES} bytes`);
  }
  const reader = new PartReader(bytes);
  const header = reader.json(headLength);
  const reasons = reasonsLength > 0 ? (reader.json(reasonsLength) as string[]) : undefined;
  if (reasons !== undefined && !Array.isArray(reasons)) fail('its reasons');
  const columns = {
    count: count4 + count6,
    addr4: new Uint32Array(reader.copy(4 * count4)),
    addr6: new Uint32Array(reader.copy(16 * count6)),
    len4: new Uint8Array(reader.copy(count4)),
    len6: new Uint8Array(reader.copy(count6)),
  };
  checkEntries(columns);
  if (!reasons) {
    reader.end();
    return { header, batch: columns };
  }
  const extra: BatchExtra = {
    expires4: new Float64Array(reader.copy(8 * count4)),
    expires6: new Float64Array(reader.copy(8 * count6)),
    reason4: new Uint32Array(reader.copy(4 * count4)),
    reason6: new Uint32Array(reader.copy(4 * count6)),
    reasons,
  };
  reader.end();
  checkExtra(extra);
  if (room) checkKinds(extra);
  return { header, batch: { ...columns, extra } };
}
