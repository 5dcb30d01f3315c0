// SPDX-License-Identifier: Apache-2.0
// The bytes of a content value: text with escapes, hexadecimal between bars.

export interface BadPattern {
  /** Offset in the value. */
  readonly at: number;
  readonly cause: string;
  readonly remedy: string;
}

const ESCAPABLE = ';:"\\';

/** The bytes of `text|41 42|\;`; text beyond ASCII stands for its UTF-8 bytes. */
export function parsePattern(value: string): Uint8Array | BadPattern {
  // Most contents are plain text.
  if (!/[\\|"]/.test(value)) return Buffer.from(value, 'utf8');
  const parts: Buffer[] = [];
  let at = 0;
  let plain = '';
  while (at < value.length) {
    const char = value[at] ?? '';
    if (char === '|') {
      parts.push(Buffer.from(plain, 'utf8'));
      plain = '';
      const end = value.indexOf('|', at + 1);
      if (end < 0) return { at, cause: 'the hexadecimal part is not closed', remedy: 'write the missing |' };
      const hex = value.slice(at + 1, end).replace(/ /g, '');
      const wrong = /[^0-9a-fA-F]/.exec(hex)?.[0];
      if (wrong !== undefined) {
        return {
          at: at + 1 + value.slice(at + 1).indexOf(wrong),
          cause: `"${wrong}" is not a hexadecimal digit`,
          remedy: 'write 0-9, a-f',
        };
      }
      if (hex.length % 2 === 1)
        return { at: end - 1, cause: 'half a byte in hexadecimal', remedy: 'write two digits a byte' };
      parts.push(Buffer.from(hex, 'hex'));
      at = end + 1;
    } else if (char === '\\') {
      const next = value[at + 1] ?? '';
      if (next === '' || !ESCAPABLE.includes(next)) {
        return {
          at,
          cause: `"\\${next}" is not an escape`,
          remedy: 'escape only ; : " and \\, or write the backslash as |5c|',
        };
      }
      plain += next;
      at += 2;
    } else if (char === '"') {
      return { at, cause: 'a quote stands within the content', remedy: 'write it as \\" or |22|' };
    } else {
      plain += char;
      at++;
    }
  }
  parts.push(Buffer.from(plain, 'utf8'));
  const bytes = Buffer.concat(parts);
  return bytes.length > 0 ? bytes : { at: 0, cause: 'the content is empty', remedy: 'write at least one byte' };
}
