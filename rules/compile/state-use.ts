// SPDX-License-Identifier: Apache-2.0
// Rules that ask for bits and numbers depend on the rules that set them. One whose bit nobody sets can never match, and one
// that wants a bit not set would match too often if a rule that sets it is not used: neither is used either.

import type { Match, Rule, UnsupportedRule } from '../ast.js';
import { isState } from '../match/kinds.js';
import { tableOf, useOf } from '../match/state.js';
import type { Placed } from './placement.js';

/** What sets something, in a rule that is not used; the name comes first. */
const SETTERS: readonly (readonly [RegExp, (name: string, track: string) => string])[] = [
  [/flowbits\s*:\s*(?:set|toggle)\s*,\s*([^;\s]+)\s*;/gi, (name) => `flow bit ${name}`],
  [/flowint\s*:\s*([\w./]+)\s*,\s*[+=]\s*,/gi, (name) => `number ${name}`],
  [/hostbits\s*:\s*(?:set|toggle)\s*,\s*([^;,\s]+)/gi, (name) => `bit of the address ${name}`],
  [
    /xbits\s*:\s*(?:set|toggle)\s*,\s*([^;,\s]+)\s*,\s*track\s+(\w+)/gi,
    (name, track) => `bit of the ${track === 'ip_pair' ? 'pair' : 'address'} ${name}`,
  ],
];

interface Use {
  /** One of these is asked for, or set. */
  readonly names: readonly string[];
  readonly does: 'asks' | 'asks not' | 'sets';
  readonly keyword: string;
}

function useIn(match: Match): Use | undefined {
  switch (match.kind) {
    case 'flowbits': {
      const names = match.names.map((name) => `flow bit ${name}`);
      return { names, does: doesOf(match.command), keyword: 'flowbits' };
    }
    case 'addressbit':
      return { names: [`bit of the ${tableOf(match)}`], does: doesOf(match.command), keyword: match.keyword };
    case 'flowint': {
      const { name, operator } = match;
      const does = operator === 'isnotset' ? 'asks not' : useOf(match) === 'writes' ? 'sets' : 'asks';
      // Taking from a number that is not set does not set it.
      return operator === '-' ? undefined : { names: [`number ${name}`], does, keyword: 'flowint' };
    }
    default:
      return undefined;
  }
}

function doesOf(command: string): Use['does'] {
  return command === 'isset' ? 'asks' : command === 'isnotset' ? 'asks not' : 'sets';
}

/** As above, of what leaves a bit set. */
function usesOf({ matches }: Rule): readonly Use[] {
  return matches.flatMap((match) => {
    if (('command' in match && match.command === 'unset') || !isState(match)) return [];
    return useIn(match) ?? [];
  });
}

interface Used {
  readonly uses: readonly Use[];
  placed: Placed;
}

interface Setters {
  readonly used: ReadonlySet<string>;
  /** sid of a rule that sets the bit in vain: it is not used, or looks at headers alone. */
  readonly unused: ReadonlyMap<string, number>;
}

/** What rules would set that the parser has refused. */
function settersIn(unsupported: readonly UnsupportedRule[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { text, meta } of unsupported) {
    if (!/(?:bits|flowint)\s*:/i.test(text)) continue;
    for (const [pattern, nameOf] of SETTERS) {
      for (const [, name = '', track = ''] of text.matchAll(pattern)) found.set(nameOf(name, track), meta.sid);
    }
  }
  return found;
}

function settersOf(rules: readonly Used[], refused: ReadonlyMap<string, number>): Setters {
  const used = new Set<string>();
  const unused = new Map(refused);
  for (const { placed, uses } of rules) {
    for (const { does, names } of uses) {
      if (does !== 'sets') continue;
      for (const name of names) {
        if (placed.placement === 'engine') used.add(name);
        else unused.set(name, placed.rule.meta.sid);
      }
    }
  }
  return { used, unused };
}

function refusalOf({ does, names }: Use, setters: Setters): string | undefined {
  const [first = ''] = names;
  const text = [first, ...names.slice(1).map((name) => name.slice(name.lastIndexOf(' ') + 1))].join('|');
  const sid = names.map((name) => setters.unused.get(name)).find((found) => found !== undefined);
  if (does === 'asks' && !names.some((name) => setters.used.has(name))) {
    if (sid === undefined) return `asks for the ${text}, which no rule sets`;
    return `asks for the ${text}, which only rules set that are not used or look at headers alone, such as sid ${sid}`;
  }
  if (does !== 'asks not' || sid === undefined) return undefined;
  return `asks that the ${text} is not set, and a rule that sets it is not used or looks at headers alone: sid ${sid}`;
}

/** Names of the flow bits that rules ask for. */
export function askedBits(rules: readonly Rule[]): ReadonlySet<string> {
  const asked = new Set<string>();
  for (const { matches } of rules) {
    for (const match of matches) {
      if (match.kind !== 'flowbits' || useOf(match) !== 'reads') continue;
      for (const name of match.names) asked.add(name);
    }
  }
  return asked;
}

/** The rules with those refused that depend on bits and numbers which are not set as they should be. */
export function settleState(rules: readonly Placed[], unsupported: readonly UnsupportedRule[]): readonly Placed[] {
  const all = rules.map((placed): Used => ({ placed, uses: usesOf(placed.rule) }));
  const some = all.filter(({ uses }) => uses.length > 0);
  if (some.length === 0) return rules;
  const refused = settersIn(unsupported);
  for (let changed = true; changed;) {
    changed = false;
    const setters = settersOf(some, refused);
    for (const one of some) {
      if (one.placed.placement !== 'engine') continue;
      for (const use of one.uses) {
        const reason = refusalOf(use, setters);
        if (reason === undefined) continue;
        changed = true;
        one.placed = { rule: one.placed.rule, placement: 'unsupported', reason, keyword: use.keyword };
        break;
      }
    }
  }
  return all.map(({ placed }) => placed);
}
