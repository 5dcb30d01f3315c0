// SPDX-License-Identifier: Apache-2.0
// Address and port expressions: lists, groups, negation and variables over atoms, resolved to interval sets.

import { clip, subtract, union, type Interval, type IntervalSet } from './sets.js';
import { didYouMean } from './suggest.js';

export interface Failure {
  /** Offset in the expression as the rule has it. */
  readonly at: number;
  readonly cause: string;
  readonly remedy: string;
}

export interface Resolved {
  readonly set: IntervalSet;
  /** True if the expression is `any`, perhaps through a variable. */
  readonly any: boolean;
  /** True if something in it is negated. */
  readonly negated: boolean;
}

/** What differs between addresses and ports. */
export interface Domain {
  /** For messages: `address` or `port`. */
  readonly noun: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Parts of the space that negation alone fills by itself: IPv4 and IPv6, or all ports. */
  readonly families: readonly IntervalSet[];
  /** The set of one atom, or what is wrong with it. */
  atom(text: string): IntervalSet | { readonly cause: string; readonly remedy: string };
}

const MAX_DEPTH = 64;
/** Variables that name variables can grow an expression without end. */
const MAX_ELEMENTS = 200_000;
const UNBOUND = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/** What a list collects: the elements it names and the elements it takes away. */
interface Collected {
  readonly named: Interval[];
  readonly taken: Interval[];
  any: boolean;
}

interface Scope {
  readonly domain: Domain;
  /** Variables being resolved, outermost first. */
  readonly open: readonly string[];
  readonly depth: number;
  readonly budget: { left: number };
  /** What was seen of the whole expression. */
  readonly seen: { negated: boolean };
}

function within(set: IntervalSet, family: IntervalSet): IntervalSet {
  return family.flatMap((part) => clip(set, part.from, part.to));
}

/** Named minus taken; where a family has only taken elements, everything else of that family is meant. */
function settle(found: Collected, domain: Domain): IntervalSet {
  const named = union(found.named);
  if (found.taken.length === 0) return named;
  const taken = union(found.taken);
  const parts = domain.families.flatMap((family) => {
    const plus = within(named, family);
    const minus = within(taken, family);
    return subtract(plus.length === 0 && minus.length > 0 ? family : plus, minus);
  });
  return union(parts);
}

function emptySet(domain: Domain, at: number): Failure {
  const cause = `no ${domain.noun} is left: everything that is named is also negated`;
  return { at, cause, remedy: `name at least one ${domain.noun} that is not negated, or write any` };
}

/** Elements of a list, split at commas outside of brackets. */
function elements(text: string, domain: Domain): { readonly text: string; readonly at: number }[] | Failure {
  const out: { text: string; at: number }[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at <= text.length; at++) {
    const char = text[at];
    if (char === '[') depth++;
    else if (char === ']') depth--;
    if (depth < 0) return { at, cause: 'a closing "]" has no opening "["', remedy: 'remove it or write the "["' };
    if (at < text.length && (char !== ',' || depth > 0)) continue;
    const raw = text.slice(start, at);
    const lead = raw.length - raw.trimStart().length;
    if (raw.trim() === '') {
      return {
        at: start,
        cause: `an ${domain.noun} is missing`,
        remedy: 'remove the empty element or the extra comma',
      };
    }
    out.push({ text: raw.trim(), at: start + lead });
    start = at + 1;
  }
  if (depth > 0) return { at: text.lastIndexOf('['), cause: 'the "[" is not closed', remedy: 'write the missing "]"' };
  return out;
}

function collect(text: string, base: number, into: Collected, scope: Scope): Failure | undefined {
  if (scope.depth > MAX_DEPTH) {
    return {
      at: base,
      cause: `groups are nested deeper than ${MAX_DEPTH}`,
      remedy: 'write the list with fewer brackets',
    };
  }
  const list = elements(text, scope.domain);
  if (!Array.isArray(list)) return { ...list, at: base + list.at };
  scope.budget.left -= list.length;
  if (scope.budget.left < 0) {
    return { at: base, cause: `more than ${MAX_ELEMENTS} elements`, remedy: 'write fewer elements, or use prefixes' };
  }
  for (const element of list) {
    const failure = collectElement(element.text, base + element.at, into, scope);
    if (failure) return failure;
  }
  return undefined;
}

