// SPDX-License-Identifier: Apache-2.0
// Tests that look into a value which the kernel masks before anybody sees it: of a header, or of a parameter of a URI.

import type { Buffer as BufferName, BufferMatch } from './ast.js';
import { isOpaque } from './transforms/transform.js';

/** Names whose values are masked. */
export interface Redaction {
  readonly headers: readonly string[];
  readonly parameters: readonly string[];
}

const HEADER_TOKEN = /[!#$%&'*+.^_`|~0-9a-z-]/;
const PARAMETER_TOKEN = /[!$'*+^`|~0-9a-z-]/;
const HEADER_VALUE = /^[ \t]*[^ \t\r\n]/;
const PARAMETER_VALUE = /^[^& \t\r\n]/;
/** Nothing of a value is there yet, and it may follow. */
const NO_HEADER_VALUE = /^[ \t]*$/;
const NO_VALUE = /^$/;

type AnyBuffer = BufferName | 'other';

/** Buffers that show header lines, and those that show URIs (in header values too). */
const HEADERS: ReadonlySet<AnyBuffer> = new Set<BufferName>([
  'http.header',
  'http.header.raw',
  'http.request_header',
  'http.response_header',
  'http.start',
  'payload',
]);
const URIS: ReadonlySet<AnyBuffer> = new Set<BufferName>([
  ...(HEADERS as ReadonlySet<BufferName>),
  'http.uri',
  'http.uri.raw',
  'http.request_line',
  'http.referer',
  'http.location',
]);

const latin1 = (pattern: Uint8Array): string => Buffer.from(pattern).toString('latin1').toLowerCase();
// The kernel does not tell - from _ in names of parameters.
const folded = (text: string): string => text.toLowerCase().replaceAll('_', '-');

/** The sensitive name behind which something of its value stands in the text, as far as `header` and `parameter` say so. */
function nameIn(
  buffer: AnyBuffer,
  text: string,
  { headers, parameters }: Redaction,
  header: RegExp,
  parameter: RegExp,
): string | undefined {
  const found = HEADERS.has(buffer)
    ? headers.find((name) => namesValue(text, `${name.toLowerCase()}:`, HEADER_TOKEN, header))
    : undefined;
  if (found !== undefined || !URIS.has(buffer)) return found;
  return parameters.find((name) => namesValue(folded(text), `${folded(name)}=`, PARAMETER_TOKEN, parameter));
}

/** The header whose value the whole buffer is, if that is masked. */
export function maskedBuffer(buffer: AnyBuffer, { headers }: Redaction): string | undefined {
  if (buffer !== 'http.cookie') return undefined;
  return headers.find((name) => /^(?:set-)?cookie$/i.test(name));
}

/** The sensitive name whose value the content looks into, if it does. */
export function maskedValue(
  { buffer, pattern }: { readonly buffer: AnyBuffer; readonly pattern: Uint8Array },
  redaction: Redaction,
): string | undefined {
  return maskedBuffer(buffer, redaction) ?? nameIn(buffer, latin1(pattern), redaction, HEADER_VALUE, PARAMETER_VALUE);
}

/** An expression about as it reads: signs for their escapes, nothing for blanks that may be there. */
function plainText(expression: string): string {
  return expression
    .toLowerCase()
    .replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    .replace(/\\s[*+?]*/g, ' ')
    .replace(/\\([^a-z0-9])/g, '$1');
}

/** A sensitive name whose value may be part of what was hashed or decoded, which is something else then. */
function maskedTransform({ buffer, transforms }: BufferMatch, redaction: Redaction): string | undefined {
  if (transforms === undefined) return undefined;
  for (const step of transforms.steps) {
    if (step.name !== 'pcrexform') continue;
    const found = nameIn(buffer, plainText(step.expression.text), redaction, HEADER_VALUE, PARAMETER_VALUE);
    if (found !== undefined) return found;
  }
  return isOpaque(transforms) ? anyIn(buffer, redaction) : undefined;
}

/** A sensitive name whose value the whole buffer may hold. */
function anyIn(buffer: AnyBuffer, { headers, parameters }: Redaction): string | undefined {
  return (HEADERS.has(buffer) ? headers[0] : undefined) ?? (URIS.has(buffer) ? parameters[0] : undefined);
}

/** The sensitive name whose value the test looks into behind `leader`, or by itself if it is an expression. */
export function maskedTest(
  match: BufferMatch,
  leader: BufferMatch | undefined,
  redaction: Redaction,
): string | undefined {
  const hidden = maskedTransform(match, redaction);
  if (hidden !== undefined) return hidden;
  if (match.kind === 'size' || match.kind === 'isdataat' || match.kind === 'number' || match.kind === 'absent') {
    return undefined;
  }
  const buffer = maskedBuffer(match.buffer, redaction);
  if (buffer !== undefined) return buffer;
  if (match.kind === 'dataset') return anyIn(match.buffer, redaction);
  if (match.kind === 'pcre') {
    const found = nameIn(match.buffer, plainText(match.expression.text), redaction, HEADER_VALUE, PARAMETER_VALUE);
    if (found !== undefined) return found;
  }
  if (leader?.kind !== 'content') return undefined;
  // The end of the line ends the value.
  if (match.kind === 'content' && /^[\r\n]/.test(latin1(match.pattern))) return undefined;
  return nameIn(match.buffer, latin1(leader.pattern), redaction, NO_HEADER_VALUE, NO_VALUE);
}

/** True if `start` stands in the text at the beginning of a name, with what `value` wants behind it. */
function namesValue(text: string, start: string, token: RegExp, value: RegExp): boolean {
  for (let at = text.indexOf(start); at >= 0; at = text.indexOf(start, at + 1)) {
    const inner = at > 0 && token.test(text[at - 1] ?? '');
    if (!inner && value.test(text.slice(at + start.length))) return true;
  }
  return false;
}
