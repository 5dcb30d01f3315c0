// SPDX-License-Identifier: Apache-2.0
// Lists of plain values in shared memory come out as they went in.

import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import t from 'tap';
import { ListPacker, packList } from '../../../common/list-packer.js';
import { PackedList } from '../../../common/packed-list.js';

const values: readonly unknown[] = [
  { sid: 1, msg: 'a message', bits: [], none: undefined, nothing: null, yes: true, no: false },
  { sid: 1, msg: 'a message' },
  { msg: 'keys in another order', sid: 2 },
  {},
  [[], [1, [2, [3]]]],
  ...[0, 1, 127, 128, 223, 224, 225, 2 ** 31, 2 ** 32 + 7, 2 ** 53 - 1, -1, -2, -224, -(2 ** 53) + 1],
  ...[0.5, -0, NaN, Infinity, -Infinity, 2 ** 60],
  ...[0n, -1n, 2n ** 128n - 1n, -(2n ** 64n)],
  ...[
    '',
    'x',
    'four',
    'Grüße',
    '日本',
    '😀',
    '\ud800 alone',
    '\u00ff',
    'x'.repeat(97),
    'y'.repeat(70_000),
    'é'.repeat(300),
  ],
  ...[new Uint8Array(0), Uint8Array.of(0, 255, 7), new Uint8Array(300).fill(9)],
  undefined,
  null,
];

t.test('every value comes out as it went in, as often as it is asked for', (t) => {
  const packed = packList(values);
  const list = new PackedList(packed);
  t.equal(list.length, values.length);
  for (const at of [...values.keys(), ...values.keys()].reverse()) t.strictSame(list.at(at), values[at], `value ${at}`);
  t.strictSame([...list], values);
  t.ok(Object.is(list.at(values.findIndex((value) => Object.is(value, -0))), -0));
  t.strictSame(Object.keys(list.at(2) as object), ['msg', 'sid'], 'keys keep their order');
  t.ok('none' in (list.at(0) as object), 'undefined is there');
  t.equal(list.at(values.length), undefined);
  t.equal(list.at(-1), undefined);
  t.end();
});

t.test('what many share stands there once, and is made once', (t) => {
  const network = Array.from({ length: 50 }, (_, i) => ({ from: BigInt(i) << 32n, to: (BigInt(i) << 32n) + 5n }));
  const rules = Array.from({ length: 100 }, (_, sid) => ({ sid, ways: [{ addresses: network }] }));
  const shared = packList(rules, ['addresses']);
  const plain = packList(rules);
  t.ok(shared.bytes.length < plain.bytes.length / 20, `${shared.bytes.length} of ${plain.bytes.length} bytes`);
  const list = new PackedList<(typeof rules)[number]>(shared);
  t.strictSame([...list], rules);
  t.equal(list.at(0)?.ways[0]?.addresses, list.at(99)?.ways[0]?.addresses);
  t.not(list.at(3), list.at(3), 'the values themselves are made anew');
  t.end();
});

t.test('strings stand there once', (t) => {
  const texts = Array.from({ length: 1000 }, (_, i) => `metadata value ${i % 10}`);
  const packed = packList(texts);
  t.ok(packed.bytes.length < 5000, `${packed.bytes.length} bytes`);
  t.strictSame([...new PackedList(packed)], texts);
  t.end();
});

t.test('what cannot be packed is refused', (t) => {
  const packer = new ListPacker();
  for (const value of [() => 1, Symbol('x'), new Map(), new Date(), new Uint16Array(1)])
    t.throws(() => packer.add({ value }), TypeError);
  t.end();
});

t.test('another thread reads the same memory', async (t) => {
  const packed = packList(values.slice(0, 5));
  const module = new URL('../../../common/packed-list.js', import.meta.url).href;
  const code = `import(${JSON.stringify(module)}).then(({ PackedList }) => {
    const { parentPort, workerData } = require('node:worker_threads');
    parentPort.postMessage([[...new PackedList(workerData)], workerData.bytes.buffer instanceof SharedArrayBuffer]);
  });`;
  const worker = new Worker(code, { eval: true, workerData: packed });
  const [[read, isShared]] = (await once(worker, 'message')) as [[unknown, boolean]];
  t.strictSame(read, values.slice(0, 5));
  t.ok(isShared);
  await worker.terminate();
});
