// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { foldCase } from '../../../rules/match/fold-case.js';
import { indexLiterals } from '../../../rules/match/literal-index.js';
import { findLiterals, Finds } from '../../../rules/match/literals.js';
import { Random } from './support/random.js';

/** Signs that are close to each other: both cases, and some that folding of four bytes at once takes for letters. */
const SIGNS = [0x61, 0x62, 0x41, 0x63, 0xff, 0, 0x40, 0x60, 0x5b, 0x7b];

t.test('finds what a search finds', async (t) => {
  const seed = Date.now() & 0xffffff;
  const r = new Random(seed);
  const word = (length: number): Uint8Array => Uint8Array.from({ length }, () => r.pick(SIGNS));
  for (let round = 0; round < 3000; round++) {
    const shortest = 1 + r.int(8);
    const literals = Array.from({ length: 1 + r.int(12) }, () =>
      foldCase(word(shortest + r.int(r.chance(5) ? 60 : 6))),
    );
    const index = indexLiterals(literals);
    const text = word(r.int(90));
    // Longer literals occur by chance seldom: one is put there.
    if (r.chance(30)) text.set(r.pick(literals).subarray(0, text.length), r.int(5) * Number(text.length > 80));
    const finds = new Finds(literals.length);
    finds.begin();
    if (index) findLiterals(index, text, 0, finds);
    const found = [...finds.literals.subarray(0, finds.count)].sort((a, b) => a - b);
    const folded = Buffer.from(foldCase(text));
    // Of a long literal a part is compared: what is found may be more, and what is there is found.
    const wrong = literals.some((literal, id) => {
      const there = folded.includes(Buffer.from(literal));
      return found.includes(id) !== there && !(literal.length > 32 && found.includes(id));
    });
    if (wrong || new Set(found).size !== found.length) {
      t.fail(`seed ${seed}`, { literals, text, found });
      return;
    }
  }
  t.equal(indexLiterals([]), undefined);
  t.pass('3000 random sets');
});

t.test('a search that goes on misses nothing that ends behind where it was', async (t) => {
  const seed = Date.now() & 0xffffff;
  const r = new Random(seed);
  const word = (length: number): Uint8Array => Uint8Array.from({ length }, () => r.pick([0x61, 0x62, 0x41]));
  for (let round = 0; round < 1000; round++) {
    const literals = Array.from({ length: 4 }, () => foldCase(word(2 + r.int(7))));
    const index = indexLiterals(literals);
    if (index === undefined) throw new Error('no index');
    const text = word(40);
    const found = new Set<number>();
    const finds = new Finds(literals.length);
    for (let seen = 0, to = 0; to < text.length; seen = to) {
      to = Math.min(text.length, to + 1 + r.int(6));
      finds.begin();
      findLiterals(index, text.subarray(0, to), Math.max(0, seen - index.longest + 1), finds);
      for (let i = 0; i < finds.count; i++) found.add(finds.literals[i] ?? -1);
    }
    const folded = Buffer.from(foldCase(text));
    const expected = literals.flatMap((literal, id) => (folded.includes(Buffer.from(literal)) ? [id] : []));
    if ([...found].sort((a, b) => a - b).join() !== expected.join()) {
      t.same([...found], expected, `seed ${seed}`, { literals, text });
      return;
    }
  }
  t.pass('1000 random texts');
});

t.test('thirty thousand literals take some megabytes', async (t) => {
  const r = new Random(7);
  const literals = Array.from({ length: 30_000 }, () => Uint8Array.from({ length: 3 + r.int(20) }, () => r.int(256)));
  const index = indexLiterals(literals.map(foldCase));
  const sizes = index?.tables.flatMap(({ map, runs, first, literal, offset, next }) =>
    [map, runs, first, literal, offset, next].map(({ byteLength }) => byteLength),
  );
  t.ok((sizes ?? []).reduce((sum, size) => sum + size, 0) < 8e6);
});
