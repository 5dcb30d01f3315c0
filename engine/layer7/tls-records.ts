// SPDX-License-Identifier: Apache-2.0
// The record layer of a flight: handshake messages put together over records, up to what is encrypted.

import { parseHello, type Hello } from './tls-hello.js';

const CHANGE_CIPHER = 20;
const ALERT = 21;
const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_HELLO = 2;
const CERTIFICATE = 11;

/** Certificates of a chain that are looked at. */
const CHAIN_MAX = 32;

export interface TlsFlight {
  readonly client?: Hello;
  readonly server?: Hello;
  /** In DER, the sender's own first; empty in TLS 1.3, which encrypts them. */
  readonly certificates: readonly Uint8Array[];
  /** The sender turned to encryption: what follows is not readable. */
  readonly encrypted: boolean;
  /** The bytes end within a record or message, or make no sense from some point on. */
  readonly problem?: TlsProblem;
}

export type TlsProblem = 'truncated' | 'malformed' | 'not-tls';

interface Messages {
  /** Fragments joined. */
  readonly bytes: Uint8Array;
  readonly encrypted: boolean;
  readonly problem: TlsProblem | undefined;
}

/** Joins the handshake fragments of the records. One record, the usual case, is not copied. */
function joinRecords(bytes: Uint8Array): Messages {
  const parts: Uint8Array[] = [];
  let at = 0;
  let encrypted = false;
  let problem: TlsProblem | undefined;
  while (at < bytes.length) {
    if (at + 5 > bytes.length) {
      problem = 'truncated';
      break;
    }
    const type = bytes[at] ?? 0;
    const length = (bytes[at + 3] ?? 0) * 256 + (bytes[at + 4] ?? 0);
    if (bytes[at + 1] !== 3 || type < CHANGE_CIPHER || type > 24 || length > 16_384 + 2048) {
      problem = at === 0 ? 'not-tls' : 'malformed';
      break;
    }
    if (type !== HANDSHAKE && type !== ALERT) {
      encrypted = true;
      break;
    }
    if (type === HANDSHAKE) parts.push(bytes.subarray(at + 5, at + 5 + length));
    at += 5 + length;
    if (at > bytes.length) problem = 'truncated';
  }
  const [only] = parts;
  const joined = parts.length === 1 && only ? only : Buffer.concat(parts);
  return { bytes: joined, encrypted, problem };
}

function readChain(body: Uint8Array): Uint8Array[] {
  const out: Uint8Array[] = [];
  const size = (at: number): number => ((body[at] ?? 0) << 16) | ((body[at + 1] ?? 0) << 8) | (body[at + 2] ?? 0);
  const end = Math.min(body.length, 3 + size(0));
  for (let at = 3; at + 3 <= end && out.length < CHAIN_MAX;) {
    const next = at + 3 + size(at);
    if (next > end) break;
    out.push(body.subarray(at + 3, next));
    at = next;
  }
  return out;
}

/** Reads the bytes that one side sent, from its first record on. Never throws. */
export function parseTlsFlight(bytes: Uint8Array): TlsFlight {
  const { bytes: messages, encrypted, problem: outer } = joinRecords(bytes);
  const out: { client?: Hello; server?: Hello; certificates: Uint8Array[] } = { certificates: [] };
  let problem = outer;
  for (let at = 0; at < messages.length;) {
    const end = at + 4 + (((messages[at + 1] ?? 0) << 16) | ((messages[at + 2] ?? 0) << 8) | (messages[at + 3] ?? 0));
    if (at + 4 > messages.length || end > messages.length) {
      problem ??= 'truncated';
      break;
    }
    const type = messages[at] ?? 0;
    const body = messages.subarray(at + 4, end);
    if (type === CLIENT_HELLO || type === SERVER_HELLO) {
      const hello = parseHello(body, type === CLIENT_HELLO);
      if (!hello) problem ??= 'malformed';
      else if (type === CLIENT_HELLO) out.client ??= hello;
      else out.server ??= hello;
    } else if (type === CERTIFICATE && out.certificates.length === 0) {
      out.certificates = readChain(body);
    }
    at = end;
  }
  return { ...out, encrypted, ...(problem !== undefined && { problem }) };
}
