// SPDX-License-Identifier: Apache-2.0
// The `http` line of EVE: Suricata's fields in Suricata's order, from the header sections of a request and its response.

import { HttpFlag, HttpLayout, MaskedLayout } from '../../common/abi.gen.js';
import { ascii, type ByteWriter } from './byte-writer.js';
import { Header, HeadScan, hostOfTarget } from './head-scan.js';

/** Which header lines stand in `request_headers` and `response_headers`. */
export type HeaderLines = 'none' | 'all' | readonly string[];

const HEADERS_MAX = 64;
const SLASH = 0x2f;
const key = (name: string): Uint8Array => ascii(`"${name}":`);
const HOSTNAME = key('hostname');
const HTTP_PORT = key('http_port');
const URL = key('url');
const USER_AGENT = key('http_user_agent');
const XFF = key('xff');
const CONTENT_TYPE = key('http_content_type');
const REFERER = key('http_refer');
const METHOD = key('http_method');
const PROTOCOL = key('protocol');
const STATUS = key('status');
const REDIRECT = key('redirect');
const LENGTH = key('length');
const REQUEST_HEADERS = key('request_headers');
const RESPONSE_HEADERS = key('response_headers');
const HTTP = ascii(',"http":{');
const IDS = ascii(',"ids":{');
const LATENCY = ascii('"latency_us":');
const MASKED = ascii('"masked":[');
const FLAGS = ascii('"flags":[');
const COMMA = 0x2c;
const QUOTE = 0x22;
const CLOSE = 0x7d;

const flagNames: readonly (readonly [number, Uint8Array])[] = [
  [HttpFlag.HTTP_TRUNCATED, ascii('"truncated"')],
  [HttpFlag.HTTP_CONFLICT, ascii('"conflict"')],
  [HttpFlag.HTTP_LENGTHS, ascii('"lengths"')],
  [HttpFlag.HTTP_GAP, ascii('"gap"')],
];
const FLAGS_SHOWN = flagNames.reduce((sum, [flag]) => sum | flag, 0);

/** A record of a header section and where it lies. */
export interface HeadRecord {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly at: number;
}

const request = new HeadScan();
const response = new HeadScan();

/** Writes `"key":"value"` with its comma unless nothing stands before it. */
function field(out: ByteWriter, first: boolean, name: Uint8Array, bytes: Uint8Array, from: number, to: number): void {
  if (!first) out.byte(COMMA);
  out.raw(name, 0, name.length);
  out.byte(QUOTE);
  out.text(bytes, from, to);
  out.byte(QUOTE);
}

function optional(out: ByteWriter, name: Uint8Array, scan: HeadScan, header: number): void {
  const from = scan.value[2 * header] as number;
  if (from >= 0) field(out, false, name, scan.bytes, from, scan.value[2 * header + 1] as number);
}

function numberField(out: ByteWriter, name: Uint8Array, value: number): void {
  out.byte(COMMA);
  out.raw(name, 0, name.length);
  out.number(value);
}

