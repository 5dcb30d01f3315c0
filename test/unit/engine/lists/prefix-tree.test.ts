// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { covers, formatPrefix, parsePrefix, type Prefix } from '../../../../common/address.js';
import { PrefixTree } from '../../../../engine/lists/prefix-tree.js';
import { randomizer } from './fixture.js';

t.test('exact, covering and covered', async (t) => {
  const tree = new PrefixTree<string>();
  for (const text of ['10.0.0.0/8', '10.1.0.0/16', '10.1.2.3', '::/0', '2001:db8::/32', '0.0.0.0/0'])
    tree.set(parsePrefix(text), text);
  t.equal(tree.size, 6);
  t.equal(tree.get(parsePrefix('10.1.0.0/16')), '10.1.0.0/16');
  t.equal(tree.get(parsePrefix('10.1.0.0/17')), undefined);
  t.same(tree.covering(parsePrefix('10.1.2.3')), ['::/0', '0.0.0.0/0', '10.0.0.0/8', '10.1.0.0/16', '10.1.2.3']);
  t.same(tree.covering(parsePrefix('10.1.0.0/12')), ['::/0', '0.0.0.0/0', '10.0.0.0/8']);
  t.same(tree.covered(parsePrefix('10.0.0.0/7')), ['10.0.0.0/8', '10.1.0.0/16', '10.1.2.3']);
  t.same(tree.covered(parsePrefix('10.0.0.0/7'), 1), ['10.0.0.0/8']);
  t.same(tree.covered(parsePrefix('11.0.0.0/8')), []);
  t.equal(tree.delete(parsePrefix('10.0.0.0/9')), false);
  t.equal(tree.delete(parsePrefix('10.0.0.0/8')), true);
  t.equal(tree.delete(parsePrefix('10.0.0.0/8')), false);
  t.same(tree.values(), ['::/0', '0.0.0.0/0', '10.1.0.0/16', '10.1.2.3', '2001:db8::/32']);
});

t.test('random changes against a plain map', async (t) => {
  const random = randomizer(11);
  const tree = new PrefixTree<Prefix>();
  const plain = new Map<string, Prefix>();
  const make = (): Prefix => {
    const four = random(3) > 0;
    const bytes = parsePrefix(
      four ? `10.${random(2)}.${random(2) * 255}.${random(256)}` : `2001:db8::${random(65536).toString(16)}`,
    ).bytes;
    return parsePrefix(formatPrefix({ bytes, length: 128 }) + (four ? `/${random(33)}` : `/${random(129)}`));
  };
  const texts = (list: Prefix[]): string[] => list.map(formatPrefix).sort();
  for (let i = 0; i < 20_000; i++) {
    const prefix = make();
    const text = formatPrefix(prefix);
    if (random(2) === 0) {
      tree.set(prefix, prefix);
      plain.set(text, prefix);
    } else if (tree.delete(prefix) !== plain.delete(text)) {
      return void t.fail(`step ${i}: delete ${text}`);
    }
    if (tree.size !== plain.size) return void t.equal(tree.size, plain.size, `step ${i}`);
    if (i % 50 > 0) continue;
    const probe = make();
    const all = [...plain.values()];
    t.same(texts(tree.covering(probe)), texts(all.filter((one) => covers(one, probe))));
    t.same(texts(tree.covered(probe)), texts(all.filter((one) => covers(probe, one))));
  }
  for (const prefix of plain.values()) tree.delete(prefix);
  t.same([tree.size, tree.values()], [0, []]);
});
