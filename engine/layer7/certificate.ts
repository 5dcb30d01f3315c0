// SPDX-License-Identifier: Apache-2.0
// X.509 certificates (RFC 5280): the fields that rules and logs ask for, in Suricata's words.

import { createHash } from 'node:crypto';
import { printable, type TlsCertificate } from '../../alerts/index.js';
import { readChildren, readDer, readOid, type DerValue } from './der.js';
import { distinguishedName } from './certificate-name.js';

const INTEGER = 0x02;
const OCTETS = 0x04;
const OID = 0x06;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

const SUBJECT_ALT_NAME = '2.5.29.17';
const EXTENSIONS_MAX = 64;
/** Names of a certificate that are told. */
const NAMES_MAX = 256;

const upperHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();
const colons = (hex: string): string => hex.replace(/(..)(?=.)/g, '$1:');

/** `2026-01-02T03:04:05`, from `260102030405Z` (1950 to 2049) or `20260102030405Z`. */
function readTime(bytes: Uint8Array, value: DerValue): string | undefined {
  let text = Buffer.from(bytes.subarray(value.from, Math.min(value.to, value.from + 32))).toString('latin1');
  if (value.tag === UTC_TIME) text = `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}`;
  else if (value.tag !== GENERALIZED_TIME) return undefined;
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?Z$/.exec(text);
  if (!parts) return undefined;
  const [, year, month, day, hour, minute, second = '00'] = parts;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  return Number.isNaN(Date.parse(`${iso}Z`)) ? undefined : iso;
}

function ipv6(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/(.{4})(?=.)/g, '$1:');
}

/** Tags of GeneralName: e-mail address, DNS name, URI, address. */
function readAltNames(bytes: Uint8Array, content: DerValue): string[] {
  const list = readDer(bytes, content.from, content.to);
  if (list?.tag !== SEQUENCE) return [];
  const out: string[] = [];
  for (let at = list.from; at < list.to && out.length < NAMES_MAX;) {
    const name = readDer(bytes, at, list.to);
    if (!name) break;
    const value = bytes.subarray(name.from, name.to);
    if (name.tag === 0x81 || name.tag === 0x82 || name.tag === 0x86) out.push(printable(value));
    else if (name.tag === 0x87 && value.length === 4) out.push(value.join('.'));
    else if (name.tag === 0x87 && value.length === 16) out.push(ipv6(value));
    at = name.to;
  }
  return out;
}

function altNames(bytes: Uint8Array, wrapper: DerValue | undefined): string[] {
  const list = wrapper && readDer(bytes, wrapper.from, wrapper.to);
  if (list?.tag !== SEQUENCE) return [];
  for (const extension of readChildren(bytes, list, EXTENSIONS_MAX) ?? []) {
    const parts = readChildren(bytes, extension, 3);
    const [id] = parts ?? [];
    const content = parts?.at(-1);
    if (id?.tag !== OID || content?.tag !== OCTETS || readOid(bytes, id) !== SUBJECT_ALT_NAME) continue;
    return readAltNames(bytes, content);
  }
  return [];
}

/** SHA-1 of a certificate in lower-case hexadecimal joined by colons. */
export function certificateFingerprint(der: Uint8Array): string {
  return colons(createHash('sha1').update(der).digest('hex'));
}

/** The fields of a certificate in DER; undefined if it cannot be read. Never throws. */
export function parseCertificate(der: Uint8Array): TlsCertificate | undefined {
  const outer = readDer(der, 0, der.length);
  const signed = outer?.tag === SEQUENCE ? readDer(der, outer.from, outer.to) : undefined;
  if (signed?.tag !== SEQUENCE) return undefined;
  const fields = readChildren(der, signed, 16);
  if (fields?.[0]?.tag === VERSION) fields.shift();
  const [serial, , issuer, validity, subject] = fields ?? [];
  if (serial?.tag !== INTEGER || validity?.tag !== SEQUENCE || !issuer || !subject) return undefined;
  const [before, after] = readChildren(der, validity, 2) ?? [];
  const notBefore = before && readTime(der, before);
  const notAfter = after && readTime(der, after);
  const names = { issuer: distinguishedName(der, issuer), subject: distinguishedName(der, subject) };
  if (notBefore === undefined || notAfter === undefined) return undefined;
  if (names.issuer === undefined || names.subject === undefined) return undefined;
  return {
    subject: names.subject,
    issuer: names.issuer,
    serial: colons(upperHex(der.subarray(serial.from, serial.to))),
    fingerprint: certificateFingerprint(der),
    notBefore,
    notAfter,
    names: altNames(
      der,
      fields?.find(({ tag }) => tag === EXTENSIONS),
    ),
  };
}
