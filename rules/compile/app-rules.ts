// SPDX-License-Identifier: Apache-2.0
// Rules that name an application protocol and look into nothing: `alert http any any -> any any (sid:1;)`. As in Suricata
// they match every packet of a flow that was recognised as that, from the one on that has shown it.

import { Action, App, Field, FlowBit } from '../../common/abi.gen.js';
import type { AppName, Condition, Rule } from '../ast.js';
import { bufferMatches } from '../buffers.js';
import { isState } from '../match/kinds.js';

export const appNumbers: Readonly<Record<AppName, App>> = { http: App.HTTP, tls: App.TLS, dns: App.DNS };

const SHIFT = 8;

/** What the kernel's entry of such a rule asks of the flow. */
export function appCondition(app: AppName): Condition {
  const value = appNumbers[app] << SHIFT;
  return { field: Field.FLOW, negate: false, mask: FlowBit.FLOWBIT_APP, lo: value, hi: value };
}

/** True if the kernel can judge the rule. A pass has to come before rules of the engine, which have seen the packet. */
export function isAppRule(rule: Rule): boolean {
  return (
    rule.app !== undefined &&
    rule.action !== Action.PASS &&
    bufferMatches(rule.matches).length === 0 &&
    !rule.matches.some(isState)
  );
}
