// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { bar, openProgress } from '../../../../engine/cli/progress.js';
import { EMPTY_BATCH } from '../../../../engine/lists/batch-ops.js';
import { batchTexts } from '../../../../engine/lists/batch-text.js';
import type { PrefixBatch } from '../../../../engine/lists/prefix-batch.js';
import { openBulk } from '../api/bulk-fixture.js';
import { MemoryBulkLists } from '../lists/memory-bulk-lists.js';

void t.test('import: files of several formats, bad lines, options', async (t) => {
  const { run, lists, requests } = await openBulk(t);
  const contents = {
    'a.netset': '# x\n192.0.2.0/24\n',
    'b.csv': 'note,ip\nx,198.51.100.7\n',
    bad: '9.9.9.9\nnonsense\n',
  };
  const folder = t.testdir(contents);
  writeFileSync(join(folder, 'c.gz'), gzipSync('2001:db8::/32\n192.0.2.0/24\n'));
  const files = ['a.netset', 'b.csv', 'c.gz'].map((name) => join(folder, name));
  const options = ['--ttl', '1h', '--reason', 'why', '--action', 'alert', '--confirm', '30s'];
  const good = await run('blocklist', 'import', ...files, ...options);
  t.match(good, {
    status: 0,
    err: '',
    out: /^3 entries added, 0 listed before \(would drop\)\nlisted now: IPv4 2 of /,
  });
  t.match(good.out, /undone at 2026-01-01T00:00:30.000Z unless you say: ids confirm/);
  t.match(requests, [{ origin: 'manual', ttl: 3600, reason: 'why', action: 'alert', confirm: 30, force: false }]);
  t.same([...batchTexts(lists.batch('manual'))], ['192.0.2.0/24', '198.51.100.7', '2001:db8::/32']);
  const bad = await run('blocklist', 'import', join(folder, 'bad'), '--origin', 'feed:x', '--json');
  t.equal(bad.status, 1);
  t.match(bad.err, /bad:2:1: not an address: nonsense\n$/);
  t.match(JSON.parse(bad.out), {
    files: [{ format: 'plain', entries: 1, bad: 1 }],
    origins: [{ origin: 'feed:x', added: 1 }],
  });
  t.match(await run('confirm'), { status: 1, err: /no change waits/ });
});

void t.test('add on probation', async (t) => {
  const { run, lists, requests } = await openBulk(t);
  const words = ['192.0.2.7', '198.51.100.10-198.51.100.11', '2001:db8::1/48'];
  t.match(await run('blocklist', 'add', ...words, '--confirm', '30s', '--reason', 'x'), {
    status: 0,
    out: /^3 entries added, 0 listed before\n[^]*undone at 2026-01-01T00:00:30.000Z/,
  });
  t.match(requests, [{ origin: 'manual', confirm: 30, reason: 'x', force: false }]);
  t.same([...batchTexts(lists.batch('manual'))], ['192.0.2.7', '198.51.100.10/31', '2001:db8::/48']);

  t.match(await run('blocklist', 'add', '192.0.2.8', '--confirm', '61m'), {
    status: 2,
    err: /^ids: --confirm 61m is longer than an hour: [^\n]*\n$/,
    out: '',
  });
  t.equal(requests.length, 1, 'the daemon is not asked');

  // As without --confirm: 1 if a part was refused, 2 if nothing is listed.
  const cause = 'it covers the default gateway';
  const guarded = (accepted: (batch: PrefixBatch) => PrefixBatch) =>
    new MemoryBulkLists((batch) => ({
      accepted: accepted(batch),
      refusedCount: 1,
      refused: [{ prefix: '192.0.2.7', cause }],
    }));
  const part = await openBulk(
    t,
    guarded((batch) => batch),
  );
  const refused = { err: `ids: refused: 192.0.2.7: ${cause}\n` };
  t.match(await part.run('blocklist', 'add', '192.0.2.7', '192.0.2.9', '--confirm', '30s'), { status: 1, ...refused });
  const all = await openBulk(
    t,
    guarded(() => EMPTY_BATCH),
  );
  t.match(await all.run('blocklist', 'add', '192.0.2.7', '--confirm', '30s'), { status: 2, ...refused });
});

