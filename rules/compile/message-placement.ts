// SPDX-License-Identifier: Apache-2.0
// Which rules on messages and application protocols move from the engine into the kernel.
//
// One that looks into nothing does, and one that drops, if the kernel can judge it whole and no pass of the engine's has to come before it. The engine
// still judges it where normalisation has changed the buffer, and is told by the kernel what is decided already.

import { Action, L7Limit, Limit } from '../../common/abi.gen.js';
import { isAppRule } from './app-rules.js';
import { passBefore, planMessage, type MessagePlan } from './messages.js';
import type { Placed } from './placement.js';

/** What is left for literals and inspections of the engine's rules. */
const LEFT = { states: 4096, patterns: 1024, entries: 256 } as const;

/** Counts what the tables of contents would hold. */
class Room {
  #states: number = L7Limit.PATTERN_STATES - LEFT.states;
  #patterns: number = L7Limit.PATTERNS - LEFT.patterns;
  #text: number = L7Limit.PATTERN_TEXT;
  #pairs: number = L7Limit.PATTERN_PAIRS;
  #rules: number;

  /** @param others entries of rules on headers alone */
  constructor(others: number) {
    this.#rules = Math.min(L7Limit.L7_RULES_MAX, Limit.MAX_RULES - LEFT.entries - others);
  }

  /** False if the rule does not fit any more; `entries`: how often it is in the table. */
  take({ contents }: MessagePlan, entries: number): boolean {
    const bytes = contents.reduce((sum, { pattern }) => sum + pattern.bytes.length, 0);
    const pairs = entries * contents.length;
    if (bytes > Math.min(this.#states, this.#text) || contents.length > this.#patterns) return false;
    if (pairs > this.#pairs || entries > this.#rules) return false;
    this.#states -= bytes;
    this.#text -= bytes;
    this.#patterns -= contents.length;
    this.#pairs -= pairs;
    this.#rules -= entries;
    return true;
  }
}

/** Moves rules; in the order of the files, as long as there is room. */
export function takeMessages(placed: readonly Placed[]): Placed[] {
  const passes = placed.flatMap(({ rule, placement }) =>
    placement === 'engine' && rule.action === Action.PASS ? [rule] : [],
  );
  const others = placed.filter(({ placement }) => placement === 'inline').length;
  const room = new Room(others);
  return placed.map((one): Placed => {
    const { rule } = one;
    const app = one.placement === 'engine' && isAppRule(rule) ? rule.app : undefined;
    const message = one.placement === 'engine' ? planMessage(rule) : undefined;
    if (message === undefined && app === undefined) return one;
    const stays = (why: string): Placed => ({ ...one, reason: `${one.reason ?? 'judged by the engine'}: ${why}` });
    const pass = passBefore(rule, passes);
    if (pass !== undefined) return stays(`pass rule ${pass.meta.sid}, which the engine judges, comes before it`);
    if (message === undefined) {
      return { rule, placement: 'inline', reason: `judged in the kernel on every packet of a flow of ${app}` };
    }
    if (!room.take(message, rule.ways.length)) return stays("the kernel's table of contents is full");
    return { rule, placement: 'inline', message, reason: `judged in the kernel on ${message.buffer}` };
  });
}
