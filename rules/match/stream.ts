// SPDX-License-Identifier: Apache-2.0
// Raw contents on one direction of a TCP connection, judged again with every record that it grows by. A rule matches once
// for what it was found in: the next time it has to be found in what came after. The work for a record goes by the bytes
// of the record, not by what the stream has grown to, so that an attacker who sends single bytes gains nothing.

import { occurs } from './content.js';
import type { ChainTest } from './inspect.js';
import { findLiterals, type Finds } from './literals.js';
import { BufferId, type Message, type StreamState } from './message.js';
import type { BufferFilter, KindFilter } from './prefilter.js';
import type { ContentTest, EngineRule, EngineTables, TestGroup } from './program.js';
import { groupHolds, variables } from './tests.js';

/** A state for `program`, or the one that there is. */
export function streamState(known: StreamState | undefined, program: EngineTables): StreamState {
  if (known?.program === program) return known;
  const packet = { time: 0, seq: 0, matched: new Set<number>() };
  return { program, candidates: [], matched: known?.matched ?? new Map<number, number>(), scanned: 0, packet };
}

/** True if the rule has matched this packet by itself before: its payload may come in several records. */
export function matchedPacket(
  { packet }: StreamState,
  rule: EngineRule,
  seq: number | undefined,
  time: number,
): boolean {
  if (seq === undefined) return false;
  if (packet.time !== time || packet.seq !== seq) {
    packet.time = time;
    packet.seq = seq;
    packet.matched.clear();
  }
  if (packet.matched.has(rule.key)) return true;
  packet.matched.add(rule.key);
  return false;
}

/** Puts a rule among the candidates, which are in the order in which rules act. */
function addCandidate(candidates: number[], rule: number): void {
  let at = candidates.length;
  while (at > 0 && (candidates[at - 1] ?? 0) > rule) at--;
  if (at === 0 || candidates[at - 1] !== rule) candidates.splice(at, 0, rule);
}

function search(filter: BufferFilter, bytes: Uint8Array, state: StreamState, finds: Finds): void {
  const from = Math.max(0, state.scanned - filter.index.longest + 1);
  finds.begin();
  findLiterals(filter.index, bytes, from, finds);
  for (let i = 0; i < finds.count; i++) {
    const literal = finds.literals[i] ?? 0;
    const end = filter.from[literal + 1] ?? 0;
    for (let at = filter.from[literal] ?? 0; at < end; at++) addCandidate(state.candidates, filter.rules[at] ?? 0);
  }
}

/** Takes what is new in the stream; state.candidates are then the rules that may match. */
export function takeStream(filter: KindFilter, message: Message, state: StreamState, finds: Finds): void {
  const bytes = message.buffer(BufferId.PAYLOAD, 0);
  if (bytes === undefined) return;
  if (state.scanned === 0) for (const rule of filter.always) addCandidate(state.candidates, rule);
  for (const one of filter.filters) search(one, bytes, state, finds);
  state.scanned = bytes.length;
}

function contentsOf({ contents, chain }: TestGroup): readonly ContentTest[] {
  return chain === undefined ? contents : chain.flatMap((test) => (test.kind === 'content' ? [test.content] : []));
}

/** True if the test counts from the beginning of the stream. */
function isAnchored(test: ChainTest): boolean {
  switch (test.kind) {
    case 'content':
      return !test.relative && test.variables !== undefined;
    case 'pcre':
      return !test.relative && /^\(?[\^]|\\A/.test(test.expression.text);
    case 'isdataat':
      return !test.relative;
    case 'bytes':
      return !test.spec.relative;
    case 'size':
    case 'number':
    case 'dataset':
      return true;
  }
}

/** True if something that the rule looks for ends behind `fresh`; a rule that only excludes asks every time. */
function touches(rule: EngineRule, bytes: Uint8Array, fresh: number): boolean {
  let positive = false;
  for (const group of rule.groups) {
    // What is no content may hold anywhere.
    if (group.chain?.some(({ kind }) => kind !== 'content')) return true;
    for (const content of contentsOf(group)) {
      if (content.negated) continue;
      positive = true;
      if (occurs(content, bytes, false, fresh)) return true;
    }
  }
  return !positive;
}

function allHold(rule: EngineRule, bytes: Uint8Array): boolean {
  variables.clear();
  for (const group of rule.groups) if (!groupHolds(group, bytes, false, variables)) return false;
  return true;
}

/** How a rule matches a stream: not at all, in one segment alone, or in the stream. */
export type StreamMatch = 'no' | 'packet' | 'stream';

/** Judges a candidate on a stream of which the bytes from `fresh` on are new. The payload is never open: as in Suricata,
 * what is there is judged. */
export function judgeStream(rule: EngineRule, bytes: Uint8Array, fresh: number, state: StreamState): StreamMatch {
  if (rule.stream) {
    const matched = state.matched.get(rule.key) ?? 0;
    if (matched === 0 ? touches(rule, bytes, fresh) && allHold(rule, bytes) : holdsAgain(rule, bytes, matched, fresh)) {
      state.matched.set(rule.key, bytes.length);
      return 'stream';
    }
  }
  return rule.packet && allHold(rule, fresh === 0 ? bytes : bytes.subarray(fresh)) ? 'packet' : 'no';
}

/** Judges a candidate on the payload of a segment that was sent again: what looks at streams has had it. */
export function judgeRepeated(rule: EngineRule, bytes: Uint8Array): StreamMatch {
  return rule.packet && allHold(rule, bytes) ? 'packet' : 'no';
}

/** A rule that matched is looked for in what came after; one that asks for a place in the stream cannot match twice. */
function holdsAgain(rule: EngineRule, bytes: Uint8Array, matched: number, fresh: number): boolean {
  for (const group of rule.groups) {
    for (const { startswith, offset, end } of contentsOf(group)) {
      if (startswith || offset > 0 || end !== 0xffffffff) return false;
    }
    if (group.chain?.some(isAnchored)) return false;
  }
  const later = bytes.subarray(matched);
  return touches(rule, later, Math.max(0, fresh - matched)) && allHold(rule, later);
}
