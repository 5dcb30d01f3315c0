// SPDX-License-Identifier: Apache-2.0
// The `tls` object of EVE, with the fields of Suricata's extended log.

import { cleanText } from './text.js';

export interface TlsFingerprint {
  readonly hash: string;
  readonly string: string;
}

/** The first certificate of a chain. */
export interface TlsCertificate {
  /** `C=US, O=Example, CN=example.org`. */
  readonly subject: string;
  readonly issuer: string;
  /** Bytes in upper-case hexadecimal joined by colons, a leading 00 included. */
  readonly serial: string;
  /** SHA-1, bytes in lower-case hexadecimal joined by colons. */
  readonly fingerprint: string;
  /** `2026-01-02T03:04:05`, UTC. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** Subject alternative names: DNS names, addresses, URIs. */
  readonly names: readonly string[];
}

/** What is known of a connection; text as `printable()` writes it. */
export interface TlsFields {
  readonly certificate?: TlsCertificate;
  readonly resumed?: boolean;
  readonly sni?: string;
  /** Of the server, else the best that the client offers: 0x0303 is TLS 1.2. */
  readonly version: number;
  readonly ja3?: TlsFingerprint;
  readonly ja3s?: TlsFingerprint;
  readonly ja4?: string;
  readonly clientAlpns?: readonly string[];
  readonly serverAlpns?: readonly string[];
  /** The client's own certificate. */
  readonly client?: TlsCertificate;
}

const versions: Readonly<Record<number, string>> = {
  0: 'UNDETERMINED',
  0x0002: 'SSLv2',
  0x0200: 'SSLv2',
  0x0300: 'SSLv3',
  0x0301: 'TLSv1',
  0x0302: 'TLS 1.1',
  0x0303: 'TLS 1.2',
  0x0304: 'TLS 1.3',
};

/** The version in Suricata's words, `TLS 1.2`; one that has no name as `0x0305`. */
export function tlsVersionName(version: number): string {
  if (version >= 0x7f01 && version < 0x7f10) return 'TLS 1.3 draft-<16';
  const draft = version >= 0x7f10 && version <= 0x7f1c ? version & 0xff : undefined;
  if (draft !== undefined) return `TLS 1.3 draft-${draft}`;
  return versions[version] ?? `0x${version.toString(16).padStart(4, '0')}`;
}

type Fields = Record<string, unknown>;

function clientObject(certificate: TlsCertificate): Fields {
  return {
    subject: cleanText(certificate.subject),
    issuerdn: cleanText(certificate.issuer),
    fingerprint: certificate.fingerprint,
    serial: certificate.serial,
    notbefore: certificate.notBefore,
    notafter: certificate.notAfter,
  };
}

/** The object `tls`, its keys in Suricata's order. */
export function tlsObject(tls: TlsFields): Fields {
  const { certificate } = tls;
  const out: Fields = {};
  if (certificate) {
    out['subject'] = cleanText(certificate.subject);
    out['issuerdn'] = cleanText(certificate.issuer);
    if (certificate.names.length > 0) out['subjectaltname'] = certificate.names.map(cleanText);
  }
  if (tls.resumed) out['session_resumed'] = true;
  if (certificate) {
    out['serial'] = certificate.serial;
    out['fingerprint'] = certificate.fingerprint;
  }
  if (tls.sni !== undefined) out['sni'] = cleanText(tls.sni);
  out['version'] = tlsVersionName(tls.version);
  if (certificate) {
    out['notbefore'] = certificate.notBefore;
    out['notafter'] = certificate.notAfter;
  }
  if (tls.ja3) out['ja3'] = tls.ja3;
  if (tls.ja3s) out['ja3s'] = tls.ja3s;
  if (tls.ja4 !== undefined) out['ja4'] = tls.ja4;
  if (tls.clientAlpns?.length) out['client_alpns'] = tls.clientAlpns.map(cleanText);
  if (tls.serverAlpns?.length) out['server_alpns'] = tls.serverAlpns.map(cleanText);
  if (tls.client) out['client'] = clientObject(tls.client);
  return out;
}
