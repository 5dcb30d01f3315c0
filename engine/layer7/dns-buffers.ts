// SPDX-License-Identifier: Apache-2.0
// What rules look at in a DNS message.

import type { DnsMessage } from '../../alerts/index.js';
import { BufferId, type BufferMessage } from '../../rules/index.js';

const OPCODE_SHIFT = 11;
const NIBBLE = 0xf;

/** Puts in names and numbers. @param cut the message goes on behind what was captured */
export function putDns(judged: BufferMessage, { flags, questions, answers }: DnsMessage, cut: boolean): void {
  for (const { bytes } of questions) judged.put(BufferId.DNS_QUERY, bytes, cut);
  judged
    .withholdIf(BufferId.DNS_QUERY, cut)
    .offer(BufferId.DNS_OPCODE, () => Uint8Array.of((flags >> OPCODE_SHIFT) & NIBBLE))
    .offer(BufferId.DNS_RCODE, () => Uint8Array.of(flags & NIBBLE));
  for (const { type } of questions) judged.put(BufferId.DNS_RRTYPE, Uint8Array.of(type >> 8, type & 0xff));
  for (const { type } of answers) judged.put(BufferId.DNS_RRTYPE, Uint8Array.of(type >> 8, type & 0xff));
}
