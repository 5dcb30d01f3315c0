// SPDX-License-Identifier: Apache-2.0
// What all formats say of a detection, worked out once: names, numbers and words that do not depend on the format.

import { eveTime, idsOf } from '../eve.js';
import type { Detection, DetectionEnd } from '../model.js';
import { cleanText } from '../text.js';

export const VENDOR = 'ids';
export const PRODUCT = 'ids';

/** What was done about the packet, monitor mode taken into account. */
export type Outcome = 'allowed' | 'dropped' | 'rejected';

export function outcomeOf(d: Detection): Outcome {
  if (d.would || d.verdict === 'pass') return 'allowed';
  return d.verdict === 'drop' ? 'dropped' : 'rejected';
}

/** The title of the record: the rule's message, else the reason in words. */
export function titleOf(d: Detection): string {
  if (d.engine) return cleanText(d.engine.message);
  return d.rule ? cleanText(d.rule.msg) : `packet ${d.verdict === 'pass' ? 'passed' : 'dropped'}: ${d.reason}`;
}

/** Names the kind of event: `GID:SID`, else the reason. */
export function signatureOf(d: Detection): string {
  return d.rule ? `${d.rule.gid}:${d.rule.sid}` : d.reason;
}

/** A rule's severity 1 to 4, or of what has no rule: an error of the engine 2, its warning 3, all else 4. */
export function severityOf(d: Detection): 1 | 2 | 3 | 4 {
  if (d.engine) return ({ Error: 2, Warning: 3, Info: 4 } as const)[d.engine.level];
  const severity = d.rule?.severity ?? 4;
  return severity <= 1 ? 1 : severity === 2 ? 2 : severity === 3 ? 3 : 4;
}

/** The severity from 0 to 10, 10 the most severe. */
export function tenths(d: Detection): number {
  return { 1: 9, 2: 6, 3: 4, 4: 2 }[severityOf(d)];
}

/** The count that a record tells, if any: what was held back, how many repeats it stands for, or what a threshold had reached. */
export function countOf(d: Detection): number | undefined {
  return d.suppressed?.matched ?? d.repeats?.count ?? (d.count !== undefined && d.count > 0 ? d.count : undefined);
}

/** The community id of the flow, if it has one. */
export function communityIdOf(d: Detection): string | undefined {
  return idsOf(d)?.communityId;
}

/** Milliseconds since the epoch. */
export function timeMs(d: Detection): number {
  return Number.isFinite(d.timeUs) ? Math.floor(d.timeUs / 1000) : 0;
}

/** ISO 8601 with microseconds, in UTC, of microseconds since the epoch. */
export function isoOf(timeUs: number): string {
  return eveTime(timeUs).replace('+0000', 'Z');
}

export function isoTime(d: Detection): string {
  return isoOf(d.timeUs);
}

/** `AS64500 Example Networks`. */
export function asText(end: DetectionEnd | undefined): string | undefined {
  if (end?.asn === undefined) return undefined;
  return end.asOrganization === undefined ? `AS${end.asn}` : `AS${end.asn} ${end.asOrganization}`;
}
