// SPDX-License-Identifier: Apache-2.0
// The expressions of pcre: against the runtime's own on random ones, and what is theirs alone.

import { setFlagsFromString } from 'node:v8';
import t from 'tap';
import { Pcre } from '../../../rules/pcre/pcre.js';
import { PcreProblem } from '../../../rules/pcre/syntax.js';
import { bytes } from './support/messages.js';
import { Random } from './support/random.js';

// What V8 compiles of expressions with optional groups and look-around finds some matches at a wrong place (seen in Node
// 20.20); its interpreter does not.
setFlagsFromString('--regexp-interpret-all');

class Expressions {
  readonly #r: Random;

  constructor(r: Random) {
    this.#r = r;
  }

  #atom(depth: number): string {
    const r = this.#r;
    switch (r.int(depth > 0 ? 11 : 8)) {
      case 0:
      case 1:
      case 2:
        return r.pick([...'abAB1 ']);
      case 3:
        return '.';
      case 4:
        return r.pick(['[ab]', '[^a]', '[a-z1]', '\\w', '\\d', '\\s', '\\W', '[^\\s\\d]', '\\x61']);
      case 5:
        return r.pick(['^', '$', '\\b', '\\B', '(?=a)', '(?!b)', '(?<=a)', '(?<!b)', '(?=[ab\\n])']);
      case 6:
        return '\\n';
      case 7:
        return r.pick([...'ab']);
      default:
        // A group never matches nothing: there the runtime, unlike Perl, tries again what it has tried.
        return `(${r.pick(['(', '(?:'])}${this.any(depth - 1)})${r.pick([...'ab1'])})`;
    }
  }

  #sequence(depth: number): string {
    const r = this.#r;
    let text = '';
    for (let n = 1 + r.int(3); n > 0; n--) {
      const atom = this.#atom(depth);
      const repeats = ['', '', '', '*', '+', '?', '{2}', '{1,3}', '{0,2}', '*?', '+?', '??', '{1,}', '{2,4}?'];
      text += atom + (/^(?:[\^$]|\\[bB]|\(\?<?[=!])/.test(atom) ? '' : r.pick(repeats));
    }
    return text;
  }

  any(depth: number): string {
    let text = this.#sequence(depth);
    for (let n = this.#r.int(3); n > 0; n--) text += `|${this.#sequence(depth)}`;
    return text;
  }
}

t.test('random expressions: found where the runtime finds them', async (t) => {
  const seed = Date.now() & 0xffffff;
  const r = new Random(seed);
  const expressions = new Expressions(r);
  let matches = 0;
  for (let round = 0; round < 3000; round++) {
    const text = expressions.any(2);
    const flags = r.pick(['', 'i', 's', 'm', 'im', 'ms', 'is']);
    const theirs = new RegExp(text, `g${flags}`);
    // E: as the runtime has it, the end alone is the end.
    const own = new Pcre({ text, modifiers: `${flags}E` });
    for (let i = 0; i < 10; i++) {
      let value = Array.from({ length: r.int(10) }, () => r.pick([...'abAB1 \n'])).join('');
      // There a line begins at the very end, too.
      if (flags.includes('m') && value.endsWith('\n')) value += 'a';
      const from = r.chance(30) ? r.int(value.length + 1) : 0;
      theirs.lastIndex = from;
      const expected = theirs.exec(value);
      const found = own.find(bytes(value), 0, from, false);
      const any = own.test(bytes(value), 0, from, false);
      if (expected) matches++;
      const same = expected
        ? any && found?.start === expected.index && found.end === expected.index + expected[0].length
        : !any && !found;
      if (!same) {
        t.same([any, found], [expected?.index, expected?.[0].length], `seed ${seed}`, { text, flags, value, from });
        return;
      }
    }
  }
  t.ok(matches > 5000, `${matches} matches`);
});

const holds = (expression: string, text: string): boolean => {
  const [, source = '', modifiers = ''] = /^\/(.*)\/(\w*)$/s.exec(expression) ?? [];
  return new Pcre({ text: source, modifiers }).test(bytes(text), 0, 0, false);
};

