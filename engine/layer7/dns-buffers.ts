// SPDX-License-Identifier: Apache-2.0
// What rules look at in a DNS message.

import { BufferId, DnsEvent, eventBytes, type BufferMessage } from '../../rules/index.js';
import { parseDns, type DnsAsked, type DnsProblem } from './dns.js';

const OPCODE_SHIFT = 11;
const NIBBLE = 0xf;

const word = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff);

/** Puts in names and numbers. @param cut the message goes on behind what was captured */
export function putDns(judged: BufferMessage, { flags, questions, answers }: DnsAsked, cut: boolean): void {
  for (const { bytes } of questions) judged.put(BufferId.DNS_QUERY, bytes, cut);
  judged
    .withholdIf(BufferId.DNS_QUERY, cut)
    .offer(BufferId.DNS_OPCODE, () => Uint8Array.of((flags >> OPCODE_SHIFT) & NIBBLE))
    .offer(BufferId.DNS_RCODE, () => Uint8Array.of(flags & NIBBLE));
  const [question] = questions;
  if (questions.length === 1 && answers.length === 0 && question !== undefined) {
    judged.offer(BufferId.DNS_RRTYPE, () => word(question.type));
    return;
  }
  for (const { type } of questions) judged.put(BufferId.DNS_RRTYPE, word(type));
  for (const { type } of answers) judged.put(BufferId.DNS_RRTYPE, word(type));
}

const RESPONSE = 0x8000;
const Z = 0x0040;

const ofProblem: Readonly<Record<DnsProblem, number>> = {
  header: DnsEvent.MALFORMED,
  questions: DnsEvent.MALFORMED,
  answers: DnsEvent.MALFORMED,
  authorities: DnsEvent.AUTHORITIES,
  additionals: DnsEvent.ADDITIONALS,
};

/** What is wrong with a message, as its buffer has it. @param cut it goes on behind what was captured */
export function dnsEvents(bytes: Uint8Array, toServer: boolean, cut: boolean): Uint8Array {
  const { message, problem, names = 0 } = parseDns(bytes);
  let events = names | (problem === undefined || cut ? 0 : ofProblem[problem]);
  if (message) {
    const { flags } = message;
    if (((flags & RESPONSE) !== 0) === toServer) events |= toServer ? DnsEvent.NOT_REQUEST : DnsEvent.NOT_RESPONSE;
    if ((flags & Z) !== 0) events |= DnsEvent.Z_FLAG;
  }
  return eventBytes(events);
}
