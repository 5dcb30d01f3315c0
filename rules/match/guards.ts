// SPDX-License-Identifier: Apache-2.0
// Questions that cost next to nothing and come before a rule is tried: may its method be this one, must one of the names that
// are there be absent, has the target a length that it takes, does the packet meet what it asks of headers. Of rules that
// ask the same of headers one is asked.

import { BufferId } from './message.js';
import type { ContentTest, EngineRule, TestGroup } from './program.js';
import { contentHolds, findContent, sizeHolds } from './content.js';
import { KNOWN_NAMES } from './known-names.js';

/** By rule, in columns. */
export interface Guards {
  /** Bits of the methods that it may have: see methodBit. */
  readonly methods: Uint8Array;
  /** Bits of KNOWN_NAMES: a message that surely has one of them does not match. */
  readonly without: Uint32Array;
  /** Lengths of http.uri, inclusive. */
  readonly least: Uint32Array;
  readonly most: Uint32Array;
  /** Rules with one number ask the same of headers. */
  readonly headers: Uint32Array;
  /** By that number, one of the rules. */
  readonly asking: Uint32Array;
}

const METHODS = ['GET', 'POST', 'HEAD', 'PUT', 'OPTIONS', 'CONNECT', 'DELETE'].map((name) =>
  Uint8Array.from(Buffer.from(name)),
);
const OTHER = 1 << METHODS.length;
const ANY = 0xff;
const NO_BOUND = 0xffffffff;

/** The bit of the method that stands from `from` to `to`: one of its own or that of all others. */
export function methodBit(bytes: Uint8Array, from: number, to: number): number {
  const length = to - from;
  for (let n = 0; n < METHODS.length; n++) {
    const method = METHODS[n] as Uint8Array;
    if (method.length !== length) continue;
    let i = 0;
    while (i < length && bytes[from + i] === method[i]) i++;
    if (i === length) return 1 << n;
  }
  return OTHER;
}

/** True if what the group says holds of the buffer as it is, whenever that is there. */
const isPlainGroup = ({ dot, transforms }: TestGroup): boolean => !dot && transforms === undefined;

function methodsOf({ groups }: EngineRule): number {
  let bits = ANY;
  for (const group of groups) {
    if (group.buffer !== BufferId.METHOD || !isPlainGroup(group)) continue;
    const wanted = (group.chain ?? []).flatMap((test) =>
      test.kind === 'content' && !test.content.negated ? [test.content] : [],
    );
    METHODS.forEach((method, n) => {
      const { contents, sizes } = group;
      const holds =
        group.absent !== 'alone' &&
        // Wherever it has to be: it is there.
        wanted.every((content) => stands(content, method)) &&
        contents.every((content) => contentHolds(content, method, false, false)) &&
        sizes.every((size) => sizeHolds(size, method, false, false));
      if (!holds) bits &= ~(1 << n);
    });
  }
  return bits;
}

/** Contents that must not stand anywhere in the buffer. */
function forbidden(group: TestGroup): ContentTest[] {
  const free = (content: ContentTest): boolean =>
    content.negated && !content.startswith && !content.endswith && content.offset === 0 && content.end === NO_BOUND;
  const chained = (group.chain ?? []).flatMap((test) =>
    test.kind === 'content' && !test.relative && test.variables === undefined ? [test.content] : [],
  );
  return [...group.contents, ...chained].filter(free);
}

/** What surely stands in the buffer if the name is there, written exactly so. */
const shown: ReadonlyMap<BufferId, (name: string) => string> = new Map<BufferId, (name: string) => string>([
  [BufferId.HEADER_NAMES, (name) => `\r\n${name}\r\n`],
  // Cookies are not among these.
  [BufferId.HEADER, (name) => (/cookie/i.test(name) ? '' : `${name}: `)],
]);
const texts = new Map(
  [...shown].map(([buffer, text]) => [buffer, KNOWN_NAMES.map((name) => Uint8Array.from(Buffer.from(text(name))))]),
);

const stands = (content: ContentTest, text: Uint8Array): boolean =>
  findContent(content, text, 0, text.length - content.pattern.length) >= 0;

function withoutOf({ groups }: EngineRule): number {
  let bits = 0;
  for (const group of groups) {
    const names = texts.get(group.buffer);
    if (names === undefined || !isPlainGroup(group)) continue;
    for (const content of forbidden(group)) {
      names.forEach((text, bit) => {
        if (stands(content, text)) bits |= 1 << bit;
      });
    }
  }
  return bits >>> 0;
}

/** Lengths of http.uri that the rule takes. */
function lengthsOf({ groups }: EngineRule): readonly [least: number, most: number] {
  let [least, most] = [0, NO_BOUND];
  for (const group of groups) {
    if (group.buffer !== BufferId.URI || !isPlainGroup(group)) continue;
    const chained = (group.chain ?? []).flatMap((test) => (test.kind === 'size' ? [test.size] : []));
    for (const { lo, hi, negate } of [...group.sizes, ...chained]) {
      if (negate) continue;
      least = Math.max(least, lo);
      most = Math.min(most, hi);
    }
  }
  return [Math.min(Math.max(0, least), NO_BOUND), Math.min(Math.max(0, most), NO_BOUND)];
}

/** Numbers for objects that many rules share. */
class Numbers {
  readonly #known = new Map<object, number>();

  of(one: object): number {
    const known = this.#known.get(one);
    if (known !== undefined) return known;
    this.#known.set(one, this.#known.size);
    return this.#known.size - 1;
  }
}

/** Equal for rules that ask the same of headers; the sets of equal expressions are the same objects. */
function headerKey({ protocols, app, ways, conditions }: EngineRule, numbers: Numbers): string {
  const ends = ways.flatMap(({ source, destination }) =>
    [source, destination].map(({ addresses, ports, anyAddress, anyPort }) => [
      anyAddress ? 'any' : numbers.of(addresses),
      anyPort ? 'any' : numbers.of(ports),
    ]),
  );
  return JSON.stringify([protocols, app, ends, conditions]);
}

/** The guards of rules that are made one after the other. */
export class GuardBuilder {
  readonly #numbers = new Numbers();
  readonly #classes = new Map<string, number>();
  readonly #asking: number[] = [];
  readonly #columns: Omit<Guards, 'asking'>;

  constructor(rules: number) {
    const column = (): Uint32Array => new Uint32Array(rules);
    this.#columns = {
      methods: new Uint8Array(rules),
      without: column(),
      least: column(),
      most: column(),
      headers: column(),
    };
  }

  add(rule: EngineRule, number: number): void {
    const { methods, without, least, most, headers } = this.#columns;
    methods[number] = methodsOf(rule);
    without[number] = withoutOf(rule);
    [least[number], most[number]] = lengthsOf(rule);
    const key = headerKey(rule, this.#numbers);
    const known = this.#classes.get(key);
    if (known === undefined) {
      this.#classes.set(key, this.#asking.length);
      headers[number] = this.#asking.length;
      this.#asking.push(number);
    } else headers[number] = known;
  }

  build(): Guards {
    return { ...this.#columns, asking: Uint32Array.from(this.#asking) };
  }
}