t.test('what PCRE has of its own', async (t) => {
  for (const [expression, yes, no] of [
    ['/a$/', 'a\n', 'a\n\n'],
    ['/a$/E', 'a', 'a\n'],
    ['/a\\z/', 'a', 'a\n'],
    ['/a\\Z/', 'a\n', 'a\nb'],
    ['/^b/m', 'a\nb', 'a b'],
    ['/\\n^/m', '\n\n', 'a\n'],
    ['/b/A', 'ba', 'ab'],
    ['/a.*b$/G', 'ab', 'ba'],
    ['/a b # text\n c/x', 'abc', 'a b c'],
    ['/[[:digit:]]{2}[^[:space:]]/', '12a', '12 '],
    ['/[]a]b/', ']b', 'b'],
    ['/[a\\]b-]x/', '-x', 'cx'],
    ['/[\\w.-]+@/', 'a-b.c@', '@'],
    ['/\\Qa.b\\E/', 'a.b', 'axb'],
    ['/a(?i)b|C/', 'c', 'Ab'],
    ['/a(?i:b)c/', 'aBc', 'aBC'],
    ['/(?P<name>a)b/', 'ab', 'a'],
    ['/a(?#text)b/', 'ab', 'a'],
    ['/\\x{41}\\101\\cA\\e\\0/', 'AA\x01\x1b\0', 'AA'],
    ['/a\\Rb/', 'a\r\nb', 'a\n\rb'],
    ['/a{,2}/', 'a{,2}', 'aa'],
    ['/\\h\\H/', '\ta', 'a\t'],
    ['/[\\xe4-\\xe6]/i', '\xe5', '\xc5'],
    ['/^.{3}$/', '\xff\x80\0', '\n..'],
    ['/a(?!\\.)/', 'a', 'a.'],
    ['/a(?!b|c)/', 'ad', 'ac'],
    ['/[^\\r\\n]{2,}?x/', 'abx', 'a\nx'],
    ['/(?:a|b)??c/', 'c', 'a'],
    ['/(a*)*b/', 'aab', 'aa'],
  ] as const) {
    t.ok(holds(expression, yes), `${expression} meets ${JSON.stringify(yes)}`);
    t.notOk(holds(expression, no), `${expression} does not meet ${JSON.stringify(no)}`);
  }
});

t.test('what is refused, and why', async (t) => {
  for (const [text, unsupported, cause] of [
    ['(a)\\1', true, /back-references/],
    ['(?P<n>a)(?P=n)', true, /back-references/],
    ['(?<n>a)\\k<n>', true, /back-references/],
    ['a(?=bc)', true, /look-ahead by more than a byte/],
    ['(?<=ab)c', true, /look-behind by more than a byte/],
    ['a++', true, /possessive/],
    ['(?>a)', true, /atomic/],
    ['(?R)', true, /recursion/],
    ['(*ANY)a', true, /verbs/],
    ['\\Xa', true, /\\X is not matched/],
    ['(?:a{1000}){1000}', true, /too large/],
    ['(a', false, /not closed/],
    ['a)', false, /was not opened/],
    ['[a', false, /a class is not closed/],
    ['*a', false, /nothing to repeat/],
    ['a{3,2}', false, /out of order/],
    ['[b-a]', false, /out of order/],
    ['a\\', false, /backslash/],
    ['\\x{100}', false, /larger than a byte/],
  ] as const) {
    try {
      new Pcre({ text, modifiers: '' });
      t.fail(text);
    } catch (error) {
      t.ok(error instanceof PcreProblem && error.unsupported === unsupported && cause.test(error.message), text);
    }
  }
});

t.test('what a search costs is bounded', async (t) => {
  // Each of these takes a backtracking matcher longer than anybody waits.
  const many = bytes('a'.repeat(20_000));
  for (const text of ['(a+)+b', '(a|a)*b', '(a*)*b', '(?:a?){30}a{30}b', '(.*)(.*)(.*)(.*)b']) {
    t.notOk(new Pcre({ text, modifiers: 's' }).find(many, 0, 0, false), text);
  }
  // Automata that would have 2^200 states begin anew and go on.
  const wide = new Pcre({ text: 'x[ab]{200}y', modifiers: '' });
  const r = new Random(1);
  const noise = bytes(Array.from({ length: 20_000 }, () => r.pick([...'xab'])).join(''));
  t.notOk(wide.test(noise, 0, 0, false));
  t.ok(wide.test(bytes(`${'xa'.repeat(500)}x${'ab'.repeat(100)}y`), 0, 0, false));
});

t.test('a buffer that goes on: what may follow changes nothing', async (t) => {
  const open = (text: string, value: string): readonly unknown[] => {
    const pcre = new Pcre({ text, modifiers: '' });
    const found = pcre.find(bytes(value), 0, 0, true);
    return [pcre.test(bytes(value), 0, 0, true), found?.end];
  };
  t.same(open('ab', 'xab'), [true, 3]);
  t.same(open('a$', 'a'), [false, undefined]);
  t.same(open('a$', 'a\n'), [false, undefined]);
  t.same(open('a(?!b)', 'a'), [false, undefined]);
  t.same(open('a+', 'aa'), [true, undefined], 'it may end further on');
  t.same(open('a+', 'aab'), [true, 2]);
  t.same(open('a+?', 'aa'), [true, 1]);
  t.same(open('ab|a', 'a'), [true, undefined]);
});
