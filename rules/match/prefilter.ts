// SPDX-License-Identifier: Apache-2.0
// What to look for first: by kind of message and buffer, one literal of each rule. Rules whose literal is not there are not
// looked at.

import type { ContentMatch, Rule } from '../ast.js';
import { bufferInfo, bufferMatches } from '../buffers.js';
import { changesCaseAlone } from '../transforms/transform.js';
import { foldCase } from './fold-case.js';
import { keyOf } from './groups.js';
import { indexLiterals, type LiteralIndex } from './literal-index.js';
import { BUFFERS, KINDS, type BufferId } from './message.js';

/** The search in one buffer. */
export interface BufferFilter {
  readonly buffer: BufferId;
  readonly several: boolean;
  readonly index: LiteralIndex;
  /** Rules of literal n: rules[from[n]] to rules[from[n + 1] - 1]. */
  readonly from: Uint32Array;
  readonly rules: Uint32Array;
}

/** What to look for in one kind of message. */
export interface KindFilter {
  readonly filters: readonly BufferFilter[];
  /** Rules without a literal: tried on every message. */
  readonly always: Uint32Array;
  /** Rules by the number of the kernel's pattern that is what is looked for first: it may stand in a masked value. */
  readonly led: ReadonlyMap<number, readonly number[]>;
  /** False if no rule is judged on such messages. */
  readonly used: boolean;
}

const DOT = 0x2e;

/** What surely stands in the buffer if the content does: dotprefix puts a dot there that is not. */
function literalOf(match: ContentMatch): Uint8Array {
  return foldCase(match.dotprefix && match.pattern[0] === DOT ? match.pattern.subarray(1) : match.pattern);
}

/**
 * The content to look for first: the one marked fast_pattern, else the longest. Methods and payload say too little. What
 * a transform has made does not stand in the buffer as sent, and a buffer that may be absent need not hold anything.
 */
export function fastPattern(rule: Rule): ContentMatch | undefined {
  const looks = bufferMatches(rule.matches);
  const absent = new Set(looks.filter(({ kind }) => kind === 'absent').map(keyOf));
  const usable = looks.filter(
    (match): match is ContentMatch =>
      match.kind === 'content' &&
      !match.negated &&
      literalOf(match).length > 0 &&
      (match.transforms === undefined || changesCaseAlone(match.transforms)) &&
      !(absent.size > 0 && absent.has(keyOf(match))),
  );
  const weight = (match: ContentMatch): number =>
    match.pattern.length - (match.buffer === 'http.method' ? 100 : match.buffer === 'payload' ? 50 : 0);
  return usable.find((match) => match.fastPattern) ?? usable.sort((a, b) => weight(b) - weight(a))[0];
}

type Wanted = Map<string, { readonly literal: Uint8Array; readonly rules: number[] }>;

function filterOf(buffer: BufferId, wanted: Wanted): BufferFilter | undefined {
  const list = [...wanted.values()];
  const index = indexLiterals(list.map(({ literal }) => literal));
  if (index === undefined) return undefined;
  const from = new Uint32Array(list.length + 1);
  list.forEach(({ rules }, number) => (from[number + 1] = (from[number] ?? 0) + rules.length));
  const name = BUFFERS[buffer];
  const several = bufferInfo[name].several === true;
  return { buffer, several, index, from, rules: Uint32Array.from(list.flatMap(({ rules }) => rules)) };
}

/** The filters of each kind; rules are numbered in the order of the list, `kinds` are bits by kind. */
export function makePrefilters(
  rules: readonly { readonly rule: Rule; readonly kinds: number }[],
  numberOf: (content: ContentMatch) => number,
): KindFilter[] {
  const led = Array.from({ length: KINDS }, () => new Map<number, number[]>());
  const always: number[][] = Array.from({ length: KINDS }, () => []);
  const wanted = Array.from({ length: KINDS }, () => new Map<BufferId, Wanted>());
  rules.forEach(({ rule, kinds }, number) => {
    const fast = fastPattern(rule);
    const literal = fast && literalOf(fast);
    const known = fast === undefined ? -1 : numberOf(fast);
    for (let kind = 0; kind < KINDS; kind++) {
      if ((kinds & (1 << kind)) === 0) continue;
      if (fast === undefined || literal === undefined) always[kind]?.push(number);
      else add(wanted[kind], BUFFERS.indexOf(fast.buffer) as BufferId, literal, number);
      if (known >= 0) led[kind]?.set(known, [...(led[kind]?.get(known) ?? []), number]);
    }
  });
  return wanted.map((buffers, kind): KindFilter => {
    const filters = [...buffers].flatMap(([buffer, list]) => filterOf(buffer, list) ?? []);
    const rest = Uint32Array.from(always[kind] ?? []);
    return {
      filters,
      always: rest,
      led: led[kind] ?? new Map<number, number[]>(),
      used: filters.length + rest.length > 0,
    };
  });
}

function add(kind: Map<BufferId, Wanted> | undefined, buffer: BufferId, literal: Uint8Array, rule: number): void {
  if (kind === undefined) return;
  let list = kind.get(buffer);
  if (list === undefined) kind.set(buffer, (list = new Map<string, { literal: Uint8Array; rules: number[] }>()));
  const key = Buffer.from(literal).toString('latin1');
  const entry = list.get(key);
  if (entry === undefined) list.set(key, { literal, rules: [rule] });
  else entry.rules.push(rule);
}
