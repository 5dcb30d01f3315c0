// SPDX-License-Identifier: Apache-2.0
// The automaton that masks header values: its fixed states, and the trie of the configured names grown onto them.
//
// Where parsers differ, it takes the reading under which more is masked: a bare CR ends a line that is not masked but
// never one that is; white space or control bytes before and behind a name do not hide it; a line that is folded onto
// a masked value is masked; a line that begins with white space after any other may hold a name.

import { foldNameByte, foldNames, isTokenByte } from './header-names.js';

/** What the bytes are told apart by. 0 is not used: a byte class of 0 is a table that is not (fully) written. */
export const ByteClass = { CR: 1, LF: 2, SPACE: 3, COLON: 4, TOKEN: 5, OTHER: 6, FIRST_NAME: 7 } as const;

/** Fixed states; 0 is where an unwritten table leads and never leaves. START must be IDS_REDACT_START of the kernel. */
export const State = {
  DEAD: 0,
  PLAIN: 1, // in the request line, or anywhere in a header that is not masked; the start
  LINE: 2, // at the beginning of a line, the one before it not masked
  LINE_CR: 3, // a CR in a plain line: its end, or not
  EMPTY_CR: 4, // a CR at the beginning of a line
  NAME: 5, // where a name may begin: the root of the trie
  NAMED: 6, // behind the name of a masked header, before its colon
  VALUE: 7, // before the first byte of a masked value that is not white space
  MASK: 8, // in a masked value
  MASK_CR: 9, // a CR in a masked value: its end, or not
  MASK_LINE: 10, // at the beginning of a line, the one before it masked
  MASK_EMPTY_CR: 11, // a CR at the beginning of such a line
  END: 12, // behind the header section; for good
  FIRST_NAME: 13,
} as const;

/** One transition; `masked` and `end` say what is known of the byte that took it. */
export interface Step {
  readonly state: number;
  readonly masked: boolean;
}

export interface Automaton {
  /** Class of each of the 256 bytes, none of them 0. */
  readonly byteClass: Uint8Array;
  readonly classes: number;
  /** steps[state][class], from state 1 and class 1 on. */
  readonly steps: readonly (readonly Step[])[];
}

interface Node {
  readonly children: Map<number, number>;
  terminal: boolean;
}

const plain = (state: number): Step => ({ state, masked: false });
const masked: Step = { state: State.MASK, masked: true };

/** Where a line goes on that is not masked. */
function fromPlain(cls: number): Step {
  if (cls === ByteClass.LF) return plain(State.LINE);
  return plain(cls === ByteClass.CR ? State.LINE_CR : State.PLAIN);
}

/** Where a masked value goes on; line ends stay as they are. */
function fromMask(cls: number): Step {
  if (cls === ByteClass.LF) return plain(State.MASK_LINE);
  return cls === ByteClass.CR ? plain(State.MASK_CR) : masked;
}

/** At a node of the trie: `cls` is no child of it. */
function fromName(node: Node, root: boolean, cls: number): Step {
  const token = cls === ByteClass.TOKEN || cls >= ByteClass.FIRST_NAME;
  if (node.terminal && !token) {
    if (cls === ByteClass.COLON) return plain(State.VALUE);
    return cls === ByteClass.CR || cls === ByteClass.LF ? fromMask(cls) : plain(State.NAMED);
  }
  // White space and control bytes before a name are passed over.
  if (root && !token && cls !== ByteClass.COLON && cls !== ByteClass.CR && cls !== ByteClass.LF) {
    return plain(State.NAME);
  }
  return fromPlain(cls);
}

