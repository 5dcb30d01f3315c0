// SPDX-License-Identifier: Apache-2.0
// Contents that look into a value which the kernel masks before anybody sees it: of a header, or of a parameter of a URI.

import type { Buffer as BufferName } from './ast.js';
import type { PendingContent } from './draft.js';

/** Names whose values are masked. */
export interface Redaction {
  readonly headers: readonly string[];
  readonly parameters: readonly string[];
}

const HEADER_TOKEN = /[!#$%&'*+.^_`|~0-9a-z-]/;
const PARAMETER_TOKEN = /[!$'*+^`|~0-9a-z-]/;

/** Buffers that show header lines, and those that show URIs (in header values too). */
const HEADERS: ReadonlySet<BufferName | 'other'> = new Set<BufferName>(['http.header', 'payload']);
const URIS: ReadonlySet<BufferName | 'other'> = new Set<BufferName>(['http.header', 'http.uri', 'payload']);

/** The sensitive name whose value the content looks into, if it does. */
export function maskedValue(
  { buffer, pattern }: PendingContent,
  { headers, parameters }: Redaction,
): string | undefined {
  const text = Buffer.from(pattern).toString('latin1').toLowerCase();
  const header = HEADERS.has(buffer)
    ? headers.find((name) => namesValue(text, `${name.toLowerCase()}:`, HEADER_TOKEN, /^[ \t]*[^ \t\r\n]/))
    : undefined;
  if (header !== undefined || !URIS.has(buffer)) return header;
  // The kernel does not tell - from _ in names either.
  const folded = text.replaceAll('_', '-');
  const start = (name: string): string => `${name.toLowerCase().replaceAll('_', '-')}=`;
  return parameters.find((name) => namesValue(folded, start(name), PARAMETER_TOKEN, /^[^& \t\r\n]/));
}

/** True if `start` stands in the text at the beginning of a name, with something of a value behind it. */
function namesValue(text: string, start: string, token: RegExp, value: RegExp): boolean {
  for (let at = text.indexOf(start); at >= 0; at = text.indexOf(start, at + 1)) {
    const inner = at > 0 && token.test(text[at - 1] ?? '');
    if (!inner && value.test(text.slice(at + start.length))) return true;
  }
  return false;
}
