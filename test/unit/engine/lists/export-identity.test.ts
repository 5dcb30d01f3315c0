// SPDX-License-Identifier: Apache-2.0
// What was exported is imported as it was: through the texts of each format, with prefixes of all lengths.
import t from 'tap';
import type { Prefix } from '../../../../common/address.js';
import { groupsOf } from '../../../../engine/cli/list-files.js';
import { parseList } from '../../../../engine/lists/formats/parse.js';
import { EXPORT_FORMATS, writeList, type ExportFormat } from '../../../../engine/lists/formats/write.js';
import type { BulkOptions, ExportChunk, RefusedEntry } from '../../../../engine/lists/prefix-batch.js';
import { randomBatch } from './random-batch.js';
import { fixture, prefixes, randomizer } from './fixture.js';

type Fixture = ReturnType<typeof fixture>;

async function exported(f: Fixture, format: ExportFormat): Promise<string> {
  const chunks: ExportChunk[] = [];
  for await (const chunk of f.blocklist.bulk.exportEntries()) chunks.push(chunk);
  return [...writeList(format, chunks)].join('');
}

/** As the command does it. */
async function imported(f: Fixture, text: string, options: BulkOptions = {}): Promise<RefusedEntry[]> {
  const refused: RefusedEntry[] = [];
  const list = parseList(Buffer.from(text));
  t.equal(list.bad, 0, 'no bad line');
  for (const { origin, action, forced, batch } of groupsOf([{ ...list, file: 'x' }])) {
    const said = { ...(action === undefined ? {} : { action }), ...(forced === undefined ? {} : { forced }) };
    refused.push(...(await f.blocklist.bulk.importBatch(batch, { ...options, ...said, origin })).refused);
  }
  return refused;
}

const prefixOf = (text: string): Prefix => prefixes(text)[0] ?? { bytes: new Uint8Array(16), length: 0 };

/** Everything that a list says of its entries but when they were listed, and what the kernel has of it. */
function told(f: Fixture): string[] {
  return f.blocklist
    .list()
    .map(({ prefix, origin, reason, expires, action }) => {
      const { expires: end, forced, alert } = f.tables.blocklist.get(prefixOf(prefix)) ?? {};
      return JSON.stringify({ prefix, origin, reason, expires, action, end, forced, alert });
    })
    .sort();
}

/** A list with prefixes of every length, of several origins, actions and ends, forced and not. */
async function full(exemptions: [string, string][] = []): Promise<Fixture> {
  const f = fixture({ exemptions });
  const { bulk } = f.blocklist;
  const every = [
    ...Array.from({ length: 25 }, (_, i) => `10.${i}.0.${i}/${8 + i}`),
    ...Array.from({ length: 113 }, (_, i) => `2001:db8:${i.toString(16)}::1/${16 + i}`),
  ];
  f.blocklist.add({ prefixes: prefixes(...every), reason: 'every "length"' });
  f.blocklist.add({ prefixes: prefixes('192.0.2.7', '2001:db8:f::/48'), ttl: 3600, reason: 'for an hour' });
  f.blocklist.add({ prefixes: prefixes('192.0.2.1', '0.0.0.0/4', '2000::/3'), force: true, reason: 'forced' });
  const random = randomizer(3);
  await bulk.importBatch(randomBatch(random, 400, { extra: true }), { origin: 'feed:a' });
  await bulk.importBatch(randomBatch(random, 300), { origin: 'feed:b', action: 'alert', ttl: 86_400 });
  await bulk.importBatch(randomBatch(random, 200), { origin: 'feed:c', action: 'alert', force: true });
  await bulk.importBatch(randomBatch(random, 100), { origin: 'feed:c', force: true });
  return f;
}

t.test('JSON keeps all there is to say, the others each prefix', async (t) => {
  const f = await full();
  t.teardown(f.close);
  const before = told(f);
  t.ok(before.some((text) => text.includes('"forced":true')) && before.some((text) => text.includes('"alert":true')));
  const all = new Set(f.blocklist.list().map(({ prefix }) => prefix));
  for (const format of EXPORT_FORMATS) {
    const text = await exported(f, format);
    const g = fixture();
    t.teardown(g.close);
    t.same(await imported(g, text, format === 'json' ? { force: true } : { force: true, reason: 'x' }), []);
    if (format === 'json') t.same(told(g), before);
    else t.same(new Set(g.blocklist.list().map(({ prefix }) => prefix)), all, format);
    t.equal(await exported(g, format), text, `${format}: the text of it is the same again`);
  }
});

t.test('forced entries that nothing is against need no force; the others are told to say it', async (t) => {
  const f = fixture({ exemptions: [['192.0.2.1', 'default gateway']] });
  t.teardown(f.close);
  f.blocklist.add({ prefixes: prefixes('192.0.2.1', '192.0.2.2'), force: true });
  f.blocklist.add({ prefixes: prefixes('192.0.2.3') });
  const before = told(f);
  const text = await exported(f, 'json');
  const g = fixture({ exemptions: [['192.0.2.1', 'default gateway']] });
  t.teardown(g.close);
  const refused = await imported(g, text);
  t.match(refused, [{ prefix: '192.0.2.1', cause: /default gateway.*or say --force$/ }]);
  t.same(
    told(g),
    before.filter((one) => !one.includes('"192.0.2.1"')),
  );
  t.same(await imported(g, text, { force: true }), []);
  t.same(told(g), before);
  t.equal(g.tables.blocklist.get(prefixOf('192.0.2.3'))?.forced, false, 'what was not forced is not');
});
