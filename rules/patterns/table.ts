// SPDX-License-Identifier: Apache-2.0
// Lays patterns and rules on messages out as the kernel's struct ids_patterns.

import {
  L7Limit,
  L7RuleFlag,
  L7RuleLayout,
  PatternBit,
  PatternFlag,
  PatternLayout,
  PatternsLayout as Layout,
  TermBit,
} from '../../common/abi.gen.js';
import { CapacityError } from '../compile/vectors.js';
import { buildAutomaton, WIDTH, type Automaton } from './automaton.js';
import { writeGrams, type Grams } from './grams.js';
import { NO_END, type MessageRule, type Pattern } from './pattern.js';

function within(what: string, count: number, limit: number): void {
  if (count > limit) throw new CapacityError(`${what}: ${count} of ${limit}`);
}

/** True if white space ends the pattern: at the end of a value it is none of it. */
function endsBlank({ bytes }: Pattern): boolean {
  const last = bytes.at(-1);
  return last === 0x20 || last === 0x09;
}

/** True for a rule that can be judged only when its buffer has ended. */
function atEnd(rule: MessageRule, patterns: readonly Pattern[]): boolean {
  if (rule.size !== undefined) return true;
  return rule.terms.some(({ pattern: number, negated }) => {
    const pattern = patterns[number];
    return negated || (pattern !== undefined && (pattern.ends || endsBlank(pattern)));
  });
}

/** True for a rule that asks where in its buffer something is, or how long that is. A beginning is always there. */
function isPlaced(rule: MessageRule, patterns: readonly Pattern[]): boolean {
  if (rule.size !== undefined) return true;
  return rule.terms.some(({ pattern }) => {
    const { from = 0, until = NO_END, ends = false, bytes } = patterns[pattern] ?? {};
    return from > 0 || ends || (until !== NO_END && until !== bytes?.length);
  });
}

/** True for a rule that no hit leads to. */
const unled = ({ terms }: MessageRule): boolean => terms.every(({ negated }) => negated);

/** Rules that are asked at the end of their buffer in any case come first, by buffer. */
function order(rules: readonly MessageRule[]): MessageRule[] {
  const ends = rules.filter(unled).sort((a, b) => a.region - b.region);
  return [...ends, ...rules.filter((rule) => !unled(rule))];
}

/** Indices of rules by the patterns that lead to them. */
function pairsOf(rules: readonly MessageRule[], patterns: number): number[][] {
  const pairs: number[][] = Array.from({ length: patterns }, () => []);
  rules.forEach(({ terms }, index) => {
    const leading = new Set(terms.filter(({ negated }) => !negated).map(({ pattern }) => pattern));
    for (const pattern of leading) pairs[pattern]?.push(index);
  });
  return pairs;
}

