// SPDX-License-Identifier: Apache-2.0
// Rules that the kernel judges on messages: a drop or reject whose contents look into one buffer that it has as sent.

import { Action, Field, L7Limit, Limit, Region } from '../../common/abi.gen.js';
import type { Buffer as BufferName, ContentMatch, Rule, SizeMatch } from '../ast.js';
import { bufferInfo, bufferMatches, directionsOf, isPlain, TO_CLIENT, TO_SERVER } from '../buffers.js';
import { lower, NO_END, type Pattern } from '../patterns/pattern.js';
import { isState } from '../match/kinds.js';
import { overlap } from './overlap.js';
import { entryConditions } from './placement.js';

/** Buffers that the kernel has. */
export const kernelBuffers: Readonly<Partial<Record<BufferName, Region>>> = {
  'http.method': Region.METHOD,
  'http.uri': Region.URI,
  'http.host': Region.HOST,
  'http.user_agent': Region.USER_AGENT,
  'http.header': Region.HEADERS,
  'tls.sni': Region.SNI,
  'dns.query': Region.QUERY,
};

/** What of a rule is judged on the messages themselves. */
export interface MessagePlan {
  readonly buffer: BufferName;
  readonly region: Region;
  readonly contents: readonly { readonly pattern: Pattern; readonly negated: boolean }[];
  readonly size?: { readonly lo: number; readonly hi: number };
  readonly toServer: boolean;
  readonly toClient: boolean;
}

/** Header fields of the flow; what others ask of the single packet, the engine answers. */
const OF_FLOW: ReadonlySet<Field> = new Set<Field>([Field.FLOW, Field.IP_VERSION, Field.IP_PROTO]);

const isLetter = (byte: number): boolean => lower(byte) !== byte;
const MAX_CONTENT = 1024;
const LF = 0x0a;
const CR = 0x0d;

/** True if the pattern may reach over the comma and the blank that values of several lines are joined with. */
const joins = (pattern: Uint8Array): boolean => /,(?: |$)/.test(Buffer.from(pattern).toString('latin1'));

/** http.host is in lower case, so capitals match nothing in it, and small letters match both. */
export function patternOf(match: ContentMatch, region: Region): Pattern | undefined {
  const { pattern, startswith, offset = 0, depth } = match;
  const nocase = match.nocase || region === Region.HOST;
  const { length } = pattern;
  if (length === 0 || length > MAX_CONTENT) return undefined;
  if (region === Region.HOST && !match.nocase && pattern.some(isLetter)) return undefined;
  // Lines are put together by the engine, where there are more of a name or one is left out.
  if (region === Region.HEADERS && (pattern.includes(LF) || pattern.includes(CR))) return undefined;
  // A masked value that may be made of those of two lines, which nobody sees together.
  if (region === Region.HEADERS && match.masked !== undefined && joins(pattern)) return undefined;
  return {
    region,
    bytes: Uint8Array.from(nocase ? pattern.map(lower) : pattern),
    nocase,
    from: startswith ? 0 : offset,
    until: startswith ? length : depth === undefined ? NO_END : offset + depth,
    ends: match.endswith,
    dot: match.dotprefix,
    engine: false,
  };
}

/** The bounds that all sizes leave; undefined if the kernel cannot ask that. A dot before the buffer counts. */
function sizeOf(sizes: readonly SizeMatch[], dot: boolean): { lo: number; hi: number } | undefined {
  if (sizes.some(({ negate }) => negate)) return undefined;
  const shift = dot ? 1 : 0;
  const lo = Math.max(0, ...sizes.map((size) => size.lo)) - shift;
  const hi = Math.min(NO_END, ...sizes.map((size) => size.hi)) - shift;
  return hi < 0 || lo > hi ? undefined : { lo: Math.max(0, lo), hi };
}

/** How the kernel judges the rule, if it does; a rule that it cannot judge whole is the engine's. */
export function planMessage(rule: Rule): MessagePlan | undefined {
  if (rule.action !== Action.DROP && rule.action !== Action.REJECT) return undefined;
  const looks = bufferMatches(rule.matches);
  const [first] = looks;
  const region = first && kernelBuffers[first.buffer];
  if (first === undefined || region === undefined || rule.matches.some(isState)) return undefined;
  // The kernel has one entry for such a rule and cannot count some sources apart from others.
  if (rule.suppress !== undefined && rule.threshold !== undefined) return undefined;
  // Several of a buffer in a message: what one keyword chose, one of them has to meet.
  const several = bufferInfo[first.buffer].several === true;
  const { dotprefix } = first;
  if (looks.some(({ transforms }) => transforms !== undefined)) return undefined;
  if (looks.some((look) => look.buffer !== first.buffer || look.dotprefix !== dotprefix)) return undefined;
  if (several && looks.some(({ group }) => group !== first.group)) return undefined;
  const conditions = entryConditions(rule);
  if (conditions.length > Limit.RULE_CONDS || conditions.some(({ field }) => !OF_FLOW.has(field))) return undefined;
  const matches = looks.filter((look) => look.kind === 'content');
  const sizes = looks.filter((look) => look.kind === 'size');
  if (matches.length + sizes.length < looks.length || !matches.every(isPlain)) return undefined;
  const contents = matches.flatMap((match) => {
    const pattern = patternOf(match, region);
    return pattern === undefined ? [] : [{ pattern, negated: match.negated }];
  });
  if (contents.length < matches.length || contents.length > L7Limit.L7_TERMS) return undefined;
  const size = sizes.length > 0 ? sizeOf(sizes, dotprefix) : undefined;
  if (sizes.length > 0 && size === undefined) return undefined;
  const directions = directionsOf(rule);
  return {
    buffer: first.buffer,
    region,
    contents,
    ...(size === undefined ? {} : { size }),
    toServer: (directions & TO_SERVER) !== 0,
    toClient: (directions & TO_CLIENT) !== 0,
  };
}

/** The engine-placed pass that has to come before the rule, if there is one. */
export function passBefore(rule: Rule, passes: readonly Rule[]): Rule | undefined {
  return passes.find((pass) => {
    const other = pass.app !== undefined && rule.app !== undefined && pass.app !== rule.app;
    return !other && overlap(rule, pass);
  });
}
