// SPDX-License-Identifier: Apache-2.0
// Distinguished names as Suricata prints them: `C=US, ST=California, O=Example + OU=x, CN=example.org`.

import { printable } from '../../alerts/index.js';
import { readChildren, readOid, type DerValue } from './der.js';

const OID = 0x06;
const SEQUENCE = 0x30;
const SET = 0x31;
const BMP_STRING = 0x1e;
const UNIVERSAL_STRING = 0x1c;
/** UTF8, Numeric, Printable, Teletex, Videotex, IA5, Graphic, Visible, General. */
const texts: ReadonlySet<number> = new Set([0x0c, 0x12, 0x13, 0x14, 0x15, 0x16, 0x19, 0x1a, 0x1b]);

/** Attributes of a name. */
const ATTRIBUTES_MAX = 64;

const names: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '0.9.2342.19200300.100.1.25': 'DC',
    '1.2.840.113549.1.9.1': 'Email',
    '1.2.840.113549.1.9.2': 'unstructuredName',
    '1.3.6.1.4.1.311.60.2.1.1': 'msJurisdictionLocality',
    '1.3.6.1.4.1.311.60.2.1.2': 'msJurisdictionStateOrProvince',
    '1.3.6.1.4.1.311.60.2.1.3': 'msJurisdictionCountry',
    '2.5.4.3': 'CN',
    '2.5.4.4': 'surname',
    '2.5.4.5': 'serialNumber',
    '2.5.4.6': 'C',
    '2.5.4.7': 'L',
    '2.5.4.8': 'ST',
    '2.5.4.9': 'streetAddress',
    '2.5.4.10': 'O',
    '2.5.4.11': 'OU',
    '2.5.4.12': 'title',
    '2.5.4.13': 'description',
    '2.5.4.15': 'businessCategory',
    '2.5.4.16': 'postalAddress',
    '2.5.4.17': 'postalCode',
    '2.5.4.41': 'name',
    '2.5.4.42': 'givenName',
    '2.5.4.43': 'initials',
    '2.5.4.44': 'generationQualifier',
    '2.5.4.45': 'uniqueIdentifier',
    '2.5.4.46': 'dnQualifier',
  }),
);

function attributeText(bytes: Uint8Array, value: DerValue): string {
  const content = Buffer.from(bytes.subarray(value.from, value.to));
  if (texts.has(value.tag)) return printable(content);
  if (value.tag === BMP_STRING && content.length % 2 === 0) return content.swap16().toString('utf16le');
  if (value.tag === UNIVERSAL_STRING && content.length % 4 === 0) {
    let text = '';
    for (let at = 0; at < content.length; at += 4) {
      const point = content.readUInt32BE(at);
      text += String.fromCodePoint(point > 0x10ffff ? 0xfffd : point);
    }
    return text;
  }
  return content.toString('hex').toUpperCase();
}

/** A name in DER as text; undefined if it is none. */
export function distinguishedName(bytes: Uint8Array, name: DerValue): string | undefined {
  if (name.tag !== SEQUENCE) return undefined;
  const parts: string[] = [];
  let budget = ATTRIBUTES_MAX;
  for (const set of readChildren(bytes, name, ATTRIBUTES_MAX) ?? [undefined]) {
    const attributes = set?.tag === SET ? readChildren(bytes, set, budget) : undefined;
    if (!attributes) return undefined;
    budget -= attributes.length;
    const shown: string[] = [];
    for (const attribute of attributes) {
      const [type, value] = readChildren(bytes, attribute, 2) ?? [];
      if (type?.tag !== OID || !value) return undefined;
      const oid = readOid(bytes, type);
      shown.push(`${names.get(oid) ?? `OID(${oid})`}=${attributeText(bytes, value)}`);
    }
    parts.push(shown.join(' + '));
  }
  return parts.join(', ');
}
