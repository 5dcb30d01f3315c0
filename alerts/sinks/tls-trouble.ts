// SPDX-License-Identifier: Apache-2.0
// What goes wrong with TLS, in words that say what to do.

import { messageOf } from '../../common/errors.js';

const UNKNOWN = "the receiver's certificate comes from nobody who is known here: name its authority in tls.ca";

const certificates: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "the receiver's certificate has expired: renew it there",
  CERT_NOT_YET_VALID: "the receiver's certificate is not valid yet: look at the clocks of both hosts",
  CERT_REVOKED: "the receiver's certificate has been revoked",
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN,
};

function wordsOf(error: Error): string | undefined {
  const { code, reason } = error as Error & { code?: unknown; reason?: unknown };
  if (typeof code !== 'string') return undefined;
  if (error.message.startsWith('Client network socket disconnected')) {
    return 'the receiver closed the connection before TLS began: look at the port';
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `the receiver's certificate has another name (${String(reason)}): set tls.server_name, or renew it`;
  }
  if (certificates[code] !== undefined) return certificates[code];
  const said = typeof reason === 'string' ? reason : code;
  if (code.includes('WRONG_VERSION_NUMBER') || code.includes('PACKET_LENGTH_TOO_LONG')) {
    return 'what answers there speaks no TLS: look at the port';
  }
  if (/^ERR_SSL_.*ALERT_.*(CERT|UNKNOWN_CA|HANDSHAKE|ACCESS_DENIED)/.test(code)) {
    return `the receiver refuses us (${said}): look at tls.cert and tls.key`;
  }
  return code.startsWith('ERR_SSL_') ? `TLS failed: ${said}` : undefined;
}

/** One line for anything that a connection can fail with, the causes behind it looked through. */
export function connectionTrouble(error: unknown): string {
  for (let one: unknown = error, depth = 0; one instanceof Error && depth < 5; depth++) {
    const words = wordsOf(one);
    if (words !== undefined) return words;
    one = one.cause;
  }
  return messageOf(error).split('\n', 1)[0]?.trim() ?? '';
}
