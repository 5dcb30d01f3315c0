// SPDX-License-Identifier: Apache-2.0
// Rules that ask for flow bits depend on the rules that set them. One whose bit nobody sets can never match, and one that
// wants a bit not set would match too often if a rule that sets it is not used: neither is used either.

import type { FlowbitsMatch, UnsupportedRule } from '../ast.js';
import type { Placed } from './placement.js';

const SETS = /flowbits\s*:\s*(?:set|toggle)\s*,\s*([^;\s]+)\s*;/gi;

function bitsSet(placed: Placed): readonly string[] {
  return placed.rule.matches.flatMap((match) =>
    match.kind === 'flowbits' && (match.command === 'set' || match.command === 'toggle') ? match.names : [],
  );
}

interface Setters {
  readonly used: ReadonlySet<string>;
  /** sid of a rule that sets the bit in vain: it is not used, or looks at headers alone. */
  readonly unused: ReadonlyMap<string, number>;
}

function settersOf(rules: readonly Placed[], unsupported: readonly UnsupportedRule[]): Setters {
  const used = new Set<string>();
  const unused = new Map<string, number>();
  for (const placed of rules) {
    for (const name of bitsSet(placed)) {
      if (placed.placement !== 'engine') unused.set(name, placed.rule.meta.sid);
      else used.add(name);
    }
  }
  for (const { text, meta } of unsupported) for (const [, name = ''] of text.matchAll(SETS)) unused.set(name, meta.sid);
  return { used, unused };
}

function refusalOf({ command, names }: FlowbitsMatch, setters: Setters): string | undefined {
  const text = names.join('|');
  if (command === 'isset' && !names.some((name) => setters.used.has(name))) {
    const sid = names.map((name) => setters.unused.get(name)).find((found) => found !== undefined);
    if (sid === undefined) return `asks for the flow bit ${text}, which no rule sets`;
    return `asks for the flow bit ${text}, which only rules set that are not used or look at headers alone, such as sid ${sid}`;
  }
  if (command !== 'isnotset') return undefined;
  const sid = names.map((name) => setters.unused.get(name)).find((found) => found !== undefined);
  if (sid === undefined) return undefined;
  return `asks that the flow bit ${text} is not set, and a rule that sets it is not used or looks at headers alone: sid ${sid}`;
}

/** The rules with those refused that depend on bits which are not set as they should be. */
export function settleFlowbits(rules: readonly Placed[], unsupported: readonly UnsupportedRule[]): readonly Placed[] {
  let settled = rules;
  const asks = rules.some(({ rule }) => rule.matches.some(({ kind }) => kind === 'flowbits'));
  for (let changed = asks; changed;) {
    changed = false;
    const setters = settersOf(settled, unsupported);
    settled = settled.map((placed): Placed => {
      if (placed.placement !== 'engine') return placed;
      for (const match of placed.rule.matches) {
        const reason = match.kind === 'flowbits' ? refusalOf(match, setters) : undefined;
        if (reason === undefined) continue;
        changed = true;
        return { rule: placed.rule, placement: 'unsupported', reason, keyword: 'flowbits' };
      }
      return placed;
    });
  }
  return settled;
}
