// SPDX-License-Identifier: Apache-2.0
// States of the structure automaton while it is being made: each knows its steps only when it is asked for them, so
// that what nothing leads to is never made.

import { Region, StructureBit } from '../../../common/abi.gen.js';

export interface State {
  /** enum ids_region of the bytes that lead here, | IDS_REGION_MASKED. */
  readonly region: number;
  /** The region began so many bytes before. */
  readonly back: number;
  /** The last bytes may yet get another region: those of a name. */
  readonly pending: number;
  readonly step: (cls: number) => Step;
}

export interface Step {
  readonly to: State;
  /** IDS_STRUCTURE_BARE, IDS_STRUCTURE_ODD_LINE, IDS_STRUCTURE_ODD_HEADERS. */
  readonly odd: number;
}

export const to = (state: State): Step => ({ to: state, odd: 0 });

/** The step taken, with these bits added. */
export const odd = (step: Step, bits: number): Step => ({ to: step.to, odd: step.odd | bits });
export const oddHeaders = (step: Step): Step => odd(step, StructureBit.STRUCTURE_ODD_HEADERS);
/** A line that ends with a LF alone. */
export const bare = (step: Step): Step => odd(step, StructureBit.STRUCTURE_BARE);
export const oddLine = (step: Step): Step => odd(step, StructureBit.STRUCTURE_ODD_LINE);

export const masked = (region: number): number => region | Region.MASKED;

/** Makes states by name: the same name is the same state. */
export class States {
  readonly #made = new Map<string, State>();

  get(name: string, region: number, step: (cls: number) => Step, back = 0, pending = 0): State {
    let state = this.#made.get(name);
    if (state === undefined) {
      state = { region, back, pending, step };
      this.#made.set(name, state);
    }
    return state;
  }
}

/** A trie over folded names: children by class. */
export interface Node<T> {
  readonly id: number;
  readonly children: Map<number, Node<T>>;
  readonly depth: number;
  value?: T;
}

export function growTrie<T>(names: Iterable<readonly [string, T]>, classOf: (sign: string) => number): Node<T> {
  let id = 0;
  const root: Node<T> = { id, children: new Map(), depth: 0 };
  for (const [name, value] of names) {
    let at = root;
    for (const sign of name) {
      const cls = classOf(sign);
      let next = at.children.get(cls);
      if (next === undefined) {
        next = { id: ++id, children: new Map(), depth: at.depth + 1 };
        at.children.set(cls, next);
      }
      at = next;
    }
    at.value = value;
  }
  return root;
}
