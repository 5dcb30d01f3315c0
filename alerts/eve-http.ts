// SPDX-License-Identifier: Apache-2.0
// The `http` object of EVE, from a request alone.

import type { DetectionHttp } from './model.js';
import { cleanText } from './text.js';

const HEADERS_MAX = 64;

/** The lines of a header section as name and value; the request line and what is not a header are left out. */
function requestHeaders(section: string): { name: string; value: string }[] {
  const out: { name: string; value: string }[] = [];
  for (const line of section.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon));
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) continue;
    out.push({ name, value: cleanText(line.slice(colon + 1).trim()) });
    if (out.length === HEADERS_MAX) break;
  }
  return out;
}

export function httpObject(http: DetectionHttp): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  const set = (key: string, value: string | undefined): void => {
    if (value !== undefined) out[key] = cleanText(value);
  };
  set('hostname', http.hostname);
  if (http.port !== undefined) out['http_port'] = http.port;
  set('url', http.url);
  set('http_user_agent', http.userAgent);
  set('http_content_type', http.contentType);
  set('http_refer', http.referer);
  set('http_method', http.method);
  set('protocol', http.protocol);
  if (http.status !== undefined) out['status'] = http.status;
  set('redirect', http.redirect);
  if (http.length !== undefined) out['length'] = http.length;
  const headers = http.headers === undefined ? [] : requestHeaders(http.headers);
  if (headers.length > 0) out['request_headers'] = headers;
  return out;
}