void t.test('import: mistakes change nothing', async (t) => {
  const { run, requests } = await openBulk(t);
  const folder = t.testdir({ list: '192.0.2.7\n', page: '<p>\n'.repeat(20) });
  const list = join(folder, 'list');
  const cases: [string[], RegExp][] = [
    [[join(folder, 'none')], /cannot read .*none: ENOENT/],
    [[join(folder, 'page')], /page: read as plain, 20 lines are bad and 0 good/],
    [[list, '--format', 'xml'], /"xml" is no format: write plain, csv, json, ipset, nft/],
    [[list, '--action', 'pass'], /"pass" is no action/],
    [[list, '--ttl', 'soon'], /"soon" is not a duration/],
    [[list, '--confirm', '2h'], /^ids: --confirm 2h is longer than an hour: write the time [^\n]*such as 30s\n$/],
    [[list, '--column', 'ip'], /no column "ip"/],
    [[list, '--origin', 'a b'], /an origin is letters/],
  ];
  for (const [words, message] of cases) {
    const { status, err, out } = await run('blocklist', 'import', ...words);
    t.match({ status, err, out }, { status: 2, err: message, out: '' }, words.join(' '));
  }
  t.same(requests, []);
});

void t.test('refused entries are told and the others listed', async (t) => {
  const lists = new MemoryBulkLists((batch) => ({
    accepted: { ...batch, count: batch.count - 1, addr4: batch.addr4.slice(1), len4: batch.len4.slice(1) },
    refusedCount: 1,
    refused: [{ prefix: '192.0.2.1', cause: '192.0.2.1 is the default gateway' }],
  }));
  const { run } = await openBulk(t, lists);
  const file = join(t.testdir({ list: '192.0.2.1\n192.0.2.2\n' }), 'list');
  t.match(await run('blocklist', 'import', file), {
    status: 1,
    err: 'ids: refused: 192.0.2.1 is the default gateway\n',
    out: /^1 entry added, 0 listed before, 1 refused\n/,
  });
  const none = await openBulk(
    t,
    new MemoryBulkLists((batch) => ({
      accepted: EMPTY_BATCH,
      refusedCount: batch.count,
      refused: [{ prefix: '192.0.2.1', cause: '192.0.2.1 is the default gateway' }],
    })),
  );
  t.match(await none.run('blocklist', 'import', file), {
    status: 2,
    err: 'ids: refused: 192.0.2.1 is the default gateway\nids: refused: 1 more entry\n',
  });
  const forced = await run('blocklist', 'import', file, '--force');
  t.match(forced, { status: 0, err: '', out: /^1 entry added, 1 listed before\n/ });
});

