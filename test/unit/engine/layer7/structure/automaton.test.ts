// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { Region, StructureBit as Bit } from '../../../../../common/abi.gen.js';
import { buildStructure, type StructureNames } from '../../../../../engine/layer7/structure/automaton.js';
import {
  defaultRedactNames as headers,
  defaultRedactParameters as parameters,
} from '../../../../../engine/layer7/structure/names.js';
import { hiddenCases, hiddenParameters, plainCases, plainParameters } from '../../../../helpers/mask-cases.js';
import { maskReference } from '../../../../helpers/mask-reference.js';
import { randomSection, seededRandom } from '../../../../helpers/random-section.js';
import { labelsOf, mask, runStructure } from '../../../../helpers/run-structure.js';

const all: StructureNames = { headers, parameters, kept: ['X-Request-ID', 'User-Agent'] };
const alone: StructureNames = { headers, parameters: [], kept: [] };
const regionNames = Object.fromEntries(Object.entries(Region).map(([name, value]) => [value, name]));

function masked(names: StructureNames, text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  return mask(bytes, runStructure(names, bytes, Bit.STRUCTURE_REQUEST).labels);
}

/** The section as [region, text] of each run of bytes, `*` behind the name of one that is masked. */
function parts(text: string, start: number): [string, string][] {
  const { labels } = runStructure(all, Buffer.from(text, 'latin1'), start);
  const out: [string, string][] = [];
  labels.forEach((label, at) => {
    const name = `${regionNames[label & ~Region.MASKED]}${label & Region.MASKED ? '*' : ''}`;
    const last = out.at(-1);
    if (at > 0 && labels[at - 1] === label && last) last[1] += text[at];
    else out.push([name, text[at] ?? '']);
  });
  return out;
}

t.test('what the bytes of a request are', async (t) => {
  const text =
    'GET /a/b?x=1&token=abc%20d&y=2 HTTP/1.1\r\nHost: Ex.org:80\r\nUser-Agent: curl/7\r\nX-Request-ID: 77\r\n' +
    'Content-Length: 5\r\nTransfer-Encoding: chunked\r\nUpgrade: h2c\r\nCookie: a=b\r\nAuthorization: x\r\n\r\nbody';
  t.same(parts(text, Bit.STRUCTURE_REQUEST), [
    ['METHOD', 'GET'],
    ['NONE', ' '],
    ['URI', '/a/b?x=1&token='],
    ['URI_ODD*', 'abc%20d'],
    ['URI_ODD', '&y=2'],
    ['NONE', ' '],
    ['VERSION', 'HTTP/1.1'],
    ['NONE', '\r\n'],
    ['HEADERS', 'Host: '],
    ['HOST', 'Ex.org'],
    ['HEADERS', ':80\r\n'],
    ['KEPT', 'User-Agent: '],
    ['USER_AGENT', 'curl/7'],
    ['KEPT', '\r\nX-Request-ID: 77\r\n'],
    ['HEADERS', 'Content-Length: '],
    ['LENGTH', '5'],
    ['HEADERS', '\r\nTransfer-Encoding: '],
    ['CODING', 'chunked'],
    ['HEADERS', '\r\nUpgrade: '],
    ['UPGRADE', 'h2c'],
    ['HEADERS', '\r\n'],
    ['NONE', 'Cookie: '],
    ['NONE*', 'a=b'],
    ['NONE', '\r\n'],
    ['HEADERS', 'Authorization: '],
    ['HEADERS*', 'x'],
    ['HEADERS', '\r\n'],
    ['NONE', '\r\n'],
  ]);
});

t.test('what the bytes of a response and of trailers are', async (t) => {
  t.same(parts('HTTP/1.1 404 Not Found\nLocation: /#access_token=x\n\n', Bit.STRUCTURE_RESPONSE), [
    ['VERSION', 'HTTP/1.1'],
    ['NONE', ' '],
    ['STATUS', '404'],
    ['NONE', ' '],
    ['REASON', 'Not Found'],
    ['NONE', '\n'],
    ['HEADERS', 'Location: /#access_token='],
    ['HEADERS*', 'x'],
    ['HEADERS', '\n\n'],
  ]);
  t.same(parts('X-Request-ID: 1\r\n\r\n', Bit.STRUCTURE_TRAILER), [
    ['KEPT', 'X-Request-ID: 1\r\n'],
    ['NONE', '\r\n'],
  ]);
  t.same(parts('\r\n', Bit.STRUCTURE_TRAILER), [['NONE', '\r\n']]);
});

t.test('hosts are without their port', async (t) => {
  for (const [value, host] of [
    ['[2001:db8::1]:80', '[2001:db8::1]'],
    ['a.example', 'a.example'],
    ['a:b:c', 'a'],
    ['', undefined],
  ] as const) {
    const found = parts(`GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`, Bit.STRUCTURE_REQUEST).find(([n]) => n === 'HOST');
    t.equal(found?.[1], host, value);
  }
});