function collectElement(text: string, at: number, into: Collected, scope: Scope): Failure | undefined {
  const negated = text.startsWith('!');
  const body = negated ? text.slice(1).trimStart() : text;
  const bodyAt = at + text.length - body.length;
  if (negated) scope.seen.negated = true;
  if (body === '' || body.startsWith('!')) {
    return {
      at: bodyAt,
      cause: 'one "!" must stand before an element',
      remedy: `write for example !${example(scope.domain)}`,
    };
  }
  const nested = body.startsWith('[') || body.startsWith('$');
  if (!nested) return collectAtom(body, bodyAt, negated ? into.taken : into.named, into, negated, scope.domain);
  // A group or variable that is not negated adds to this very list, its own negations included, as in Suricata.
  const target: Collected = negated ? { named: [], taken: [], any: false } : into;
  const failure = body.startsWith('[')
    ? collectGroup(body, bodyAt, target, scope)
    : collectVariable(body, bodyAt, target, scope);
  if (failure) return failure;
  if (!negated) return undefined;
  const set = settle(target, scope.domain);
  if (set.length === 0) return emptySet(scope.domain, bodyAt);
  into.taken.push(...set);
  return undefined;
}

function example(domain: Domain): string {
  return domain.noun === 'port' ? '80' : '192.0.2.0/24';
}

function collectAtom(
  text: string,
  at: number,
  list: Interval[],
  into: Collected,
  negated: boolean,
  domain: Domain,
): Failure | undefined {
  const any = text.toLowerCase() === 'any';
  const set = any ? domain.families.flat() : domain.atom(text);
  if (!Array.isArray(set)) return { at, ...(set as { cause: string; remedy: string }) };
  if (any && !negated) into.any = true;
  for (const interval of set as IntervalSet) list.push(interval);
  return undefined;
}

function collectGroup(text: string, at: number, into: Collected, scope: Scope): Failure | undefined {
  if (!text.endsWith(']')) {
    return { at, cause: `"${text}" continues behind its group`, remedy: 'separate the elements of a list with commas' };
  }
  return collect(text.slice(1, -1), at + 1, into, { ...scope, depth: scope.depth + 1 });
}

function collectVariable(text: string, at: number, into: Collected, scope: Scope): Failure | undefined {
  const { domain, open } = scope;
  const name = text.slice(1);
  if (!UNBOUND.test(name)) {
    return { at, cause: `"${text}" is not the name of a variable`, remedy: 'write $ and letters, digits or _' };
  }
  const value = Object.hasOwn(domain.variables, name) ? domain.variables[name] : undefined;
  if (value === undefined) {
    const known = Object.keys(domain.variables).map((key) => `$${key}`);
    const where = `define it under vars.${domain.noun} in the configuration`;
    return { at, cause: `${domain.noun} variable ${text} is not defined`, remedy: didYouMean(text, known, where) };
  }
  if (open.includes(name)) {
    const chain = [...open.slice(open.indexOf(name)), name].map((step) => `$${step}`).join(' -> ');
    return {
      at,
      cause: `variable ${text} refers to itself: ${chain}`,
      remedy: 'break the circle in the configuration',
    };
  }
  const failure = collect(value, 0, into, { ...scope, open: [...open, name], depth: scope.depth + 1 });
  if (!failure) return undefined;
  const nested = failure.cause.startsWith('in the value of');
  return { at, cause: nested ? failure.cause : `in the value of ${text}: ${failure.cause}`, remedy: failure.remedy };
}

/** Resolves an expression, or says what is wrong with it. */
export function resolve(text: string, domain: Domain): Resolved | Failure {
  const found: Collected = { named: [], taken: [], any: false };
  const seen = { negated: false };
  const failure = collect(text, 0, found, { domain, open: [], depth: 0, budget: { left: MAX_ELEMENTS }, seen });
  if (failure) return failure;
  const set = settle(found, domain);
  if (set.length === 0) return emptySet(domain, 0);
  return { set, any: found.any && found.taken.length === 0, ...seen };
}
