// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { escapeLine, cleanText, printable } from '../../../../alerts/text.js';
import { ByteWriter } from '../../../../engine/layer7/byte-writer.js';

const written = (write: (out: ByteWriter) => void): string => {
  const out = new ByteWriter(8);
  write(out);
  return Buffer.from(out.take()).toString();
};

t.test('text is what JSON.stringify makes of it', async (t) => {
  const samples = ['', 'plain', 'a"b\\c', 'tab\tnew\nline', 'ümläut €', '\u0085\u2028', 'x'.repeat(9000)].map((text) =>
    Buffer.from(text),
  );
  samples.push(Buffer.from([0xff, 0x41, 0xc3]), Buffer.from([0, 1, 0x7f]));
  for (let n = 0; n < 300; n++)
    samples.push(Buffer.from(Array.from({ length: n % 40 }, () => Math.random() * (n & 1 ? 128 : 256))));
  for (const bytes of samples) {
    const wanted = escapeLine(JSON.stringify(cleanText(printable(bytes))));
    t.equal(`"${written((out) => out.text(bytes, 0, bytes.length))}"`, wanted);
    t.doesNotThrow(() => JSON.parse(`"${written((out) => out.lower(bytes, 0, bytes.length))}"`) as string);
  }
  t.equal(
    written((out) => out.lower(Buffer.from('-WWW.Example.ORG:80'), 1, 16)),
    'www.example.org',
  );
});

t.test('numbers', async (t) => {
  const samples = [0, 7, 9, 10, 99, 100, 4294967295, 2147483647, 2147483648, 2 ** 51 - 1, Number.MAX_SAFE_INTEGER];
  for (let n = 0; n < 200; n++) samples.push(Math.floor(Math.random() * 2 ** (n % 53)));
  for (const value of samples)
    t.equal(
      written((out) => out.number(value)),
      String(value),
    );
  for (const value of [0, 5, 999999, 123456, 1000]) {
    t.equal(
      written((out) => out.sixDigits(value)),
      String(value).padStart(6, '0'),
    );
  }
});

t.test('what was taken is not written to again', async (t) => {
  const out = new ByteWriter(16);
  out.raw(Buffer.from('0123456789'));
  const first = out.take();
  out.raw(Buffer.from('x'.repeat(300)));
  const second = out.take();
  out.raw(Buffer.from('y'));
  t.equal(Buffer.from(first).toString(), '0123456789');
  t.equal(Buffer.from(second).toString(), 'x'.repeat(300));
});