void t.test('export and import again, by origin', async (t) => {
  const { run, lists } = await openBulk(t);
  const folder = t.testdir({ a: '192.0.2.1\n192.0.2.2\n', b: '2001:db8::/32\n' });
  await run('blocklist', 'import', join(folder, 'a'), '--ttl', '1h', '--reason', 'x');
  await run('blocklist', 'import', join(folder, 'b'), '--origin', 'feed:b', '--action', 'alert');
  const told = (): unknown =>
    [...lists.origins].map(([origin, { action, batch }]) => ({
      origin,
      action,
      texts: [...batchTexts(batch)],
      expires: [...(batch.extra?.expires4 ?? []), ...(batch.extra?.expires6 ?? [])],
      reasons: [...(batch.extra?.reason4 ?? [])].map((index) => batch.extra?.reasons[index]),
    }));
  const before = told();
  t.equal((await run('blocklist', 'export')).out, '192.0.2.1\n192.0.2.2\n2001:db8::/32\n');
  const netset = await run('blocklist', 'export', '--origin', 'feed:b', '--format', 'netset');
  t.match(netset.out, /# 0 IPv4 and 1 IPv6 prefixes\n#\n2001:db8::\/32\n$/);
  const { out } = await run('blocklist', 'export', '--format', 'json');
  writeFileSync(join(folder, 'all.json'), out);
  lists.origins.clear();
  t.match(await run('blocklist', 'import', join(folder, 'all.json')), {
    status: 0,
    out: /^3 entries added, 0 listed before\n/,
  });
  t.same(told(), before);
  t.match(await run('blocklist', 'export', '--format', 'xml'), { status: 2, err: /is no format/ });
});

void t.test('diff shows what an import would change', async (t) => {
  const { run, lists, requests } = await openBulk(t);
  const folder = t.testdir({ old: '192.0.2.1\n192.0.2.2\n', new: '192.0.2.2\n192.0.2.3\n192.0.2.4\n', empty: '' });
  await run('blocklist', 'import', join(folder, 'old'));
  t.match(await run('blocklist', 'diff', join(folder, 'new'), '--limit', '1'), {
    status: 1,
    out: '+ 192.0.2.3\n+ … 1 more entry\n2 would be added, 0 removed, 1 stay as they are\n',
  });
  t.match(await run('blocklist', 'diff', join(folder, 'new'), '--replace'), {
    status: 1,
    out: '+ 192.0.2.3\n+ 192.0.2.4\n- 192.0.2.1\n2 would be added, 1 removed, 1 stay as they are\n',
  });
  t.match(await run('blocklist', 'diff', join(folder, 'old')), { status: 0 });
  const { out } = await run('blocklist', 'diff', join(folder, 'empty'), '--replace', '--json');
  t.same(JSON.parse(out), { added: [], removed: ['192.0.2.1', '192.0.2.2'], kept: 0, refusedCount: 0, refused: [] });
  t.equal(requests.length, 1);
  t.equal(lists.batch('manual').count, 2, 'nothing was changed');
  t.match(await run('blocklist', 'diff', join(folder, 'old'), '--limit', 'x'), {
    status: 2,
    err: /no number of lines/,
  });
});

void t.test('stats, confirm and feeds', async (t) => {
  const { run, updates } = await openBulk(t);
  const stats = await run('blocklist', 'stats');
  t.match(stats, { status: 0, out: /^IPv4 5 of 2,000,000, IPv6 1 of 500,000\nenforced 6, repaired 0\n/ });
  t.match(stats.out, /^manual +4 +2 +1,000,000 +64,000,000$/m);
  const file = join(t.testdir({ a: '192.0.2.1\n' }), 'a');
  await run('blocklist', 'import', file, '--confirm', '30s');
  t.match(await run('confirm'), { status: 0, out: 'confirmed: 2 entries of manual stay\n' });
  t.match(await run('feeds', 'list'), { status: 0, out: /level1 +kept +1,234 +drop .*it shrank[^]*\n1 feed\n$/ });
  const shown = await run('feeds', 'show', 'level1');
  t.equal(shown.err, '');
  t.match(
    shown.out,
    /source +https:\/\/lists.example\/level1.netset\n[^]*failures +1 in a row\n {4}level1:7:1: not an address: nonsense\n {4}level1:9:11: [^\n]*\n {4}1 more\n$/,
  );
  t.match(await run('feeds', 'show', 'none'), { status: 1, err: /there is no feed "none"/ });
  const update = await run('feeds', 'update', '--force');
  t.match(update, { status: 1, out: 'level1: kept: it shrank from 1234 to 5 entries\n' });
  t.match(await run('feeds', 'update', 'level1'), { status: 1 });
  t.same(updates, [{ force: true }, { force: false, names: ['level1'] }]);
});

void t.test('the bar is for those who wait', (t) => {
  let time = 0;
  let text = '';
  const progress = openProgress(
    (more) => void (text += more),
    () => time,
  );
  progress.show('reading', 0);
  t.equal(text, '', 'what is over at once needs none');
  time = 200;
  progress.show('reading', 0.5);
  t.equal(text, `\r\u001b[K${bar('reading', 0.5)}`);
  t.equal(bar('reading', 0.5), `reading [${'#'.repeat(15)}${'.'.repeat(15)}] 50 %`);
  text = '';
  time = 210;
  progress.show('reading', 0.6);
  t.equal(text, '', 'not more often than it can be read');
  progress.show('sending');
  t.equal(text, '\r\u001b[Ksending …');
  progress.end();
  t.equal(text, '\r\u001b[Ksending …\r\u001b[K');
  openProgress(undefined).show('nothing', 1);
  t.end();
});
