// SPDX-License-Identifier: Apache-2.0
// A TLS connection as the log tells it, from what both sides sent in the clear.

import { printable, type TlsFields } from '../../alerts/index.js';
import { parseCertificate } from './certificate.js';
import { ja3, ja3s, ja4 } from './tls-fingerprints.js';
import { versionOf, type Hello } from './tls-hello.js';
import type { TlsFlight } from './tls-records.js';

const TLS_1_3 = 0x0304;

/**
 * Up to TLS 1.2 a server that goes on with an earlier session sends no certificate and turns to encryption at once. It
 * echoes the session's id, or took the client's ticket.
 */
function isResumed(client: Hello | undefined, server: TlsFlight | undefined): boolean {
  const hello = server?.server;
  if (!hello || !server.encrypted || server.certificates.length > 0 || versionOf(hello) >= TLS_1_3) return false;
  if (!client) return false;
  return client.ticket || (hello.session.length > 0 && Buffer.compare(client.session, hello.session) === 0);
}

const alpnTexts = (hello: Hello): string[] => hello.alpns.map(printable);

/** The fields of the log record; either side may be missing, or not have got as far as its hello. */
export function tlsFields(fromClient: TlsFlight | undefined, fromServer: TlsFlight | undefined): TlsFields {
  const client = fromClient?.client;
  const server = fromServer?.server;
  const speaker = server ?? client;
  const [der] = fromServer?.certificates ?? [];
  const [own] = fromClient?.certificates ?? [];
  const certificate = der && parseCertificate(der);
  const clientCertificate = own && parseCertificate(own);
  return {
    version: speaker ? versionOf(speaker) : 0,
    ...(certificate && { certificate }),
    ...(isResumed(client, fromServer) && { resumed: true }),
    ...(client?.sni && { sni: printable(client.sni) }),
    ...(client && { ja3: ja3(client), ja4: ja4(client), clientAlpns: alpnTexts(client) }),
    ...(server && { ja3s: ja3s(server), serverAlpns: alpnTexts(server) }),
    ...(clientCertificate && { client: clientCertificate }),
  };
}
