// SPDX-License-Identifier: Apache-2.0
// DNS messages by hand.

import { counted, u16 } from './tls-bytes.js';

/** A name as labels; parts that are numbers are pointers and end it. */
export function dnsName(...parts: readonly (string | number)[]): Buffer {
  const out: Buffer[] = [];
  for (const part of parts) {
    if (typeof part === 'number') return Buffer.concat([...out, u16(0xc000 | part)]);
    for (const label of part.split('.').filter(Boolean)) out.push(counted(1, Buffer.from(label, 'latin1')));
  }
  return Buffer.concat([...out, Buffer.of(0)]);
}

export interface DnsParts {
  readonly id?: number;
  readonly flags?: number;
  /** Entries of the four sections, question sections first. */
  readonly questions?: readonly Uint8Array[];
  readonly answers?: readonly Uint8Array[];
  readonly authorities?: readonly Uint8Array[];
  readonly additionals?: readonly Uint8Array[];
  /** The counts of the header, if they shall not be true. */
  readonly counts?: readonly number[];
}

export function dnsMessage(parts: DnsParts): Buffer {
  const { id = 0x1234, flags = 0x0100, questions = [], answers = [], authorities = [], additionals = [] } = parts;
  const sections = [questions, answers, authorities, additionals];
  const counts = parts.counts ?? sections.map((section) => section.length);
  return Buffer.concat([u16(id, flags, ...counts), ...sections.flat()]);
}

export function question(name: string | Uint8Array, type = 1): Buffer {
  return Buffer.concat([typeof name === 'string' ? dnsName(name) : name, u16(type, 1)]);
}

export function record(name: string | Uint8Array, type: number, data: Uint8Array, ttl = 300): Buffer {
  const head = u16(type, 1, ttl >>> 16, ttl & 0xffff);
  return Buffer.concat([typeof name === 'string' ? dnsName(name) : name, head, counted(2, data)]);
}

/** The question of a resolver: recursion wanted, EDNS. */
export function query(name: string, type = 1, id = 0x1234): Buffer {
  const edns = Buffer.concat([Buffer.of(0), u16(41, 1232, 0, 0, 0)]);
  return dnsMessage({ id, flags: 0x0120, questions: [question(name, type)], additionals: [edns] });
}