class Writer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  readonly #automaton: Automaton;
  #text = 0;

  constructor(automaton: Automaton) {
    this.#automaton = automaton;
    this.bytes = new Uint8Array(Layout.next + 2 * WIDTH * automaton.states);
    this.view = new DataView(this.bytes.buffer);
  }

  automaton(): void {
    const { byteClass, states, next, starts, output, outputs } = this.#automaton;
    byteClass.forEach((cls, byte) => (this.bytes[Layout.byteClass + byte] = 2 * cls));
    new Uint16Array(this.bytes.buffer, Layout.root, starts.length).set(starts);
    new Uint32Array(this.bytes.buffer, Layout.output, states).set(output.subarray(0, states));
    const list = new Uint16Array(this.bytes.buffer, Layout.outputs, outputs.length);
    outputs.forEach((at, i) => (list[i] = at < 0 ? ~at | PatternBit.OUTPUT_LAST : at));
    const table = new Uint16Array(this.bytes.buffer, Layout.next, states * WIDTH);
    for (let i = 0; i < table.length; i++) {
      const to = next[i]!;
      table[i] = output[to] ? to | PatternBit.PATTERN_ACCEPT : to;
    }
  }

  /** @param used true if rules have it among their terms; `pairs` are those that a hit leads to. */
  pattern(pattern: Pattern, number: number, used: boolean, first: number, pairs: number): void {
    const at = Layout.pattern + number * PatternLayout.SIZE;
    const { view } = this;
    const { bytes, nocase } = pattern;
    const letters = bytes.some((byte) => (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a);
    const verify = (letters && !nocase) || bytes.some(this.#automaton.shared);
    const flags =
      (verify ? PatternFlag.PATTERN_VERIFY : 0) |
      (nocase ? PatternFlag.PATTERN_NOCASE : 0) |
      (pattern.ends ? PatternFlag.PATTERN_ENDS : 0) |
      (pattern.dot ? PatternFlag.PATTERN_DOT : 0) |
      (pattern.engine ? PatternFlag.PATTERN_ENGINE : 0) |
      (used ? PatternFlag.PATTERN_RULES : 0);
    view.setUint32(at + PatternLayout.from, pattern.from, true);
    view.setUint32(at + PatternLayout.until, pattern.until, true);
    view.setUint16(at + PatternLayout.length, bytes.length, true);
    view.setUint8(at + PatternLayout.flags, flags);
    view.setUint8(at + PatternLayout.region, pattern.region);
    view.setUint32(at + PatternLayout.first, first, true);
    view.setUint32(at + PatternLayout.pairs, pairs, true);
    if (!verify) return;
    within('bytes of all contents', this.#text + bytes.length, L7Limit.PATTERN_TEXT);
    view.setUint32(at + PatternLayout.text, this.#text, true);
    this.bytes.set(bytes, Layout.text + this.#text);
    this.#text += bytes.length;
  }

  rule(rule: MessageRule, number: number, end: boolean, placed: boolean): void {
    const at = Layout.rule + number * L7RuleLayout.SIZE;
    const { view } = this;
    view.setUint16(at + L7RuleLayout.position, rule.position, true);
    view.setUint8(at + L7RuleLayout.region, rule.region);
    view.setUint8(
      at + L7RuleLayout.flags,
      (end ? L7RuleFlag.L7RULE_AT_END : 0) |
        (placed ? L7RuleFlag.L7RULE_PLACED : 0) |
        (rule.toServer ? L7RuleFlag.L7RULE_TO_SERVER : 0) |
        (rule.toClient ? L7RuleFlag.L7RULE_TO_CLIENT : 0),
    );
    rule.terms.forEach(({ pattern, negated }, i) => {
      view.setUint16(at + L7RuleLayout.term + 2 * i, pattern | (negated ? TermBit.TERM_NEGATED : 0), true);
    });
    view.setUint8(at + L7RuleLayout.terms, rule.terms.length);
    view.setUint32(at + L7RuleLayout.sizeMin, rule.size?.lo ?? 0, true);
    view.setUint32(at + L7RuleLayout.sizeMax, Math.min(rule.size?.hi ?? 0xffffffff, 0xffffffff), true);
  }
}

/**
 * The head of struct ids_patterns, as much of it as is in use; its generation is the loader's. Undefined if nothing is
 * looked for. @throws CapacityError
 */
export function patternTable(
  patterns: readonly Pattern[],
  rules: readonly MessageRule[],
  grams?: Grams,
): Uint8Array<ArrayBuffer> | undefined {
  if (patterns.length === 0 && rules.length === 0 && grams === undefined) return undefined;
  const ordered = order(rules);
  const automaton = buildAutomaton(patterns);
  const pairs = pairsOf(ordered, patterns.length);
  within('contents', patterns.length, L7Limit.PATTERNS);
  within('rules on messages', rules.length, L7Limit.L7_RULES_MAX);
  within('states of the automaton of contents', automaton.states, L7Limit.PATTERN_STATES);
  within('contents that end in others', automaton.outputs.length, L7Limit.PATTERN_OUTPUTS);
  within(
    'pairs of content and rule',
    pairs.reduce((sum, list) => sum + list.length, 0),
    L7Limit.PATTERN_PAIRS,
  );
  const writer = new Writer(automaton);
  const { view } = writer;
  writer.automaton();
  const used = new Set(ordered.flatMap(({ terms }) => terms.map((term) => term.pattern)));
  let pair = 0;
  patterns.forEach((pattern, number) => {
    const list = pairs[number] ?? [];
    writer.pattern(pattern, number, used.has(number), pair, list.length);
    for (const rule of list) view.setUint16(Layout.pair + 2 * pair++, rule, true);
  });
  let regions = 0;
  ordered.forEach((rule, number) => {
    writer.rule(rule, number, atEnd(rule, patterns), isPlaced(rule, patterns));
    regions |= 1 << rule.region;
    if (!unled(rule)) return;
    const at = Layout.endRules + 2 * rule.region;
    const count = view.getUint16(at, true);
    if (count === 0) view.setUint16(Layout.endFirst + 2 * rule.region, number, true);
    view.setUint16(at, count + 1, true);
  });
  for (const { region } of patterns) regions |= 1 << region;
  view.setUint32(Layout.regions, regions >>> 0, true);
  if (grams !== undefined) writeGrams(writer.bytes, grams);
  return writer.bytes;
}