/** The step from a fixed state; `name` is the step from the root of the trie. */
function fromFixed(state: number, cls: number, name: Step): Step {
  const { CR, LF, SPACE, COLON, OTHER } = ByteClass;
  switch (state) {
    case State.PLAIN:
      return fromPlain(cls);
    case State.LINE:
      if (cls === LF) return plain(State.END);
      return cls === CR ? plain(State.EMPTY_CR) : name;
    case State.LINE_CR:
      return cls === CR || cls === LF ? fromPlain(cls) : name;
    case State.EMPTY_CR:
      if (cls === LF) return plain(State.END);
      return cls === CR ? plain(State.EMPTY_CR) : name;
    case State.NAMED:
      if (cls === SPACE || cls === OTHER) return plain(State.NAMED);
      return cls === COLON ? plain(State.VALUE) : fromMask(cls);
    case State.VALUE:
      return cls === SPACE ? plain(State.VALUE) : fromMask(cls);
    case State.MASK:
      return fromMask(cls);
    case State.MASK_CR:
      return fromMask(cls);
    case State.MASK_LINE:
      if (cls === LF) return plain(State.END);
      if (cls === CR) return plain(State.MASK_EMPTY_CR);
      if (cls === SPACE) return plain(State.VALUE);
      return cls === COLON || cls === OTHER ? masked : name;
    case State.MASK_EMPTY_CR:
      if (cls === LF) return plain(State.END);
      return cls === CR ? plain(State.MASK_EMPTY_CR) : masked;
    default:
      return plain(state === State.END ? State.END : State.DEAD);
  }
}

/** The trie over folded names; node 0 is its root. */
function growTrie(names: readonly Uint8Array[]): Node[] {
  const nodes: Node[] = [{ children: new Map(), terminal: false }];
  for (const name of names) {
    let at = 0;
    for (const byte of name) {
      const children = nodes[at]?.children ?? new Map<number, number>();
      let next = children.get(byte);
      if (next === undefined) {
        next = nodes.push({ children: new Map(), terminal: false }) - 1;
        children.set(byte, next);
      }
      at = next;
    }
    const last = nodes[at];
    if (last !== undefined) last.terminal = true;
  }
  return nodes;
}

/** Classes of all bytes: one each for the bytes that names are made of, and the few that lines are made of. */
function classify(names: readonly Uint8Array[]): { byteClass: Uint8Array; ofByte: Map<number, number> } {
  const ofByte = new Map<number, number>();
  for (const byte of names.flatMap((name) => [...name])) {
    if (!ofByte.has(byte)) ofByte.set(byte, ByteClass.FIRST_NAME + ofByte.size);
  }
  const byteClass = Uint8Array.from({ length: 256 }, (_, byte) => {
    const special = new Map<number, number>([
      [0x0d, ByteClass.CR],
      [0x0a, ByteClass.LF],
      [0x20, ByteClass.SPACE],
      [0x09, ByteClass.SPACE],
      [0x3a, ByteClass.COLON],
    ]).get(byte);
    if (special !== undefined) return special;
    if (!isTokenByte(byte)) return ByteClass.OTHER;
    return ofByte.get(foldNameByte(byte)) ?? ByteClass.TOKEN;
  });
  return { byteClass, ofByte };
}

/** The automaton that masks the values of the headers of these names. Throws CONFIG_INVALID on a bad name. */
export function buildAutomaton(names: readonly string[]): Automaton {
  const folded = foldNames(names);
  const { byteClass, ofByte } = classify(folded);
  const nodes = growTrie(folded);
  const classes = ByteClass.FIRST_NAME + ofByte.size;
  const stateOf = (node: number): number => (node === 0 ? State.NAME : State.FIRST_NAME + node - 1);

  const fromNode = (node: Node, root: boolean): Step[] => {
    const row = Array.from({ length: classes }, (_, cls) => fromName(node, root, cls));
    for (const [byte, child] of node.children) row[ofByte.get(byte) ?? 0] = plain(stateOf(child));
    return row;
  };
  const trie = nodes.map((node, at) => fromNode(node, at === 0));
  const name = trie[0] ?? [];
  const steps: Step[][] = [];
  for (let state = 0; state < State.FIRST_NAME; state++) {
    steps[state] = name.map((step, cls) => (state === State.NAME ? step : fromFixed(state, cls, step)));
  }
  return { byteClass, classes, steps: [...steps, ...trie.slice(1)] };
}
