// SPDX-License-Identifier: Apache-2.0
// Messages made of latin1 texts, and what rules of a few lines say of them.

import { Field, FlowBit } from '../../../../common/abi.gen.js';
import type { Buffer as BufferName } from '../../../../rules/ast.js';
import {
  BUFFERS,
  type BufferId,
  BufferMessage,
  compileRules,
  createEvaluator,
  type Evaluator,
  type FlowState,
  type JudgedPacket,
  type Kind,
  type Message,
} from '../../../../rules/index.js';
import type { Buffers } from './naive-message.js';

const MAPPED = 0xffff00000000n;
export const options = { addressVars: {}, portVars: {}, redact: 'off' } as const;

export function packet(
  o: Partial<JudgedPacket> = {},
  flow = FlowBit.FLOWBIT_TRACKED | FlowBit.FLOWBIT_ESTABLISHED,
): JudgedPacket {
  const field = (name: Field): number | undefined => (name === Field.FLOW ? flow : undefined);
  return { src: MAPPED | 1n, dst: MAPPED | 2n, sport: 4000, dport: 80, proto: 6, field, ...o };
}

export function load(...lines: string[]): Evaluator {
  const compiled = compileRules([{ file: 'test.rules', text: lines.join('\n') }], options);
  const [problem] = compiled.problems;
  if (problem) throw new Error(`${problem.line}: ${problem.cause}`);
  return createEvaluator(structuredClone(compiled.engine));
}

export const rule = (sid: number, text: string, head = 'tcp any any -> any any', action = 'alert'): string =>
  `${action} ${head} (msg:"m"; ${text} sid:${sid};)`;

export const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

/** A message of these buffers, each as one instance or several. */
export function message(kind: Kind, buffers: Buffers, open: BufferName[] = []): BufferMessage {
  const made = new BufferMessage().begin(kind);
  for (const [name, instances] of Object.entries(buffers)) {
    const id = BUFFERS.indexOf(name as BufferName) as BufferId;
    for (const text of instances) made.put(id, bytes(text), open.includes(name as BufferName));
  }
  return made;
}

/** sid - 1 of the rules that match. */
export function hits(evaluator: Evaluator, judged: Message, flow?: FlowState, from: JudgedPacket = packet()): number[] {
  return evaluator.judge(judged, from, flow, 0).map((match) => match.rule);
}
