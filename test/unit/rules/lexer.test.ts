// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { excerpt, lexRule } from '../../../rules/lexer.js';

t.test('words and options with their offsets', async (t) => {
  const text = 'alert tcp [1.1.1.1, 2.2.2.2] any -> any [80, 443] ( msg : "a\\; b" ; sid:1;nocase; )';
  const { header, options, error } = lexRule(text);
  t.equal(error, undefined);
  t.same(
    header.map((token) => token.text),
    ['alert', 'tcp', '[1.1.1.1, 2.2.2.2]', 'any', '->', 'any', '[80, 443]'],
  );
  for (const token of header) t.equal(text.slice(token.at, token.at + token.text.length), token.text);
  t.same(
    options.map(({ name, value }) => [name, value]),
    [
      ['msg', '"a\\; b"'],
      ['sid', '1'],
      ['nocase', undefined],
    ],
  );
  for (const { at, valueAt, value } of options)
    if (value !== undefined) t.equal(text.slice(valueAt, valueAt + value.length), value, `${at}`);
});

t.test('names in lower case, empty options left out, colons in values', async (t) => {
  const { options } = lexRule('alert tcp any any -> any any (MSG:"a:b";; reference:url,x;)');
  t.same(
    options.map(({ name, value }) => [name, value]),
    [
      ['msg', '"a:b"'],
      ['reference', 'url,x'],
    ],
  );
});

t.test('no space before the options', async (t) => {
  t.equal(lexRule('alert tcp any any -> any any(sid:1;)').options.length, 1);
});

t.test('errors', async (t) => {
  for (const [text, at, cause] of [
    ['alert tcp any any -> any any', 28, /the rule ends where the options should begin/],
    ['alert tcp any any -> any any sid:1;', 29, /"sid:1;" stands where/],
    ['alert tcp any any -> any any (sid:1;', 36, /closing "\)" is missing/],
    ['alert tcp any any -> any any (sid:1;) # more', 38, /"# more" stands behind/],
    ['alert tcp any any -> any any (sid:1)', 30, /"sid:1" has no closing ";"/],
    ['alert tcp any any -> any any (msg:"a\\;)', 30, /no closing ";"/],
    ['alert tcp any any -> any any (', 30, /closing "\)" is missing/],
  ] as const) {
    t.match(lexRule(text).error, { at, cause, remedy: /./ }, text);
  }
});

t.test('too few words are left to the parser', async (t) => {
  t.equal(lexRule('alert tcp any').header.length, 3);
  t.equal(lexRule('alert tcp (sid:1;)').header.length, 2);
  t.same(lexRule(''), { header: [], options: [] });
});

t.test('excerpts are short', async (t) => {
  t.equal(excerpt('abc'), 'abc');
  t.equal(excerpt('x'.repeat(100)).length, 40);
});
