// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { formatPrefix, parsePrefix } from '../../../../common/address.js';
import { BatchBuilder } from '../../../../engine/lists/batch-builder.js';
import { batchTexts, prefix4, prefix6 } from '../../../../engine/lists/batch-text.js';
import { Allowlist, Guard, MemoryTables, openListStore } from '../../../../engine/lists/index.js';
import { parseList } from '../../../../engine/lists/formats/parse.js';
import { randomBatch, randomizer } from './random-batch.js';

function fixture({ configured = [], exemptions }: { configured?: string[]; exemptions: [string, string][] }) {
  const clock = { wallMs: () => Date.UTC(2026, 0, 1), bootSeconds: () => 5 };
  const store = openListStore(':memory:');
  const table = new MemoryTables().allowlist;
  const allowlist = Allowlist.open({ table, store, clock, configured: configured.map((text) => parsePrefix(text)) });
  const facts = exemptions.map(([text, label]) => ({ prefix: parsePrefix(text), label }));
  const guard = new Guard({ allowlist, clock, exemptions: () => facts });
  const close = (): void => {
    guard.close();
    store.close();
  };
  return { guard, close };
}

void t.test('a batch is refused entry for entry as single prefixes are', (t) => {
  const random = randomizer(21);
  const host = (): string => `192.0.2.${random(256)}`;
  for (let round = 0; round < 50; round++) {
    const { guard, close } = fixture({
      configured: [
        `${host()}`,
        `192.0.2.${64 * random(4)}/26`,
        `2001:db8::${random(256).toString(16)}`,
        '198.51.0.0/16',
      ],
      exemptions: [
        [host(), 'local address'],
        ['2001:db8:1::/48', 'local address'],
      ],
    });
    const builder = new BatchBuilder();
    builder.addBatch(randomBatch(random, 60));
    for (const text of ['::/20', '::/96', '::/97', '2001::/16', '192.0.0.0/8', '192.0.0.0/7', '2001:db8:1:2::/64']) {
      const { bytes, length } = parsePrefix(text);
      const view = new DataView(bytes.buffer);
      if (text.includes(':'))
        builder.add6(view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12), length);
      else builder.add4(view.getUint32(12), length - 96);
    }
    const batch = builder.build();
    const all = [...batch.len4.keys()]
      .map((i) => prefix4(batch, i))
      .concat([...batch.len6.keys()].map((i) => prefix6(batch, i)));
    const good = all.filter((prefix) => guard.refusal(prefix) === undefined).map(formatPrefix);
    const { accepted, refusedCount, refused } = guard.refuseBatch(batch);
    t.same([...batchTexts(accepted)], good);
    t.equal(refusedCount, all.length - good.length);
    for (const { prefix, cause } of refused) t.equal(cause, guard.refusal(parsePrefix(prefix)), prefix);
    close();
  }
  t.end();
});

void t.test('causes name what would be cut off', (t) => {
  const { guard, close } = fixture({ exemptions: [['192.0.2.1', 'default gateway']] });
  const [group] = parseList(Buffer.from('192.0.2.0/24\n203.0.113.0/24\n0.0.0.0/0\n')).groups;
  if (!group) throw new Error('no group');
  const { refused, accepted } = guard.refuseBatch(group.batch);
  t.match(refused, [
    { prefix: '0.0.0.0/0', cause: /shorter than \/8/ },
    { prefix: '192.0.2.0/24', cause: /covers 192.0.2.1, a built-in exemption \(default gateway\)/ },
  ]);
  t.same([...batchTexts(accepted)], ['203.0.113.0/24']);
  close();
  t.end();
});
