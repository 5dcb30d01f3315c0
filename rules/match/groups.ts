// SPDX-License-Identifier: Apache-2.0
// The tests of a rule by what they look into.

import type { AbsentMatch, BufferMatch, ContentMatch, Rule } from '../ast.js';
import { bufferInfo, bufferMatches, isPlain, isRelative } from '../buffers.js';
import { foldCase } from './fold-case.js';
import type { ChainTest } from './inspect.js';
import { BufferId, BUFFERS } from './message.js';
import type { ContentTest, PatternNumber, SizeTest, TestGroup } from './program.js';

const NO_END = 0xffffffff;

/** Tests with one key look into one buffer, or one instance of it. */
export function keyOf({ buffer, dotprefix, transforms, group }: BufferMatch): string {
  return [buffer, dotprefix, transforms?.key, bufferInfo[buffer].several === true ? group : ''].join();
}

/** Tests by what they look into, in the order of the rule. Of a buffer that a message has several of, the keyword matters. */
export function groupMatches(rule: Pick<Rule, 'matches'>): BufferMatch[][] {
  const groups = new Map<string, BufferMatch[]>();
  for (const match of bufferMatches(rule.matches)) {
    const key = keyOf(match);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [match]);
    else group.push(match);
  }
  return [...groups.values()];
}

/**
 * Contents and expressions of a group that others begin behind.
 * `again`: where those do not hold, it is looked for further on.
 */
export function leadersOf(group: readonly BufferMatch[]): ReadonlyMap<BufferMatch, { readonly again: boolean }> {
  const leaders = new Map<BufferMatch, { again: boolean }>();
  let last: BufferMatch | undefined;
  for (const match of group) {
    if (isRelative(match) && last !== undefined) {
      // Behind a later place there is only less for a content without a bound.
      const unbound =
        last.kind === 'content' &&
        match.kind === 'content' &&
        !match.negated &&
        (match.within ?? match.variables?.within) === undefined;
      const known = leaders.get(last);
      leaders.set(last, { again: !unbound || known?.again === true });
    }
    if (match.kind === 'content' || match.kind === 'pcre') last = match;
  }
  return leaders;
}

function contentOf(match: ContentMatch, literal: number): ContentTest {
  const offset = match.offset ?? 0;
  return {
    pattern: Uint8Array.from(match.nocase ? foldCase(match.pattern) : match.pattern),
    negated: match.negated,
    nocase: match.nocase,
    startswith: match.startswith,
    endswith: match.endswith,
    offset,
    end: match.depth === undefined ? NO_END : offset + match.depth,
    literal,
  };
}

function chainTest(match: Exclude<BufferMatch, AbsentMatch>, again: boolean, literal: number): ChainTest {
  switch (match.kind) {
    case 'content':
      return {
        kind: 'content',
        content: contentOf(match, literal),
        relative: isRelative(match),
        distance: match.distance ?? 0,
        within: match.within,
        depth: match.depth,
        variables: match.variables,
        again,
      };
    case 'size':
      return { kind: 'size', size: { lo: match.lo, hi: match.hi, negate: match.negate } };
    case 'pcre':
      return { kind: 'pcre', expression: match.expression, negated: match.negated, relative: match.relative, again };
    case 'isdataat':
      return { kind: 'isdataat', at: match.at, relative: match.relative, negated: match.negated };
    case 'bytes':
      return { kind: 'bytes', spec: match.spec };
    case 'number':
      return { kind: 'number', ranges: match.ranges };
    case 'dataset':
      return { kind: 'dataset', test: { name: match.name, use: match.use, context: match.context } };
  }
}

/** True if the tests of the group do not depend on each other. */
function isSimple(group: readonly BufferMatch[]): boolean {
  return group.every((match) => match.kind === 'size' || (match.kind === 'content' && isPlain(match)));
}

/** Buffers by what it costs to have them: those not named come last. */
const CHEAP: readonly BufferId[] = [
  ...[BufferId.METHOD, BufferId.URI, BufferId.URI_RAW, BufferId.HOST, BufferId.USER_AGENT, BufferId.REQUEST_LINE],
  ...[BufferId.STAT_CODE, BufferId.RESPONSE_LINE, BufferId.HEADER, BufferId.HEADER_RAW],
];

function cost({ buffer, transforms, contents, sizes }: TestGroup): number {
  const place = CHEAP.indexOf(buffer);
  if (transforms !== undefined) return 2 * CHEAP.length;
  return (place < 0 ? CHEAP.length : place) - (contents.length === 0 && sizes.length > 0 ? CHEAP.length : 0);
}

/** The groups of a rule's tests: the cheap ones first, unless what one reads is what another needs. */
export function groupsOf(rule: Rule, numberOf: PatternNumber): TestGroup[] {
  const groups = groupsInOrder(rule, numberOf);
  const reads = bufferMatches(rule.matches).some(
    (match) =>
      match.kind === 'dataset' ||
      (match.kind === 'bytes' && (match.spec.use.does === 'extract' || match.spec.use.does === 'math')),
  );
  return reads ? groups : groups.sort((a, b) => cost(a) - cost(b));
}

function groupsInOrder(rule: Rule, numberOf: PatternNumber): TestGroup[] {
  return groupMatches(rule).flatMap((all): TestGroup[] => {
    const [first] = all;
    if (first === undefined) return [];
    const { buffer, dotprefix, transforms } = first;
    const matches = all.filter((match) => match.kind !== 'absent');
    const absent = all.find((match) => match.kind === 'absent');
    const contents: ContentTest[] = [];
    const sizes: SizeTest[] = [];
    const of = {
      buffer: BUFFERS.indexOf(buffer) as BufferId,
      several: bufferInfo[buffer].several === true,
      dot: dotprefix,
      transforms,
      absent: absent === undefined ? undefined : absent.orElse ? ('or-else' as const) : ('alone' as const),
    };
    if (isSimple(matches)) {
      for (const match of matches) {
        if (match.kind === 'content') contents.push(contentOf(match, numberOf(match)));
        else if (match.kind === 'size') sizes.push({ lo: match.lo, hi: match.hi, negate: match.negate });
      }
      return [{ ...of, contents, sizes, chain: undefined }];
    }
    const leaders = leadersOf(matches);
    const chain = matches.map((match): ChainTest => {
      const free = match.kind === 'content' && isPlain(match) && !leaders.has(match);
      return chainTest(match, leaders.get(match)?.again === true, free ? numberOf(match) : -1);
    });
    return [{ ...of, contents, sizes, chain }];
  });
}
