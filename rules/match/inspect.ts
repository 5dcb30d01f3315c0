// SPDX-License-Identifier: Apache-2.0
// Tests of one buffer that depend on each other, in the order of the rule: each goes on where the one before it ended. If
// a later one fails, the earlier ones are looked for further on, as Suricata does, up to a bounded number of steps.
//
// An open buffer goes on behind what was captured: only what its visible part proves counts, whatever may follow.

import type { Amount, ByteSpec, ContentVariables, NumberRange } from '../ast.js';
import { datasetHolds, type DatasetTest } from '../datasets/tests.js';
import { pcreOf, type Expression } from '../pcre/pcre.js';
import { findContent, sizeHolds } from './content.js';
import { amountOf, inRanges, numberOf, takeNumber, type Values } from './numbers.js';
import type { ContentTest, SizeTest } from './program.js';

/** Plain data. `again`: a later test depends on where this one matches. */
export type ChainTest =
  | {
      readonly kind: 'content';
      readonly content: ContentTest;
      readonly relative: boolean;
      readonly distance: number;
      readonly within: number | undefined;
      readonly depth: number | undefined;
      readonly variables: ContentVariables | undefined;
      readonly again: boolean;
    }
  | { readonly kind: 'size'; readonly size: SizeTest }
  | {
      readonly kind: 'pcre';
      readonly expression: Expression;
      readonly negated: boolean;
      readonly relative: boolean;
      readonly again: boolean;
    }
  | { readonly kind: 'isdataat'; readonly at: Amount; readonly relative: boolean; readonly negated: boolean }
  | { readonly kind: 'bytes'; readonly spec: ByteSpec }
  | { readonly kind: 'number'; readonly ranges: readonly NumberRange[] }
  | { readonly kind: 'dataset'; readonly test: DatasetTest };

type Of<K extends ChainTest['kind']> = Extract<ChainTest, { kind: K }>;

/** Not here, perhaps further on; it holds; it holds nowhere in this buffer. */
type Outcome = 'no' | 'yes' | 'never';

/** Steps of one inspection, as in Suricata; beyond them the rule does not match. */
const MAX_STEPS = 3000;
const FAR = 100_000_000;

/** Inspections that were given up. */
export const inspections = { limited: 0 };

export class Inspection {
  readonly #tests: readonly ChainTest[];
  readonly #bytes: Uint8Array;
  readonly #open: boolean;
  readonly #hits: readonly number[] | undefined;
  readonly #asSent: boolean;
  readonly #values: Values;
  #steps = 0;

  /**
   * @param values variables, which the tests of a rule share
   * @param hits see Message, and so asSent
   */
  constructor(
    tests: readonly ChainTest[],
    bytes: Uint8Array,
    open: boolean,
    values: Values,
    hits?: readonly number[],
    asSent = true,
  ) {
    this.#tests = tests;
    this.#bytes = bytes;
    this.#open = open;
    this.#values = values;
    this.#hits = hits;
    this.#asSent = asSent;
  }

  /** True if all tests surely hold. */
  holds(): boolean {
    return this.#from(0, 0) === 'yes';
  }

