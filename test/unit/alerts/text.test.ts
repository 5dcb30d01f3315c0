// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { printable } from '../../../alerts/index.js';
import { cleanText, escapeLine } from '../../../alerts/text.js';

t.test('bytes as text', async (t) => {
  t.equal(printable(Buffer.from('curl/8 é漢')), 'curl/8 é漢');
  t.equal(printable(Buffer.from([0x61, 0xff, 0x5c, 0x0a, 0x7a])), 'a\\xff\\x5c\\x0az');
  t.equal(printable(Buffer.from([0xc0, 0x80])), '\\xc0\\x80', 'overlong');
  t.equal(printable(Buffer.alloc(0)), '');
  for (let i = 0; i < 2000; i++) {
    const bytes = Buffer.from(Array.from({ length: i % 40 }, () => Math.floor(Math.random() * 256)));
    t.type(JSON.parse(escapeLine(JSON.stringify(printable(bytes)))), 'string');
  }
});

t.test('text is bounded and well-formed', async (t) => {
  t.equal(cleanText('x'.repeat(9000)).length, 8192);
  t.equal(cleanText('a\udc00b😀'), 'a\ufffdb😀');
  t.notMatch(cleanText(`${'x'.repeat(8190)}😀y`), /\p{Cs}/u, 'a pair cut in two leaves no half');
});
