// SPDX-License-Identifier: Apache-2.0
// What a flow of a capture speaks, by its whole streams, and what the log should say of it.

import type { CapturedFlow } from './capture-flows.js';

export interface Speech {
  readonly app: 'http' | 'http2' | 'tls' | 'dns' | 'other';
  /** HTTP: method and target of each request; DNS: the type of each message; TLS: nothing. */
  readonly said: readonly string[];
}

const text = (bytes: Buffer): string => bytes.toString('latin1');
const field = (head: string, name: string): string | undefined =>
  new RegExp(`^${name}[ \\t]*:[ \\t]*(.*?)[ \\t]*$`, 'im').exec(head)?.[1];

/** Bytes of a chunked body at the beginning of `rest`; undefined if it does not end there. */
function chunkedLength(rest: string): number | undefined {
  let at = 0;
  for (;;) {
    const size = /^([0-9a-f]+)[^\n]*\n/i.exec(rest.slice(at));
    if (!size) return undefined;
    at += size[0].length;
    const length = parseInt(size[1] ?? '', 16);
    if (length === 0) {
      const end = /^(?:[^\r\n]+\r?\n)*\r?\n/.exec(rest.slice(at));
      return end ? at + end[0].length : undefined;
    }
    const behind = /^\r?\n/.exec(rest.slice(at + length));
    if (!behind) return undefined;
    at += length + behind[0].length;
  }
}

/** Requests of a client's stream, as far as it can be read, and where the last of them ends. */
function requestsOf(stream: string): { readonly requests: string[]; readonly end: number } {
  const requests: string[] = [];
  let at = 0;
  while (at < stream.length) {
    const rest = stream.slice(at).replace(/^[\r\n]+/, '');
    at = stream.length - rest.length;
    const line = /^([!-~]+)[ \t]+([^\r\n]*?) HTTP\/1\.[01][ \t]*\r?\n/.exec(rest);
    if (!line) break;
    requests.push(`${line[1]} ${line[2]}`);
    const end = /\n\r?\n/.exec(rest);
    if (!end) break;
    const head = rest.slice(0, end.index + 1);
    at += end.index + end[0].length;
    if (line[1] === 'CONNECT' || field(head, 'Upgrade')) break;
    if (/chunked$/i.test(field(head, 'Transfer-Encoding') ?? '')) {
      const length = chunkedLength(stream.slice(at));
      if (length === undefined) break;
      at += length;
    } else {
      at += Number(field(head, 'Content-Length') ?? 0);
    }
  }
  return { requests, end: at };
}

/** What a message of DNS is; undefined if it is none. */
function dnsType(message: Buffer): string | undefined {
  if (message.length < 17 || (message.readUInt16BE(2) & 0x7800) > 0x2800) return undefined;
  const [questions, answers] = [message.readUInt16BE(4), message.readUInt16BE(6)];
  if (questions > 8 || answers > 256 || questions + answers === 0) return undefined;
  let at = 12;
  for (let i = 0; i < questions; i++) {
    for (;;) {
      const length = message[at++];
      if (length === undefined || length > 63) return undefined;
      if (length === 0) break;
      at += length;
    }
    at += 4;
  }
  if (at > message.length) return undefined;
  return message.readUInt16BE(2) & 0x8000 ? 'response' : 'request';
}

function dnsMessages(stream: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at + 2 <= stream.length;) {
    const length = stream.readUInt16BE(at);
    const type = at + 2 + length <= stream.length ? dnsType(stream.subarray(at + 2, at + 2 + length)) : undefined;
    if (!type) break;
    found.push(type);
    at += 2 + length;
  }
  return found;
}

/** True if the stream begins with a hello of TLS 1.0 or later: type, version, type of the handshake, its length. */
function isHello(stream: Buffer, type: number): boolean {
  return stream.length >= 9 && stream[0] === 22 && stream[1] === 3 && stream[5] === type && stream[6] === 0;
}

/** What the flow speaks; undefined if it carries nothing that could tell. */
export function speechOf({ proto, server, client, streams, datagrams }: CapturedFlow): Speech | undefined {
  if (proto === 'UDP') {
    // Without the port as a hint any datagram may look like it.
    if (![server.port, client.port].includes(53)) return undefined;
    const said = datagrams.flatMap((one) => dnsType(one) ?? []);
    return said.length > 0 && said.length === datagrams.length ? { app: 'dns', said } : undefined;
  }
  const [up, down] = streams;
  if (up.length === 0 && down.length === 0) return undefined;
  const asked = text(up);
  if (asked.startsWith('PRI * HTTP/2.0\r\n')) return { app: 'http2', said: [] };
  const { requests, end } = requestsOf(asked);
  // Behind a CONNECT it is what is spoken in the tunnel.
  if (requests.length > 0) return { app: isHello(up.subarray(end), 1) ? 'tls' : 'http', said: requests };
  if (/^HTTP\/1\.[01] \d{3}/.test(text(down))) return up.length === 0 ? { app: 'http', said: [] } : undefined;
  if (isHello(up, 1)) return { app: 'tls', said: [] };
  const messages = dnsMessages(up);
  if (messages.length > 0) return { app: 'dns', said: [...messages, ...dnsMessages(down)] };
  return /^[!-~]+ |^[\r\n]/.test(asked) || up.length < 16 ? undefined : { app: 'other', said: [] };
}
