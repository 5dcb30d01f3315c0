// SPDX-License-Identifier: Apache-2.0
// Data of DNS records, by type.

import { printable, type DnsData } from '../../alerts/index.js';
import type { DnsReader } from './dns-names.js';

/** Bytes of data of unknown structure that a record tells. */
const OTHER_MAX = 512;

function hex(bytes: Buffer): string {
  return bytes.toString('hex', 0, OTHER_MAX);
}

function ipv4(bytes: Buffer): string {
  return bytes.join('.');
}

/** All eight groups of four digits, as Suricata writes them. */
function ipv6(bytes: Buffer): string {
  return bytes.toString('hex').replace(/(.{4})(?=.)/g, '$1:');
}

/** RFC 3597: data of a type that is not known. */
function unknown(bytes: Buffer): DnsData {
  return { kind: 'other', text: `\\# ${bytes.length} ${hex(bytes)}`.trimEnd() };
}

function texts(reader: DnsReader): string[] {
  const out: string[] = [];
  while (!reader.failed && reader.at < reader.limit) out.push(printable(reader.take(reader.byte())));
  return out;
}

function options(reader: DnsReader): { code: number; data: string }[] {
  const out: { code: number; data: string }[] = [];
  while (!reader.failed && reader.at < reader.limit) {
    const code = reader.word();
    out.push({ code, data: reader.take(reader.word()).toString('hex') });
  }
  return out;
}

const parameterNames = ['mandatory', 'alpn', 'no-default-alpn', 'port', 'ipv4hint', 'ech', 'ipv6hint'];

function chunks(bytes: Buffer, size: number, write: (chunk: Buffer) => string): string | undefined {
  if (bytes.length === 0 || bytes.length % size !== 0) return undefined;
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += size) parts.push(write(bytes.subarray(at, at + size)));
  return parts.join(',');
}

/** A list of strings with a length byte each. */
function protocols(bytes: Buffer): string | undefined {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + (bytes[at] ?? 0);
    if (end > bytes.length) return undefined;
    parts.push(printable(bytes.subarray(at + 1, end)));
    at = end;
  }
  return parts.join(',');
}

const parameterKey = (key: number): string => parameterNames[key] ?? `key${key}`;
const number16 = (chunk: Buffer): string => String(chunk.readUInt16BE(0));

function parameterValue(key: number, value: Buffer): string | undefined {
  if (key === 0) return chunks(value, 2, (chunk) => parameterKey(chunk.readUInt16BE(0)));
  if (key === 1) return protocols(value);
  if (key === 3) return value.length === 2 ? number16(value) : undefined;
  if (key === 4) return chunks(value, 4, ipv4);
  if (key === 5) return value.toString('base64');
  if (key === 6) return chunks(value, 16, ipv6);
  return undefined;
}

/** SVCB and HTTPS in the form of RFC 9460: `1 . alpn=h2,h3 port=8443`. */
function service(reader: DnsReader): DnsData {
  const priority = reader.word();
  let text = `${priority} ${reader.name().text || '.'}`;
  while (!reader.failed && reader.at < reader.limit) {
    const key = reader.word();
    const value = reader.take(reader.word());
    const shown = value.length > OTHER_MAX ? undefined : parameterValue(key, value);
    text += ` ${parameterKey(key)}`;
    if (value.length > 0) text += `=${shown ?? hex(value)}`;
  }
  return { kind: 'other', text };
}

function named(reader: DnsReader): DnsData {
  return { kind: 'name', name: reader.name() };
}

const parsers: Readonly<Record<number, (reader: DnsReader, length: number) => DnsData>> = {
  1: (reader, length) =>
    length === 4 ? { kind: 'address', text: ipv4(reader.take(4)) } : unknown(reader.take(length)),
  28: (reader, length) =>
    length === 16 ? { kind: 'address', text: ipv6(reader.take(16)) } : unknown(reader.take(length)),
  2: named,
  5: named,
  12: named,
  39: named,
  15: (reader) => {
    reader.word();
    return named(reader);
  },
  6: (reader) => ({
    kind: 'soa',
    soa: {
      mname: reader.name(),
      rname: reader.name(),
      serial: reader.long(),
      refresh: reader.long(),
      retry: reader.long(),
      expire: reader.long(),
      minimum: reader.long(),
    },
  }),
  10: (reader, length) => ({ kind: 'text', texts: [printable(reader.take(length))] }),
  16: (reader) => ({ kind: 'text', texts: texts(reader) }),
  33: (reader) => ({
    kind: 'srv',
    srv: { priority: reader.word(), weight: reader.word(), port: reader.word(), target: reader.name() },
  }),
  41: (reader) => ({ kind: 'opt', options: options(reader) }),
  44: (reader, length) => {
    const algorithm = reader.byte();
    const type = reader.byte();
    const fingerprint = reader.take(Math.max(0, length - 2)).toString('hex');
    return { kind: 'sshfp', sshfp: { algorithm, type, fingerprint: fingerprint.replace(/(..)(?=.)/g, '$1:') } };
  },
  64: service,
  65: service,
};

/** The data of a record of `length` bytes, which the reader has; it stands behind them afterwards. */
export function readDnsData(reader: DnsReader, type: number, length: number): DnsData {
  const { at, limit } = reader;
  reader.limit = at + length;
  const data = parsers[type]?.(reader, length) ?? unknown(reader.take(length));
  reader.limit = limit;
  reader.at = at + length;
  return data;
}
