// SPDX-License-Identifier: Apache-2.0
// DNS messages, requests and responses (RFC 1035, 6891), as far as they can be read.

import type { DnsMessage, DnsQuestion, DnsRecord } from '../../alerts/index.js';
import { readDnsData } from './dns-data.js';
import { DnsReader } from './dns-names.js';

const HEADER = 12;
/** Where the number of answers stands. */
const ANSWERS = 6;
const NO_RECORDS: readonly DnsRecord[] = [];

/** Where a message stops to make sense: everything before it was read. */
export type DnsProblem = 'header' | 'questions' | 'answers' | 'authorities' | 'additionals';

/** Absent message: not even a header. */
export interface DnsResult {
  readonly message?: DnsMessage;
  readonly problem?: DnsProblem;
  /** What is wrong with names: bits of DnsEvent. */
  readonly names?: number;
}

function readQuestions(reader: DnsReader, count: number): DnsQuestion[] {
  const out: DnsQuestion[] = [];
  for (let n = 0; n < count; n++) {
    const { name, bytes } = reader.question();
    const question = { name, bytes, type: reader.word(), class: reader.word() };
    if (reader.failed) break;
    out.push(question);
  }
  return out;
}

function readRecords(reader: DnsReader, count: number): DnsRecord[] {
  const out: DnsRecord[] = [];
  if (reader.failed) return out;
  for (let n = 0; n < count; n++) {
    const name = reader.name();
    const head = { name, type: reader.word(), class: reader.word(), ttl: reader.long() };
    const length = reader.word();
    if (!reader.has(length)) break;
    const data = readDnsData(reader, head.type, length);
    if (reader.failed) break;
    out.push({ ...head, data });
  }
  return out;
}

/** What rules look at in a message without answers. */
export interface DnsAsked {
  readonly flags: number;
  readonly questions: readonly Pick<DnsQuestion, 'bytes' | 'type'>[];
  readonly answers: readonly DnsRecord[];
}

/** The questions of a message that has no answers, as parseDns() reads them; undefined if it has, or is none. */
export function readAsked(bytes: Uint8Array): DnsAsked | undefined {
  if (bytes.byteLength < HEADER || bytes[ANSWERS] !== 0 || bytes[ANSWERS + 1] !== 0) return undefined;
  const reader = new DnsReader(bytes);
  reader.word();
  const flags = reader.word();
  const count = reader.word();
  reader.at = HEADER;
  const questions: { bytes: Uint8Array; type: number }[] = [];
  for (let n = 0; n < count; n++) {
    const name = reader.nameBytes();
    const type = reader.word();
    reader.word();
    if (reader.failed) break;
    questions.push({ bytes: name, type });
  }
  return { flags, questions, answers: NO_RECORDS };
}

/** Reads a message (over TCP without the length in front). Bytes behind its last record are ignored. Never throws. */
export function parseDns(bytes: Uint8Array): DnsResult {
  if (bytes.byteLength < HEADER) return { problem: 'header' };
  const reader = new DnsReader(bytes);
  const id = reader.word();
  const flags = reader.word();
  const counts = [reader.word(), reader.word(), reader.word(), reader.word()] as const;
  let problem: DnsProblem | undefined;
  const told = <T>(value: T, part: DnsProblem): T => {
    if (reader.failed) problem ??= part;
    return value;
  };
  const message: DnsMessage = {
    id,
    flags,
    questions: told(readQuestions(reader, counts[0]), 'questions'),
    answers: told(readRecords(reader, counts[1]), 'answers'),
    authorities: told(readRecords(reader, counts[2]), 'authorities'),
    additionals: told(readRecords(reader, counts[3]), 'additionals'),
  };
  const names = reader.odd === 0 ? {} : { names: reader.odd };
  return { message, ...names, ...(problem === undefined ? {} : { problem }) };
}
