// SPDX-License-Identifier: Apache-2.0
// Rules of the engine that cost more than others: what they ask has to be tried on every message of their kind.

import type { Rule } from '../ast.js';
import { bufferMatches } from '../buffers.js';
import { leadOf } from '../match/lead.js';

/** Why the rule is slow; undefined if it is not. */
export function slowReason(rule: Rule): string | undefined {
  const fast = leadOf(rule);
  if (fast !== undefined) {
    return fast.pattern.length > 1 ? undefined : 'the longest content has one byte, which nearly every message has';
  }
  const looks = bufferMatches(rule.matches);
  const contents = looks.filter((look) => look.kind === 'content');
  if (contents.some(({ transforms, negated }) => transforms !== undefined && !negated)) {
    return 'its contents stand behind transforms';
  }
  if (contents.length > 0) return 'its contents are negated, or in buffers that may be absent';
  if (looks.some(({ kind }) => kind === 'pcre')) return 'pcre alone: there is no content to look for first';
  return looks.length > 0 ? 'no content to look for first' : 'it looks into nothing';
}
