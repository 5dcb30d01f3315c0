// SPDX-License-Identifier: Apache-2.0
// JA3 and JA3S (Salesforce), JA4 of TLS over TCP (FoxIO): fingerprints of how a side says hello.

import { createHash } from 'node:crypto';
import type { TlsFingerprint } from '../../alerts/index.js';
import { isGrease, versionOf, type Hello } from './tls-hello.js';

const SERVER_NAME = 0;
const ALPN = 16;

/** Clients repeat themselves: a digest that was made is kept, all of them until there are this many. */
const KEPT = 2048;
const digests = new Map<string, string>();

function digest(algorithm: 'md5' | 'sha256', text: string): string {
  const key = algorithm + text;
  const known = digests.get(key);
  if (known !== undefined) return known;
  if (digests.size >= KEPT) digests.clear();
  const made = createHash(algorithm).update(text).digest('hex');
  digests.set(key, made);
  return made;
}

function said(values: readonly number[]): number[] {
  return values.filter((value) => !isGrease(value));
}

/** `771,4865-4866,0-10-11,29-23,0`: version, ciphers, extensions, groups, point formats. */
export function ja3(hello: Hello): TlsFingerprint {
  const lists = [hello.ciphers, hello.extensions, hello.groups].map((list) => said(list).join('-'));
  const string = [hello.version, ...lists, hello.pointFormats.join('-')].join(',');
  return { hash: digest('md5', string), string };
}

/** `771,4865,43-51`: version, cipher, extensions of a ServerHello. */
export function ja3s(hello: Hello): TlsFingerprint {
  const string = `${hello.version},${hello.ciphers.join('-')},${said(hello.extensions).join('-')}`;
  return { hash: digest('md5', string), string };
}

const versionCodes: Readonly<Record<number, string>> = {
  0x0304: '13',
  0x0303: '12',
  0x0302: '11',
  0x0301: '10',
  0x0300: 's3',
  0x0200: 's2',
};

const alphanumeric = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);

/** First and last character of the first protocol; if one is no letter or digit, those of its hexadecimal form. */
function protocolCode(alpn: Uint8Array | undefined): string {
  const first = alpn?.[0];
  const last = alpn?.[alpn.length - 1];
  if (alpn === undefined || first === undefined || last === undefined) return '00';
  if (alpn.length === 2 && isGrease((first << 8) | last)) return '00';
  if (alphanumeric(first) && alphanumeric(last)) return String.fromCharCode(first, last);
  return (first >> 4).toString(16) + (last & 15).toString(16);
}

const count = (list: readonly unknown[]): string => String(Math.min(99, list.length)).padStart(2, '0');

/** Four digits of every number that was asked for. */
const digits: string[] = [];

function words(values: Iterable<number>): string {
  let text = '';
  for (const value of values) {
    const word = (digits[value] ??= value.toString(16).padStart(4, '0'));
    text += text === '' ? word : `,${word}`;
  }
  return text;
}

const EMPTY = '0'.repeat(12);

function part(text: string, empty: boolean): string {
  return empty ? EMPTY : digest('sha256', text).slice(0, 12);
}

/** `t13d1516h2_8daaf6152771_e5627efa2ab1`. */
export function ja4(hello: Hello): string {
  const ciphers = said(hello.ciphers);
  const extensions = said(hello.extensions);
  const signatures = said(hello.signatures);
  const sni = extensions.includes(SERVER_NAME) ? 'd' : 'i';
  const version = versionCodes[versionOf(hello)] ?? '00';
  const head = `t${version}${sni}${count(ciphers)}${count(extensions)}${protocolCode(hello.alpns[0])}`;
  const named = extensions.filter((type) => type !== SERVER_NAME && type !== ALPN);
  const sorted = words(Uint16Array.from(named).sort());
  const tail = signatures.length > 0 ? `${sorted}_${words(signatures)}` : sorted;
  const offered = words(Uint16Array.from(ciphers).sort());
  return `${head}_${part(offered, ciphers.length === 0)}_${part(tail, named.length === 0)}`;
}
