// SPDX-License-Identifier: Apache-2.0
import { hash } from 'node:crypto';
import type { Detection } from './model.js';

/**
 * The same for the same detection, however often it is delivered and whoever read it from the ring: 128 bits in hexadecimal
 * of what, when, where from and where to.
 */
export function detectionId(d: Detection): string {
  const rule = d.rule ? [d.rule.gid, d.rule.sid, d.rule.rev] : [];
  const what = [d.kind, d.timeUs, d.timeNs, d.reason, d.src, d.sport, d.dst, d.dport, d.proto, d.icmpType, d.icmpCode];
  const told = d.repeats ? [d.repeats.count, d.repeats.first] : d.suppressed ? [d.suppressed.matched] : [];
  const rest = [d.pcapCnt, d.origin, d.engine?.message, d.packet.len, d.packet.tcp?.seq, d.packet.ipId];
  return hash('sha256', [...what, ...rule, ...rest, ...told].join('\n'), 'hex').slice(0, 32);
}
