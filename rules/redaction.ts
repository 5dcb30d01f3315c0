// SPDX-License-Identifier: Apache-2.0
// Contents that look into a header value which the kernel masks before anybody sees it.

import type { PendingContent } from './draft.js';

const TOKEN = /[!#$%&'*+.^_`|~0-9a-z-]/;

/** The sensitive header whose value the content looks into, if it does. */
export function maskedHeader(content: PendingContent, redact: readonly string[] | 'off'): string | undefined {
  if (redact === 'off' || (content.buffer !== 'http.header' && content.buffer !== 'payload')) return undefined;
  const text = Buffer.from(content.pattern).toString('latin1').toLowerCase();
  return redact.find((header) => namesValue(text, `${header.toLowerCase()}:`));
}

/** True if `start` stands in the text at the beginning of a name, with something of a value behind it. */
function namesValue(text: string, start: string): boolean {
  for (let at = text.indexOf(start); at >= 0; at = text.indexOf(start, at + 1)) {
    const inner = at > 0 && TOKEN.test(text[at - 1] ?? '');
    if (!inner && /^[ \t]*[^ \t\r\n]/.test(text.slice(at + start.length))) return true;
  }
  return false;
}