/** Decimal digits as a number, -1 for anything else. */
function digits(bytes: Uint8Array, from: number, to: number): number {
  if (to <= from || to - from > 15) return -1;
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = (bytes[i] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** hostname, http_port; true if nothing was written. */
function host(out: ByteWriter, section: HeadScan): boolean {
  const { bytes, value, part } = section;
  const target = part[2] as number;
  if (bytes[target] !== SLASH && (part[3] as number) - target > 1) {
    const named = hostOfTarget(bytes.subarray(part[0]));
    if (named !== undefined) {
      field(out, true, HOSTNAME, named, 0, named.length);
      return false;
    }
  }
  const from = value[2 * Header.HOST] as number;
  if (from < 0) return true;
  const end = section.hostEnd();
  out.raw(HOSTNAME, 0, HOSTNAME.length);
  out.byte(QUOTE);
  out.lower(bytes, from, end);
  out.byte(QUOTE);
  const port = digits(bytes, end + 1, value[2 * Header.HOST + 1] as number);
  if (port >= 0 && port < 65_536) numberField(out, HTTP_PORT, port);
  return false;
}

/** True if a name is one of `names`, which are in lower case. */
function isNamed(names: readonly string[], bytes: Uint8Array, from: number, to: number): boolean {
  const length = to - from;
  return names.some((name) => {
    if (name.length !== length) return false;
    for (let i = 0; i < length; i++)
      if (((bytes[from + i] as number) | 0x20) !== (name.charCodeAt(i) | 0x20)) return false;
    return true;
  });
}

/** The header lines of a section as `[{"name":…,"value":…}]`, those of `names` if only some are asked for. */
function headerLines(
  out: ByteWriter,
  name: Uint8Array,
  { bytes, at, view }: HeadRecord,
  names: readonly string[] | undefined,
): void {
  const from = at + HttpLayout.SIZE;
  const to = from + view.getUint32(at + HttpLayout.length, true);
  let line = bytes.indexOf(10, from) + 1;
  let count = 0;
  out.byte(COMMA);
  out.raw(name, 0, name.length);
  out.byte(0x5b);
  while (line > from && line < to && count < HEADERS_MAX) {
    let end = bytes.indexOf(10, line);
    if (end < 0 || end > to) end = to;
    const next = end + 1;
    while (end > line && (bytes[end - 1] as number) <= 0x20) end--;
    if (end <= line) break;
    let colon = line;
    while (colon < end && bytes[colon] !== 0x3a) colon++;
    let begin = Math.min(colon + 1, end);
    while (begin < end && ((bytes[begin] as number) === 0x20 || bytes[begin] === 9)) begin++;
    if (colon < end && colon > line && (names === undefined || isNamed(names, bytes, line, colon))) {
      out.raw(count > 0 ? NEXT_NAME : FIRST_NAME);
      out.text(bytes, line, colon);
      out.raw(VALUE);
      out.text(bytes, begin, end);
      out.raw(END_VALUE);
      count++;
    }
    line = next;
  }
  out.byte(0x5d);
}

const FIRST_NAME = ascii('{"name":"');
const NEXT_NAME = ascii(',{"name":"');
const VALUE = ascii('","value":"');
const END_VALUE = ascii('"}');

/** The `http` object and what we add under `ids`. One of the two records is there. */
export function httpFields(
  out: ByteWriter,
  asked: HeadRecord | undefined,
  answered: HeadRecord | undefined,
  headers: HeaderLines,
): void {
  out.raw(HTTP, 0, HTTP.length);
  let first = true;
  if (asked) {
    const from = asked.at + HttpLayout.SIZE;
    request.scan(asked.bytes, from, from + asked.view.getUint32(asked.at + HttpLayout.length, true));
    first = host(out, request);
    field(out, first, URL, request.bytes, request.part[2] as number, request.part[3] as number);
    first = false;
    optional(out, USER_AGENT, request, Header.USER_AGENT);
    optional(out, XFF, request, Header.FORWARDED_FOR);
  }
  let status = 0;
  if (answered) {
    const from = answered.at + HttpLayout.SIZE;
    response.scan(answered.bytes, from, from + answered.view.getUint32(answered.at + HttpLayout.length, true));
    status = answered.view.getUint16(answered.at + HttpLayout.status, true);
    const type = response.value[2 * Header.CONTENT_TYPE] as number;
    if (type >= 0) {
      let end = type;
      const to = response.value[2 * Header.CONTENT_TYPE + 1] as number;
      // As the reference has it: without its parameters.
      while (end < to && response.bytes[end] !== 0x3b) end++;
      field(out, first, CONTENT_TYPE, response.bytes, type, end);
      first = false;
    }
  }
  if (asked) {
    optional(out, REFERER, request, Header.REFERER);
    field(out, false, METHOD, request.bytes, request.part[0] as number, request.part[1] as number);
    const from = request.part[4] as number;
    const to = request.part[5] as number;
    if (to > from) field(out, false, PROTOCOL, request.bytes, from, to);
  } else {
    field(out, first, PROTOCOL, response.bytes, response.part[0] as number, response.part[1] as number);
  }
  if (answered) {
    if (status > 0) numberField(out, STATUS, status);
    if (status > 300 && status < 400) optional(out, REDIRECT, response, Header.LOCATION);
    const at = 2 * Header.CONTENT_LENGTH;
    const length = digits(response.bytes, response.value[at] as number, response.value[at + 1] as number);
    if (length >= 0) numberField(out, LENGTH, length);
  }
  if (headers !== 'none') {
    const names = headers === 'all' ? undefined : headers;
    if (asked) headerLines(out, REQUEST_HEADERS, asked, names);
    if (answered) headerLines(out, RESPONSE_HEADERS, answered, names);
  }
  out.byte(CLOSE);
  ours(out, asked, answered);
  out.byte(CLOSE);
}

const flagsOf = (record: HeadRecord | undefined): number =>
  record === undefined ? 0 : record.view.getUint32(record.at + HttpLayout.flags, true);
const maskedOf = (record: HeadRecord | undefined): number =>
  record === undefined ? 0 : (record.bytes[record.at + HttpLayout.masked] as number);

/** `ids`: latency, masked values, what is odd about the sections; nothing if there is nothing to tell. */
function ours(out: ByteWriter, asked: HeadRecord | undefined, answered: HeadRecord | undefined): void {
  const latency = answered === undefined ? 0 : answered.view.getUint32(answered.at + HttpLayout.latencyUs, true);
  const flags = (flagsOf(asked) | flagsOf(answered)) & FLAGS_SHOWN;
  const masked = maskedOf(asked) + maskedOf(answered);
  if (latency === 0 && flags === 0 && masked === 0) return;
  out.raw(IDS, 0, IDS.length);
  let first = true;
  if (latency > 0) {
    out.raw(LATENCY, 0, LATENCY.length);
    out.number(latency);
    first = false;
  }
  if (masked > 0) {
    if (!first) out.byte(COMMA);
    out.raw(MASKED, 0, MASKED.length);
    let count = 0;
    if (asked) count = maskedValues(out, asked, count);
    if (answered) maskedValues(out, answered, count);
    out.byte(0x5d);
    first = false;
  }
  if (flags !== 0) {
    if (!first) out.byte(COMMA);
    out.raw(FLAGS, 0, FLAGS.length);
    let count = 0;
    for (const [flag, name] of flagNames) {
      if ((flags & flag) === 0) continue;
      if (count++ > 0) out.byte(COMMA);
      out.raw(name);
    }
    out.byte(0x5d);
  }
  out.byte(CLOSE);
}

const MASKED_NAME = ascii('{"name":"');
const MASKED_LENGTH = ascii('","length":');
const MASKED_HASH = ascii(',"hash":"');

/** Each masked value: the header or parameter that it belongs to, its length, its keyed hash. */
function maskedValues(out: ByteWriter, { bytes, view, at }: HeadRecord, before: number): number {
  const section = at + HttpLayout.SIZE;
  const length = view.getUint32(at + HttpLayout.length, true);
  const values = section + ((length + 7) & ~7);
  const count = bytes[at + HttpLayout.masked] as number;
  for (let i = 0; i < count; i++) {
    const value = values + i * MaskedLayout.SIZE;
    const offset = view.getUint32(value + MaskedLayout.offset, true);
    if (before + i > 0) out.byte(COMMA);
    out.raw(MASKED_NAME);
    if (offset <= length) nameBefore(out, bytes, section, section + offset);
    out.raw(MASKED_LENGTH);
    out.number(view.getUint32(value + MaskedLayout.length, true));
    out.raw(MASKED_HASH);
    const high = view
      .getUint32(value + MaskedLayout.hash + 4, true)
      .toString(16)
      .padStart(8, '0');
    const low = view
      .getUint32(value + MaskedLayout.hash, true)
      .toString(16)
      .padStart(8, '0');
    out.string(high + low);
    out.raw(END_VALUE);
  }
  return before + count;
}

/** The name that stands before a value: of a header at the begin of its line, or of a parameter in the request line. */
function nameBefore(out: ByteWriter, bytes: Uint8Array, from: number, value: number): void {
  let line = value;
  while (line > from && bytes[line - 1] !== 10) line--;
  let begin = line;
  if (line === from) {
    begin = value;
    while (begin > from && bytes[begin - 1] !== 0x3f && bytes[begin - 1] !== 0x26 && bytes[begin - 1] !== 0x20) begin--;
  }
  let end = begin;
  while (end < value && bytes[end] !== 0x3a && bytes[end] !== 0x3d) end++;
  out.lower(bytes, begin, end);
}
