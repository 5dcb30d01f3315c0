// SPDX-License-Identifier: Apache-2.0
// Bytes that stand in whatever an expression matches.

import { flagsOf, type Expression } from './pcre.js';
import { has, type SymbolSet } from './sets.js';
import { parseExpression, type Node } from './syntax.js';

/** Repetitions that are written out. */
const MOST_REPEATED = 16;

/** The byte of a set of one, or of one letter in both cases, in lower case; -1 if there are others. */
function byteOf(set: SymbolSet): number {
  let found = -1;
  for (let byte = 0; byte < 256; byte++) {
    if (!has(set, byte)) continue;
    const folded = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (found >= 0 && found !== folded) return -1;
    found = folded;
  }
  return found;
}

class Runs {
  readonly done: string[] = [];
  #open = '';

  /** What comes next is not known. */
  cut(): void {
    if (this.#open !== '') this.done.push(this.#open);
    this.#open = '';
  }

  read(node: Node): void {
    switch (node.type) {
      case 'set': {
        const byte = byteOf(node.set);
        if (byte < 0) this.cut();
        else this.#open += String.fromCharCode(byte);
        return;
      }
      case 'cat':
        for (const part of node.parts) this.read(part);
        return;
      case 'alt':
        this.cut();
        return;
      case 'repeat':
        if (node.min === 0) return this.cut();
        for (let n = 0; n < Math.min(node.min, MOST_REPEATED); n++) this.read(node.node);
        if (node.max !== node.min || node.min > MOST_REPEATED) this.cut();
        return;
      default:
    }
  }
}

/** Runs of bytes, letters in lower case, all of which stand in a match, each in one piece, letters in either case. */
export function necessaryRuns({ text, modifiers }: Expression): string[] {
  const runs = new Runs();
  runs.read(parseExpression(text, flagsOf(modifiers)));
  runs.cut();
  return runs.done;
}
