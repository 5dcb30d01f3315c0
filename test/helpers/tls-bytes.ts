// SPDX-License-Identifier: Apache-2.0
// TLS as bytes: hellos made by hand, and whole sessions of Node's own client and server, without a network.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { connect, createSecureContext, TLSSocket, type ConnectionOptions, type TLSSocketOptions } from 'node:tls';

export function u16(...values: readonly number[]): Buffer {
  const out = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => out.writeUInt16BE(value, i * 2));
  return out;
}

/** Bytes behind their length, which takes `size` bytes. */
export function counted(size: 1 | 2 | 3, bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(size);
  length.writeUIntBE(bytes.length, 0, size);
  return Buffer.concat([length, bytes]);
}

export type Extension = readonly [type: number, content: Uint8Array];

export const sniExtension = (name: string | Uint8Array): Extension => [
  0,
  counted(2, Buffer.concat([Buffer.of(0), counted(2, Buffer.from(name))])),
];
export const alpnExtension = (...names: readonly string[]): Extension => [
  16,
  counted(2, Buffer.concat(names.map((name) => counted(1, Buffer.from(name, 'latin1'))))),
];

export interface HelloParts {
  readonly version?: number;
  readonly session?: Uint8Array;
  readonly ciphers?: readonly number[];
  /** Absent: the hello ends before the list of extensions. */
  readonly extensions?: readonly Extension[];
}

/** A hello as a handshake message: of a client, or (one cipher, no list) of a server. */
export function hello(parts: HelloParts, client = true): Buffer {
  const { version = 0x0303, session = new Uint8Array(32).fill(7), ciphers = [0x1301], extensions } = parts;
  const body = [u16(version), Buffer.alloc(32, 0x5a), counted(1, session)];
  body.push(client ? counted(2, u16(...ciphers)) : u16(...ciphers.slice(0, 1)), Buffer.from(client ? [1, 0] : [0]));
  if (extensions)
    body.push(counted(2, Buffer.concat(extensions.map(([type, c]) => Buffer.concat([u16(type), counted(2, c)])))));
  return handshake(client ? 1 : 2, Buffer.concat(body));
}

export function handshake(type: number, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(type), counted(3, body)]);
}

/** A message cut into records of at most `size` bytes. */
export function records(message: Uint8Array, size = 16_384, type = 22, version = 0x0301): Buffer {
  const out: Buffer[] = [];
  for (let at = 0; at < message.length; at += size)
    out.push(Buffer.concat([Buffer.of(type), u16(version), counted(2, message.subarray(at, at + size))]));
  return Buffer.concat(out);
}

export interface KeyPair {
  readonly key: string;
  readonly cert: string;
}

/** A self-signed certificate; `extra` are more arguments of `openssl req`. */
export function selfSigned(subject: string, ...extra: readonly string[]): KeyPair {
  const dir = mkdtempSync(join(tmpdir(), 'ids-tls-'));
  try {
    const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'];
    execFileSync('openssl', [...request, '-utf8', '-subj', subject, '-keyout', key, '-out', cert, ...extra], {
      stdio: 'pipe',
    });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** What both sides sent. */
export interface Session {
  readonly client: Buffer;
  readonly server: Buffer;
  /** To go on with it later. */
  readonly ticket: Buffer | undefined;
}

/** A session over a pair of streams, up to the end of the handshake and one byte of the server's. */
export async function session(server: TLSSocketOptions & KeyPair, client: ConnectionOptions): Promise<Session> {
  const sent: { client: Buffer[]; server: Buffer[] } = { client: [], server: [] };
  const end = (from: Buffer[], peer: () => Duplex): Duplex =>
    new Duplex({
      read: () => undefined,
      write(chunk: Buffer, _encoding, done) {
        from.push(Buffer.from(chunk));
        peer().push(chunk);
        done();
      },
    });
  const a: Duplex = end(sent.client, () => b);
  const b: Duplex = end(sent.server, () => a);
  const accepted = new TLSSocket(b, { isServer: true, secureContext: createSecureContext(server), ...server });
  const opened = connect({ socket: a, rejectUnauthorized: false, ...client });
  let ticket: Buffer | undefined;
  opened.on('session', (value: Buffer) => (ticket = value));
  accepted.on('secure', () => accepted.write('!'));
  await new Promise<void>((resolve, reject) => {
    opened.once('data', () => setImmediate(resolve));
    opened.once('error', reject);
    accepted.once('error', reject);
  });
  opened.destroy();
  accepted.destroy();
  return { client: Buffer.concat(sent.client), server: Buffer.concat(sent.server), ticket };
}
