// SPDX-License-Identifier: Apache-2.0
// What an operator's files make of a file of rules: disabled, enabled, dropping and modified, in this order.

import type { Change, Matcher, RuleLine } from './matchers.js';

export interface RuleFilters {
  readonly disable: readonly Matcher[];
  readonly enable: readonly Matcher[];
  readonly drop: readonly Matcher[];
  readonly modify: readonly Change[];
}

export interface FilterCounts {
  rules: number;
  disabled: number;
  enabled: number;
  dropping: number;
  modified: number;
}

export const noFilterCounts: Readonly<FilterCounts> = { rules: 0, disabled: 0, enabled: 0, dropping: 0, modified: 0 };

const RULE =
  /^(#[#\s]*)?((?:alert|drop|pass|reject|rejectsrc|rejectdst|rejectboth)(?::\w+)?\s[^]*\bsid\s*:\s*(\d+)[^]*\))\s*$/i;

function lineOf(text: string, file: string, sid: string): RuleLine {
  const number = (name: string, otherwise: number): number => {
    const found = new RegExp(`[;(]\\s*${name}\\s*:\\s*(\\d+)`, 'i').exec(text);
    return found ? Number(found[1]) : otherwise;
  };
  return { gid: number('gid', 1), sid: Number(sid), rev: number('rev', 0), file, text };
}

/** The text of a file as the filters leave it, line for line. @param file its name without folders */
export function filterRules(text: string, file: string, filters: RuleFilters, counts: FilterCounts): string {
  const { disable, enable, drop, modify } = filters;
  return text
    .replace(/\\\r?\n/g, ' ')
    .split(/\r?\n/)
    .map((line) => {
      const [, comment = '', body = '', sid = ''] = RULE.exec(line) ?? [];
      if (body === '') return line;
      let rule = lineOf(body, file, sid);
      let on = comment === '';
      if (on && disable.some((matches) => matches(rule))) {
        on = false;
        counts.disabled++;
      }
      if (!on && enable.some((matches) => matches(rule))) {
        on = true;
        counts.enabled++;
      }
      if (on && !/[;(]\s*noalert\s*;/i.test(body) && drop.some((matches) => matches(rule))) {
        rule = { ...rule, text: rule.text.replace(/^\w+/, 'drop') };
        counts.dropping++;
      }
      for (const change of modify) {
        if (!change.matches(rule)) continue;
        const changed = change.apply(rule.text);
        if (changed !== rule.text) counts.modified++;
        rule = { ...rule, text: changed };
      }
      if (on) counts.rules++;
      return on ? rule.text : `# ${rule.text}`;
    })
    .join('\n');
}
