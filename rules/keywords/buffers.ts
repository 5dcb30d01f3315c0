// SPDX-License-Identifier: Apache-2.0
// The buffers that contents look into: sticky buffers, older modifiers behind a content, and dotprefix.

import type { Buffer as BufferName } from '../ast.js';
import { fail, failValue, type Draft } from '../draft.js';
import { addContent, modified } from './content.js';
import { supported, type Keyword } from './types.js';

/** Contents behind it look into the buffer. */
function enter(draft: Draft, buffer: BufferName): void {
  draft.buffer = buffer;
  draft.group++;
  draft.dotprefix = false;
  delete draft.lastContent;
}

/** A sticky buffer: contents behind it look into it. */
function sticky(name: BufferName, summary: string, ...aliases: string[]): Keyword {
  return supported('buffer', name, summary, (draft) => enter(draft, name), { value: 'none', aliases });
}

/** An older keyword behind a content: that content looks into the buffer. */
function modifier(name: string, buffer: BufferName): Keyword {
  return supported(
    'buffer',
    name,
    `Moves the content before it into \`${buffer}\` (older notation)`,
    (draft) => {
      const content = modified(draft);
      if (!content) return;
      if (content.buffer !== 'payload' && content.buffer !== 'other') {
        return fail(draft, draft.keywordAt, `the content before it already looks into a buffer`, `remove ${name}`);
      }
      content.buffer = buffer;
    },
    { value: 'none' },
  );
}

const LETTERS: Readonly<Record<string, RegExp>> = {
  'tls.cert_subject': /^[A-z0-9\s\-.=,*@]+$/,
  'tls.cert_issuer': /^[A-z0-9\s\-.=,*@]+$/,
  'tls.cert_fingerprint': /^[A-z0-9:* ]+$/,
};

/** An older keyword with the text in its own value; it is not a sticky buffer, and nocase and its like do not go with it. */
function legacy(name: string, buffer: BufferName): Keyword {
  return supported(
    'buffer',
    name,
    `\`content\` in \`${buffer}\` (older notation, case matters): \`"text"\`, \`!"text"\``,
    (draft, value, negated) => {
      if (LETTERS[buffer]?.test(value) !== true) {
        return failValue(draft, `"${value}" has signs that ${name} does not take`, `use ${buffer} and content`);
      }
      draft.group++;
      addContent(draft, value, negated, buffer);
      delete draft.lastContent;
    },
    { quotes: 'mandatory', negatable: true },
  );
}

function parseDotprefix(draft: Draft): void {
  if (draft.buffer === 'payload') {
    return fail(draft, draft.keywordAt, 'there is no buffer before it', 'write it behind a buffer such as dns.query');
  }
  // Behind contents it begins a buffer of its own, as in Suricata: they look at the name as it is.
  if (draft.parts.some((part) => 'group' in part && part.group === draft.group)) draft.group++;
  draft.dotprefix = true;
}

export const bufferKeywords: readonly Keyword[] = [
  sticky('http.method', 'Method of an HTTP request'),
  sticky('http.uri', 'URI of an HTTP request, normalised'),
  sticky('http.host', 'Host of an HTTP request, in lower case, without the port'),
  sticky('http.user_agent', 'User-Agent of an HTTP request'),
  sticky(
    'http.header',
    'Header lines of an HTTP request or response, each by its own, normalised; values of sensitive headers are masked',
  ),
  sticky('http.request_body', 'Body of an HTTP request, up to the inspection depth'),
  sticky('http.response_body', 'Body of an HTTP response, decoded, up to the inspection depth'),
  sticky(
    'file.data',
    'What an HTTP response carries, or a request that uploads something, decoded, up to the inspection depth',
    'file_data',
  ),
  sticky('tls.sni', 'Server name that a TLS client asks for', 'tls_sni'),
  sticky('tls.certs', 'Certificates of a TLS handshake, each by its own, as DER'),
  sticky('tls.cert_subject', 'Subject of the first certificate of a TLS handshake', 'tls_cert_subject'),
  sticky('tls.cert_issuer', 'Issuer of the first certificate', 'tls_cert_issuer'),
  sticky('tls.cert_serial', 'Serial number of the first certificate: `5C:19:B7`', 'tls_cert_serial'),
  sticky('tls.cert_fingerprint', 'SHA-1 of the first certificate: `4a:a3:66`', 'tls_cert_fingerprint'),
  sticky('dns.query', 'Names that a DNS query asks for, each by its own', 'dns_query'),
  modifier('http_method', 'http.method'),
  modifier('http_uri', 'http.uri'),
  modifier('http_host', 'http.host'),
  modifier('http_user_agent', 'http.user_agent'),
  modifier('http_header', 'http.header'),
  modifier('http_client_body', 'http.request_body'),
  modifier('http_server_body', 'http.response_body'),
  legacy('tls.subject', 'tls.cert_subject'),
  legacy('tls.issuerdn', 'tls.cert_issuer'),
  legacy('tls.fingerprint', 'tls.cert_fingerprint'),
  supported('buffer', 'dotprefix', 'Behind a sticky buffer: a dot is put before what it holds', parseDotprefix, {
    value: 'none',
  }),
];
