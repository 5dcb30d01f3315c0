// SPDX-License-Identifier: Apache-2.0
// The `dns` object of EVE, version 3: what Suricata 8 writes, for requests and responses alike.

import { dnsRcodes, dnsTypes } from '../common/dns-names.js';
import { cleanText } from './text.js';

/** A name in dotted form without the last dot, bytes that are not UTF-8 as `printable()` writes them. */
export interface DnsName {
  readonly text: string;
  /** It went on: longer than 1,025 bytes, or a loop of pointers. */
  readonly truncated?: true;
}

export interface DnsQuestion {
  readonly name: DnsName;
  /** The name's bytes as they were sent, labels joined by dots: what rules look into. */
  readonly bytes: Uint8Array;
  readonly type: number;
  readonly class: number;
}

export interface DnsSoa {
  readonly mname: DnsName;
  readonly rname: DnsName;
  readonly serial: number;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  readonly minimum: number;
}

export interface DnsSrv {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: DnsName;
}

export interface DnsSshfp {
  readonly algorithm: number;
  readonly type: number;
  /** In lower-case hexadecimal, bytes joined by colons. */
  readonly fingerprint: string;
}

/** Data of a record: an address or a name, texts, a known structure; `other` is in the form of RFC 3597 or 9460. */
export type DnsData =
  | { readonly kind: 'address'; readonly text: string }
  | { readonly kind: 'name'; readonly name: DnsName }
  | { readonly kind: 'text'; readonly texts: readonly string[] }
  | { readonly kind: 'soa'; readonly soa: DnsSoa }
  | { readonly kind: 'srv'; readonly srv: DnsSrv }
  | { readonly kind: 'sshfp'; readonly sshfp: DnsSshfp }
  | { readonly kind: 'opt'; readonly options: readonly { readonly code: number; readonly data: string }[] }
  | { readonly kind: 'other'; readonly text: string };

export interface DnsRecord {
  readonly name: DnsName;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  readonly data: DnsData;
}

export interface DnsMessage {
  readonly id: number;
  /** The 16 bits behind the id: QR 0x8000, opcode, AA 0x400, TC 0x200, RD 0x100, RA 0x80, Z 0x40, rcode. */
  readonly flags: number;
  readonly questions: readonly DnsQuestion[];
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

/** The type's name, or its number if Suricata has no name for it. */
export function dnsTypeName(type: number): string {
  return dnsTypes.get(type) ?? String(type);
}

/** The name of the response code in the last four bits of the flags. */
export function dnsRcodeName(flags: number): string {
  return dnsRcodes[flags & 15] ?? String(flags & 15);
}

type Fields = Record<string, unknown>;

function soaObject(soa: DnsSoa): Fields {
  const { mname, rname, serial, refresh, retry, expire, minimum } = soa;
  const out: Fields = { mname: cleanText(mname.text) };
  if (mname.truncated) out['mname_truncated'] = true;
  out['rname'] = cleanText(rname.text);
  if (rname.truncated) out['rname_truncated'] = true;
  return Object.assign(out, { serial, refresh, retry, expire, minimum });
}

function srvObject({ priority, weight, port, target }: DnsSrv): Fields {
  return { priority, weight, port, name: cleanText(target.text) };
}

function sshfpObject({ fingerprint, algorithm, type }: DnsSshfp): Fields {
  return { fingerprint, algo: algorithm, type };
}

function recordHead(record: DnsRecord): Fields {
  const out: Fields = { rrname: cleanText(record.name.text) };
  if (record.name.truncated) out['rrname_truncated'] = true;
  out['rrtype'] = dnsTypeName(record.type);
  out['ttl'] = record.ttl;
  return out;
}

/** The record in detail; a TXT record makes one object a text, as in Suricata. */
function addDetails(out: Fields[], record: DnsRecord): void {
  const { data } = record;
  if (data.kind === 'text') {
    for (const text of data.texts) out.push({ ...recordHead(record), rdata: cleanText(text) });
    return;
  }
  const fields = recordHead(record);
  out.push(fields);
  switch (data.kind) {
    case 'name':
      fields['rdata'] = cleanText(data.name.text);
      if (data.name.truncated) fields['rdata_truncated'] = true;
      break;
    case 'address':
    case 'other':
      fields['rdata'] = data.text;
      break;
    case 'soa':
      fields['soa'] = soaObject(data.soa);
      break;
    case 'srv':
      fields['srv'] = srvObject(data.srv);
      break;
    case 'sshfp':
      fields['sshfp'] = sshfpObject(data.sshfp);
      break;
    case 'opt':
      fields['opt'] = data.options;
      break;
  }
}

function addGrouped(groups: Record<string, unknown[]>, { type, data }: DnsRecord): void {
  if (data.kind === 'opt' || data.kind === 'other') return;
  const group = (groups[dnsTypeName(type)] ??= []);
  switch (data.kind) {
    case 'text':
      for (const text of data.texts) group.push(cleanText(text));
      break;
    case 'name':
      group.push(cleanText(data.name.text));
      break;
    case 'address':
      group.push(data.text);
      break;
    case 'soa':
      group.push(soaObject(data.soa));
      break;
    case 'srv':
      group.push(srvObject(data.srv));
      break;
    case 'sshfp':
      group.push(sshfpObject(data.sshfp));
      break;
  }
}

function details(records: readonly DnsRecord[]): Fields[] {
  const out: Fields[] = [];
  for (const record of records) addDetails(out, record);
  return out;
}

function answerFields(out: Fields, answers: readonly DnsRecord[]): void {
  const groups: Record<string, unknown[]> = {};
  for (const record of answers) addGrouped(groups, record);
  out['answers'] = details(answers);
  out['grouped'] = groups;
}

// In the order in which Suricata writes them.
const flagBits: readonly (readonly [string, number])[] = [
  ['qr', 0x8000],
  ['aa', 0x400],
  ['tc', 0x200],
  ['rd', 0x100],
  ['ra', 0x80],
  ['z', 0x40],
];

/** The object `dns`; `txId` counts the messages of the flow from 0, `toServer` is the direction of the packet. */
export function dnsObject(message: DnsMessage, txId: number, toServer: boolean): Fields {
  const { flags } = message;
  const out: Fields = { version: 3, type: toServer ? 'request' : 'response', tx_id: txId, id: message.id };
  out['flags'] = flags.toString(16);
  for (const [name, bit] of flagBits) if (flags & bit) out[name] = true;
  out['opcode'] = (flags >> 11) & 15;
  out['rcode'] = dnsRcodeName(flags);
  if (message.questions.length > 0)
    out['queries'] = message.questions.map(({ name, type }) => ({
      rrname: cleanText(name.text),
      rrtype: dnsTypeName(type),
      ...(name.truncated && { rrname_truncated: true }),
    }));
  if (message.answers.length > 0) answerFields(out, message.answers);
  if (message.authorities.length > 0) out['authorities'] = details(message.authorities);
  // The bare OPT record of EDNS says nothing.
  const told = message.additionals.filter(({ data }) => data.kind !== 'opt' || data.options.length > 0);
  if (told.length > 0) out['additionals'] = details(told);
  return out;
}
