// SPDX-License-Identifier: Apache-2.0
// The buffers that contents look into: sticky buffers, and older modifiers behind a content.

import type { Buffer as BufferName } from '../ast.js';
import { addConditions, fail, failValue, type Draft } from '../draft.js';
import { versionCondition } from '../protocols.js';
import { addContent, modified } from './content.js';
import { supported, type Keyword } from './types.js';

/** Contents behind it look into the buffer. */
function enter(draft: Draft, buffer: BufferName | 'other', address?: 'src' | 'dst'): void {
  draft.buffer = buffer;
  if (address === undefined) delete draft.address;
  else draft.address = address;
  draft.group++;
  draft.dotprefix = false;
  draft.transforms = undefined;
  delete draft.lastContent;
}

/** A sticky buffer: contents behind it look into it. */
function sticky(name: BufferName, summary: string, ...aliases: string[]): Keyword {
  return supported('buffer', name, summary, (draft) => enter(draft, name), { value: 'none', aliases });
}

/** A sticky buffer with the header of a packet, of one IP version if that is said. */
function headerBuffer(name: BufferName, summary: string, version?: 4 | 6): Keyword {
  const parse = (draft: Draft): void => {
    enter(draft, name);
    if (version !== undefined) addConditions(draft, [versionCondition(version)]);
  };
  return supported('buffer', name, summary, parse, { value: 'none' });
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

/** Only sets of values are asked for an address. */
function address(side: 'src' | 'dst', summary: string): Keyword {
  return supported('buffer', `ip.${side}`, summary, (draft) => enter(draft, 'other', side), { value: 'none' });
}

export const bufferKeywords: readonly Keyword[] = [
  supported(
    'buffer',
    'pkt_data',
    'Contents behind it look into the payload again',
    (draft) => enter(draft, 'payload'),
    {
      value: 'none',
    },
  ),
  address('src', 'Source address of the packet, for `dataset` and `datarep`'),
  address('dst', 'Destination address of the packet, for `dataset` and `datarep`'),
  sticky('http.method', 'Method of an HTTP request'),
  sticky('http.uri', 'URI of an HTTP request, normalised'),
  sticky('http.host', 'Host of an HTTP request, in lower case, without the port'),
  sticky('http.user_agent', 'User-Agent of an HTTP request'),
  sticky(
    'http.header',
    'Header lines of an HTTP request or response, each by its own, normalised; values of sensitive headers are masked',
  ),
  sticky('http.uri.raw', 'URI of an HTTP request as sent'),
  sticky('http.host.raw', 'Host of an HTTP request as sent, with the port'),
  sticky('http.request_line', 'First line of an HTTP request', 'http_request_line'),
  sticky('http.request_header', 'Header lines of an HTTP request, each by its own: `Name: value`'),
  sticky('http.accept', 'Accept of an HTTP request', 'http_accept'),
  sticky('http.accept_enc', 'Accept-Encoding of an HTTP request', 'http_accept_enc'),
  sticky('http.accept_lang', 'Accept-Language of an HTTP request', 'http_accept_lang'),
  sticky('http.referer', 'Referer of an HTTP request', 'http_referer'),
  sticky('http.header.raw', 'Header section of an HTTP request or response as sent, with the empty line'),
  sticky(
    'http.header_names',
    'Names of the header lines, CR LF before the first and behind each, and once more at the end',
    'http_header_names',
  ),
  sticky('http.cookie', 'Cookie of an HTTP request, Set-Cookie of a response; only if `redact` leaves them alone'),
  sticky('http.protocol', 'HTTP/1.1 of an HTTP request or response', 'http_protocol'),
  sticky('http.start', 'First line and header section of an HTTP request or response', 'http_start'),
  sticky('http.content_type', 'Content-Type of an HTTP request or response', 'http_content_type'),
  sticky('http.content_len', 'Content-Length of an HTTP request or response', 'http_content_len'),
  sticky('http.connection', 'Connection of an HTTP request or response', 'http_connection'),
  sticky('http.stat_code', 'Status code of an HTTP response'),
  sticky('http.stat_msg', 'Reason phrase of an HTTP response'),
  sticky('http.response_line', 'First line of an HTTP response', 'http_response_line'),
  sticky('http.response_header', 'Header lines of an HTTP response, each by its own: `Name: value`'),
  sticky('http.server', 'Server of an HTTP response'),
  sticky('http.location', 'Location of an HTTP response'),
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
  sticky('tls.alpn', 'Protocols that a TLS client offers, each by its own'),
  sticky('ja3.hash', 'JA3 of a TLS client: MD5 in lower-case hexadecimal', 'ja3_hash'),
  sticky('ja3.string', 'What its JA3 is made of', 'ja3_string'),
  sticky('ja3s.hash', 'JA3S of a TLS server'),
  sticky('ja3s.string', 'What its JA3S is made of'),
  sticky('ja4.hash', 'JA4 of a TLS client', 'ja4_hash'),
  sticky('dns.query', 'Names that a DNS query asks for, each by its own', 'dns_query'),
  headerBuffer('ipv4.hdr', 'IPv4 header of a packet, with its options', 4),
  headerBuffer('ipv6.hdr', 'IPv6 header of a packet, with its extension headers', 6),
  headerBuffer('tcp.hdr', 'TCP header of a packet, with its options'),
  headerBuffer('udp.hdr', 'UDP header of a packet'),
  headerBuffer('icmpv4.hdr', 'ICMP header of a packet: 8 bytes, and more of those types that have longer ones', 4),
  headerBuffer('icmpv6.hdr', 'ICMPv6 header of a packet, 8 bytes', 6),
  modifier('http_method', 'http.method'),
  modifier('http_uri', 'http.uri'),
  modifier('http_host', 'http.host'),
  modifier('http_user_agent', 'http.user_agent'),
  modifier('http_header', 'http.header'),
  modifier('http_client_body', 'http.request_body'),
  modifier('http_server_body', 'http.response_body'),
  modifier('http_raw_uri', 'http.uri.raw'),
  modifier('http_raw_host', 'http.host.raw'),
  modifier('http_raw_header', 'http.header.raw'),
  modifier('http_cookie', 'http.cookie'),
  modifier('http_stat_code', 'http.stat_code'),
  modifier('http_stat_msg', 'http.stat_msg'),
  legacy('tls.subject', 'tls.cert_subject'),
  legacy('tls.issuerdn', 'tls.cert_issuer'),
  legacy('tls.fingerprint', 'tls.cert_fingerprint'),
];
