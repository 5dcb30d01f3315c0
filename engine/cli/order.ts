// SPDX-License-Identifier: Apache-2.0
// The order of fields in the JSON of rules and problems: that of docs/cli.md, whatever the compiler's is.

import type { Problem } from '../../rules/index.js';
import type { RuleRecord } from '../api/api.js';

const ruleFields: Readonly<Record<keyof RuleRecord, true>> = {
  sid: true,
  gid: true,
  rev: true,
  msg: true,
  action: true,
  classtype: true,
  category: true,
  priority: true,
  metadata: true,
  references: true,
  target: true,
  tag: true,
  noalert: true,
  reject: true,
  placement: true,
  needs: true,
  reason: true,
  slow: true,
  threshold: true,
  suppress: true,
  positions: true,
  text: true,
  file: true,
  line: true,
  enabled: true,
  counts: true,
};

const problemFields: Readonly<Record<keyof Problem, true>> = {
  file: true,
  line: true,
  column: true,
  severity: true,
  sid: true,
  keyword: true,
  cause: true,
  remedy: true,
};

function inOrder(value: object, fields: object): object {
  const found = new Map<string, unknown>(Object.entries(value));
  const known = Object.keys(fields).filter((name) => found.has(name));
  const others = [...found.keys()].filter((name) => !known.includes(name));
  return Object.fromEntries([...known, ...others].map((name) => [name, found.get(name)]));
}

/** A rule with or without its counts. */
export function orderRule(rule: Partial<RuleRecord>): object {
  return inOrder(rule, ruleFields);
}

export function orderProblem(problem: Problem): object {
  return inOrder(problem, problemFields);
}
