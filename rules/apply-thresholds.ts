// SPDX-License-Identifier: Apache-2.0
// What a threshold file makes of the rules that it names, in the order of its lines and as Suricata does it: a `suppress`
// is added to the others, a `threshold` takes the place of what the rule says itself, and a `rate_filter`, or a line for
// all rules, gives way to it.

import { Threshold } from '../common/abi.gen.js';
import type { Problem, Rule, UnsupportedRule } from './ast.js';
import type { ThresholdLine } from './threshold-file.js';

const keyOf = (gid: number, sid: number): string => `${gid}:${sid}`;

function withLine(rule: Rule, line: ThresholdLine): Rule {
  const { spec, suppress } = line;
  if (spec !== undefined) return { ...rule, threshold: spec };
  if (suppress === undefined) return { ...rule, meta: { ...rule.meta, noalert: true } };
  return { ...rule, suppress: [...(rule.suppress ?? []), suppress] };
}

/** True if the rule keeps the threshold that it has. */
function keeps(rule: Rule, { spec, sid }: ThresholdLine): boolean {
  return spec !== undefined && rule.threshold !== undefined && (sid === 0 || spec.type === Threshold.RATE);
}

function warning(line: ThresholdLine, cause: string, remedy: string): Problem {
  return { severity: 'warning', ...line.position, ...(line.sid === 0 ? {} : { sid: line.sid }), cause, remedy };
}

export interface Applied {
  readonly rules: Rule[];
  /** Lines that change nothing. */
  readonly problems: readonly Problem[];
}

/** The rules as the lines leave them. Rules that are not supported may be named. */
export function applyThresholds(
  rules: readonly Rule[],
  unsupported: readonly UnsupportedRule[],
  lines: readonly ThresholdLine[],
): Applied {
  const changed = [...rules];
  const problems: Problem[] = [];
  const places = new Map(rules.map(({ meta }, place) => [keyOf(meta.gid, meta.sid), place]));
  const unused = new Set(unsupported.map(({ meta }) => keyOf(meta.gid, meta.sid)));
  for (const line of lines) {
    const { gid, sid } = line;
    let kept = 0;
    const change = (place: number): void => {
      const rule = changed[place];
      if (rule === undefined) return;
      if (keeps(rule, line)) kept++;
      else changed[place] = withLine(rule, line);
    };
    if (sid !== 0) {
      const place = places.get(keyOf(gid, sid));
      if (place !== undefined) change(place);
      else if (!unused.has(keyOf(gid, sid))) {
        problems.push(warning(line, `no rule has gid ${gid} and sid ${sid}`, 'correct the line or remove it'));
      }
    } else changed.forEach(({ meta }, place) => (gid === 0 || meta.gid === gid ? change(place) : undefined));
    if (kept > 0) {
      const which = sid === 0 ? `${kept} rules have` : 'the rule has';
      problems.push(warning(line, `${which} a threshold already, which stays`, 'remove one of the two'));
    }
  }
  return { rules: changed, problems };
}