  /** The tests from number `index` on, the one before having ended at `here`. */
  #from(index: number, here: number): Outcome {
    const test = this.#tests[index];
    if (test === undefined) return 'yes';
    if (++this.#steps >= MAX_STEPS) {
      if (this.#steps === MAX_STEPS) inspections.limited++;
      return 'never';
    }
    switch (test.kind) {
      case 'content':
        return this.#content(test, index, here);
      case 'size':
        return sizeHolds(test.size, this.#bytes, this.#open, false) ? this.#from(index + 1, here) : 'never';
      case 'pcre':
        return this.#pcre(test, index, here);
      case 'isdataat': {
        const outcome = this.#dataAt(test, here);
        return outcome === 'yes' ? this.#from(index + 1, here) : outcome;
      }
      case 'bytes': {
        const next = takeNumber(test.spec, this.#bytes, here, this.#open, this.#values);
        return next === undefined ? 'no' : this.#from(index + 1, next);
      }
      case 'dataset':
        return datasetHolds(test.test, this.#bytes, this.#open) ? this.#from(index + 1, here) : 'never';
      case 'number':
        return inRanges(test.ranges, numberOf(this.#bytes)) ? this.#from(index + 1, here) : 'never';
    }
  }

  #value(name: string | undefined): number | undefined {
    return name === undefined ? undefined : amountOf(name, this.#values);
  }

  /** Where the content may begin, and where it ends at the latest, whatever the size of the buffer. */
  #window({ content, relative, distance, within, depth, variables }: Of<'content'>, here: number): [number, number] {
    let from = this.#value(variables?.offset) ?? content.offset;
    let until = content.end;
    if (relative) {
      const far = this.#value(variables?.distance) ?? distance;
      const near = this.#value(variables?.within) ?? within;
      from = far < 0 && -far > here ? 0 : here + far;
      if (near !== undefined) until = here + near + far;
      // As in Suricata, a window that ends before the buffer begins is none.
      if (until < 0) until = content.end;
    }
    const deep = this.#value(variables?.depth);
    if (deep !== undefined) until = from + deep;
    else if (variables?.offset !== undefined && depth !== undefined) until = from + depth;
    return [from, until];
  }

  #content(test: Of<'content'>, index: number, here: number): Outcome {
    const { content } = test;
    const bytes = this.#bytes;
    if ((this.#asSent || !content.negated) && this.#hits?.includes(content.literal))
      return content.negated ? 'never' : this.#from(index + 1, here);
    const [first, until] = this.#window(test, here);
    const size = bytes.length;
    if (content.negated) {
      if (this.#open && (content.endswith || until > size)) return 'no';
      const at = this.#find(content, first, Math.min(until, size), until < size);
      if (at < 0) return this.#from(index + 1, here);
      return test.relative ? 'no' : 'never';
    }
    if (content.endswith && this.#open) return 'no';
    for (let from = first; ;) {
      const at = this.#find(content, from, Math.min(until, size), until < size);
      if (at < 0) return test.relative || this.#open ? 'no' : 'never';
      const outcome = this.#from(index + 1, at + content.pattern.length);
      if (outcome !== 'no') return outcome;
      // Further on, there is only less behind it.
      if (!test.again) return 'never';
      from = at + 1;
    }
  }

  /** @param short the window ends before the buffer does */
  #find(content: ContentTest, from: number, until: number, short: boolean): number {
    const { length } = content.pattern;
    if (content.endswith) {
      if (short) return -1;
      const at = this.#bytes.length - length;
      return at < from ? -1 : findContent(content, this.#bytes, at, at);
    }
    const last = content.startswith ? Math.min(0, until - length) : until - length;
    return from > last ? -1 : findContent(content, this.#bytes, from, last);
  }

  #dataAt({ at, relative, negated }: Of<'isdataat'>, here: number): Outcome {
    const place = amountOf(at, this.#values);
    const fixed = typeof at === 'number';
    const far = !fixed && (place < 0 || place >= FAR);
    const there = !far && (relative ? here + place <= this.#bytes.length : place < this.#bytes.length);
    if (there !== negated) return there || !this.#open ? 'yes' : 'no';
    return fixed && !there && !this.#open ? 'never' : 'no';
  }

  #pcre(test: Of<'pcre'>, index: number, here: number): Outcome {
    const bytes = this.#bytes;
    const pcre = pcreOf(test.expression);
    const base = test.relative ? here : 0;
    if (base > bytes.length) return 'no';
    if (test.negated) {
      if (this.#open || pcre.test(bytes, base, base, false)) return 'no';
      return this.#from(index + 1, here);
    }
    if (!test.again) return pcre.test(bytes, base, base, this.#open) ? this.#from(index + 1, here) : 'no';
    for (let from = base; from <= bytes.length;) {
      const found = pcre.find(bytes, base, from, this.#open);
      if (found === undefined) return 'no';
      const outcome = this.#from(index + 1, found.end);
      if (outcome !== 'no') return outcome;
      from = found.start + 1;
    }
    return 'no';
  }
}
