// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import t from 'tap';
import { unionBatches } from '../../../../../engine/lists/batch-ops.js';
import { batchTexts } from '../../../../../engine/lists/batch-text.js';
import { parseList } from '../../../../../engine/lists/formats/parse.js';
import { EXPORT_FORMATS, writeList, type ExportFormat } from '../../../../../engine/lists/formats/write.js';
import type { ExportChunk, PrefixBatch } from '../../../../../engine/lists/prefix-batch.js';
import { randomBatch, randomizer } from '../random-batch.js';

function textOf(format: ExportFormat, chunks: readonly ExportChunk[]): string {
  return [...writeList(format, chunks)].join('');
}

/** Entries with all they say, as texts. */
function told({ extra, ...batch }: PrefixBatch): string[] {
  return [...batchTexts(batch)].map((text, i) => {
    const six = i - batch.len4.length;
    const expires = six < 0 ? extra?.expires4[i] : extra?.expires6[six];
    const reason = six < 0 ? extra?.reason4[i] : extra?.reason6[six];
    return `${text} ${expires ?? 'NaN'} ${extra?.reasons[reason ?? 0] ?? ''}`;
  });
}

void t.test('what was exported is imported as it was', (t) => {
  const random = randomizer(7);
  for (let round = 0; round < 80; round++) {
    const chunks: ExportChunk[] = [
      { origin: 'manual', action: 'drop', forced: false, batch: randomBatch(random, random(60), { extra: true }) },
      { origin: 'feed:some', action: 'alert', forced: false, batch: randomBatch(random, random(60), { extra: true }) },
      { origin: 'feed:some', action: 'alert', forced: true, batch: randomBatch(random, random(60), { extra: true }) },
    ];
    const all = [...batchTexts(unionBatches(chunks.map(({ batch }) => batch)))];
    for (const format of EXPORT_FORMATS) {
      const list = parseList(Buffer.from(textOf(format, chunks)));
      t.equal(list.bad, 0, `${format}: no bad line`);
      if (format !== 'json') {
        t.same(
          list.groups.flatMap(({ batch }) => [...batchTexts(batch)]),
          all,
          format,
        );
        continue;
      }
      for (const { origin, action, forced, batch } of chunks) {
        const group = list.groups.find(
          (one) => one.origin === origin && one.action === action && one.forced === forced,
        );
        t.same(group ? told(group.batch) : [], told(batch), `${origin} with expiry and reasons`);
      }
    }
  }
  t.end();
});

void t.test('an empty list', (t) => {
  for (const format of EXPORT_FORMATS) t.equal(parseList(Buffer.from(textOf(format, []))).count, 0, format);
  t.end();
});

function hasNft(): boolean {
  try {
    execFileSync('nft', ['--version'], { stdio: 'ignore' });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

void t.test('nft takes the export', { skip: hasNft() ? false : 'nft and root are needed' }, (t) => {
  const batch = randomBatch(randomizer(3), 500, { extra: true });
  const text = textOf('nft', [{ origin: 'manual', action: 'drop', forced: false, batch }]);
  execFileSync('nft', ['-c', '-f', '-'], { input: text });
  t.pass('the check finds no error');
  t.end();
});