t.test('what normalisation would change is odd', async (t) => {
  const odd = (line: string, rest = 'A: b\r\n'): number =>
    runStructure(all, Buffer.from(`${line}\r\n${rest}\r\n`, 'latin1'), Bit.STRUCTURE_REQUEST).odd;
  for (const target of ['/', '/a.b/c..d/.e/..f?x=/../y//z', '/.well-known/x', '/?a#b', '/?x=%20', '/a?token=%2e'])
    t.equal(odd(`GET ${target} HTTP/1.1`), 0, target);
  for (const target of [
    '/%61',
    '//a',
    '/a//b',
    '/./a',
    '/a/..',
    '/a/.?x',
    '/a\\b',
    'http://h/',
    '*',
    '/a;b',
    '/a#b',
    '/a b',
  ])
    t.equal(odd(`GET ${target} HTTP/1.1`), Bit.STRUCTURE_ODD_LINE, target);
  for (const lines of [
    ...['A:b\r\n', 'A:  b\r\n', 'A: b \r\n', 'A: b\r\n c\r\n', 'A : b\r\n', 'A: b\rc\r\n', 'A\r\n', ': b\r\n'],
    ...['A: \r\n', ' A: b\r\n', '\0A: b\r\n', 'Host: a \r\n', 'Host: a:8 \r\n', 'Host : a\r\n'],
  ]) {
    t.equal(odd('GET / HTTP/1.1', lines), Bit.STRUCTURE_ODD_HEADERS, JSON.stringify(lines));
  }
  for (const lines of ['A: b\n', 'A: b\r\nB: c\n', 'Cookie: a\n', 'Host: a\n', 'Host: a:80\n', 'A: ?token=x\n'])
    t.equal(odd('GET / HTTP/1.1', lines), Bit.STRUCTURE_BARE, JSON.stringify(lines));
});

t.test('secrets are masked, whatever the writing', async (t) => {
  for (const [name, text, secret] of hiddenCases) {
    t.equal(masked(alone, text), maskReference(headers, text).masked, name);
    t.notOk(masked(all, text).includes(secret), name);
  }
  for (const [name, text, secret] of hiddenParameters) t.notOk(masked(all, text).includes(secret), name);
  for (const [name, text, visible] of [...plainCases, ...plainParameters])
    t.ok(masked(all, text).includes(visible), name);
});

t.test('random header lines are masked as the reference says', async (t) => {
  const random = seededRandom(20_251_122);
  const sets = [headers, ['a', 'ab', 'abc'], [], ['X_Y', 'x-y-z', "!#$%&'*+-.^_`|~"]].map((names) => ({
    ...{ headers: names, parameters: [], kept: [] },
  }));
  let differing = 0;
  for (let i = 0; i < 20_000 && differing === 0; i++) {
    const names = sets[i % sets.length] ?? alone;
    const text = `GET / HTTP/1.1\r\n${randomSection(random, names.headers)}`;
    const got = masked(names, text);
    const want = maskReference(names.headers, text).masked;
    if (got === want) continue;
    differing++;
    t.equal(got, want, JSON.stringify(text));
  }
  t.equal(differing, 0);
});

t.test('edges are in order, and every state has its steps', async (t) => {
  const { states, steps } = buildStructure(all);
  t.ok(
    steps
      .slice(1)
      .every((row) => row.slice(1).every((step) => (step & Bit.STRUCTURE_STATE) < states.length && step & 0x7ff)),
  );
  const random = seededRandom(3);
  for (let i = 0; i < 2000; i++) {
    const bytes = Buffer.from(`GET / HTTP/1.1\r\n${randomSection(random, [...headers, ...all.kept])}`, 'latin1');
    const { edges, labels } = runStructure(all, bytes, Bit.STRUCTURE_REQUEST);
    if (edges.some((edge, n) => edge >>> 8 < (edges[n - 1] ?? 0) >>> 8))
      t.fail(JSON.stringify(bytes.toString('latin1')));
    t.same(labelsOf(edges, labels.length), labels);
  }
});

t.test('names that no header or parameter can have are refused in one line', async (t) => {
  for (const name of ['', 'Cookie:', 'X Key', 'Ünlaut', 'a\n', 'x'.repeat(256)]) {
    t.throws(() => buildStructure({ ...all, headers: [name] }), {
      code: 'CONFIG_INVALID',
      message: /cannot be the name of a header/,
    });
    t.throws(() => buildStructure({ ...all, parameters: [name] }), {
      code: 'CONFIG_INVALID',
      message: /of a parameter/,
    });
  }
  t.throws(() => buildStructure({ ...all, parameters: ['a%b'] }), { code: 'CONFIG_INVALID' });
});
