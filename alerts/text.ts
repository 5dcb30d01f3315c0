// SPDX-License-Identifier: Apache-2.0
// Text from the network, made safe to print: log lines end up on terminals and in databases.

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function isAscii(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if ((bytes[i] ?? 0) >= 0x80) return false;
  return true;
}

/** Bytes as text: UTF-8 as it is; if it is not UTF-8, printable ASCII as it is and each other byte as `\xNN`. */
export function printable(bytes: Uint8Array): string {
  if (isAscii(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  try {
    return utf8.decode(bytes);
  } catch {
    let text = '';
    for (const byte of bytes) {
      const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x5c;
      text += plain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
    }
    return text;
  }
}

/** The longest text that a record carries in one field, in UTF-16 units. */
const FIELD_MAX = 8192;

/** A field's text: bounded, and without lone surrogates, which JSON receivers refuse. */
export function cleanText(text: string): string {
  const bounded = text.length > FIELD_MAX ? `${text.slice(0, FIELD_MAX - 1)}…` : text;
  return bounded.replace(/\p{Cs}/gu, '\ufffd');
}

/** The text in at most `max` code points. */
export function cutText(text: string, max: number): string {
  const points = text.length > max ? [...text] : [];
  return points.length > max ? `${points.slice(0, max - 1).join('')}…` : text;
}

// DEL, C1 controls (a terminal takes U+009B for an escape sequence), line and paragraph separators, marks that reorder
// what a reader sees. JSON allows them raw; as escapes they mean the same and harm nobody.
const hostile = /[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;
const everyHostile = new RegExp(hostile.source, 'g');

/** A line of JSON with every character escaped that could act on a terminal or end a line. */
export function escapeLine(json: string): string {
  if (!hostile.test(json)) return json;
  return json.replace(everyHostile, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
