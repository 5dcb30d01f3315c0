// SPDX-License-Identifier: Apache-2.0
// What the engine knows of the packet with which a message came. Of a packet that is handed over whole it knows all.

import { Field } from '../../common/abi.gen.js';
import type { Rule } from '../ast.js';

/** Header fields that are known of the packet that completed a message. */
export const eventFields: ReadonlySet<Field> = new Set<Field>([
  Field.IP_VERSION,
  Field.TTL,
  Field.IP_ID,
  Field.TOS,
  Field.IP_PROTO,
  Field.SAMEIP,
  Field.TCP_FLAGS,
  Field.TCP_SEQ,
  Field.TCP_ACK,
  Field.TCP_WINDOW,
  Field.DSIZE,
  Field.ICMP_TYPE,
  Field.ICMP_CODE,
  Field.ICMP_ID,
  Field.ICMP_SEQ,
  Field.DECODE0,
  Field.DECODE1,
  Field.VLAN_LAYERS,
  Field.VLAN_ID0,
  Field.VLAN_ID1,
  Field.FLOW,
]);

/** True if each header field that the rule asks for is told with what carries a message. */
export function asksOfEvent(rule: Rule): boolean {
  return rule.matches.every(
    (match) => match.kind !== 'header' || match.conditions.every(({ field }) => eventFields.has(field)),
  );
}
