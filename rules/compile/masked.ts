// SPDX-License-Identifier: Apache-2.0
// Contents that look into masked values. The engine never sees those: the kernel looks for such a content before it masks,
// hands over the message in which it stands, and says with it what it has found.

import type { ContentMatch, Rule } from '../ast.js';
import { bufferMatches, isPlain } from '../buffers.js';
import { groupMatches, leadersOf } from '../match/groups.js';
import { kindsOf } from '../match/kinds.js';
import { Kind } from '../match/message.js';
import type { Pattern } from '../patterns/pattern.js';
import { kernelBuffers, patternOf } from './messages.js';
import type { Placed } from './placement.js';

const HEADS = (1 << Kind.HTTP_REQUEST) | (1 << Kind.HTTP_RESPONSE);

/** What the contents of all rules together may take of the kernel's tables. */
const MOST = { contents: 256, bytes: 2048 } as const;

/** The pattern of a content in a head; undefined if the kernel cannot look for it. */
export function headPattern(content: ContentMatch): Pattern | undefined {
  const region = kernelBuffers[content.buffer];
  return region === undefined || content.transforms || !isPlain(content) ? undefined : patternOf(content, region);
}

function maskedOf(rule: Rule): ContentMatch[] {
  return bufferMatches(rule.matches).filter(
    (match): match is ContentMatch => match.kind === 'content' && match.masked !== undefined,
  );
}

/** What the kernel looks for so that these rules can be judged. */
export function maskedPatterns(rules: readonly Rule[]): Pattern[] {
  return rules.flatMap((rule) =>
    maskedOf(rule).flatMap((content) => {
      const pattern = headPattern(content);
      return pattern === undefined ? [] : [{ ...pattern, engine: true }];
    }),
  );
}

/** Refuses the engine's rules that need a masked value which the kernel cannot look into for them. */
export function refuseMasked(placed: readonly Placed[]): Placed[] {
  let [contents, bytes] = [0, 0];
  return placed.map((one): Placed => {
    if (one.placement !== 'engine') return one;
    const { rule } = one;
    const masked = maskedOf(rule);
    // A body comes without what the kernel said of its head.
    const heads = (kindsOf(rule) & ~HEADS) === 0;
    // Where it stands in the value is not known, so nothing may depend on that.
    const leaders = masked.length === 0 ? [] : groupMatches(rule).map(leadersOf);
    const led = (content: ContentMatch): boolean => leaders.some((group) => group.has(content));
    const lost = masked.find((content) => !heads || headPattern(content) === undefined || led(content));
    const wanted = masked.reduce((sum, { pattern }) => sum + pattern.length, 0);
    if (lost === undefined && contents + masked.length <= MOST.contents && bytes + wanted <= MOST.bytes) {
      contents += masked.length;
      bytes += wanted;
      return one;
    }
    const why = lost === undefined ? ', for which the kernel has no room' : '';
    const name = (lost ?? masked[0])?.masked ?? '';
    return { rule, placement: 'unsupported', reason: `needs a redacted value (${name})${why}`, keyword: 'content' };
  });
}
