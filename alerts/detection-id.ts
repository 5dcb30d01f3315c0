// SPDX-License-Identifier: Apache-2.0
import { hash } from 'node:crypto';
import type { Detection } from './model.js';

/**
 * The same for the same detection, however often it is delivered and whoever read it from the ring: 128 bits in hexadecimal
 * of what, when, where from and where to.
 */
export function detectionId(d: Detection): string {
  const { rule, packet } = d;
  const what = `${d.kind}\n${d.timeUs}\n${d.timeNs ?? ''}\n${d.reason}\n${d.src}\n${d.sport ?? ''}\n${d.dst}\n${d.dport ?? ''}`;
  const more = `${d.proto}\n${d.icmpType ?? ''}\n${d.icmpCode ?? ''}${rule ? `\n${rule.gid}\n${rule.sid}\n${rule.rev}` : ''}`;
  const rest = `${d.pcapCnt ?? ''}\n${d.origin ?? ''}\n${d.engine?.message ?? ''}\n${packet.len}\n${packet.tcp?.seq ?? ''}\n${packet.ipId}`;
  const told = d.repeats ? `\n${d.repeats.count}\n${d.repeats.first}` : d.suppressed ? `\n${d.suppressed.matched}` : '';
  return hash('sha256', `${what}\n${more}\n${rest}${told}`, 'hex').slice(0, 32);
}
