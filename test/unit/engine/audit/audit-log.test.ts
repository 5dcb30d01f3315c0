// SPDX-License-Identifier: Apache-2.0
// The audit log as it is written: whole lines in a chain, over restarts, rotation, crashes and a disk that is full.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { opened } from '../../../../engine/audit/chain.js';
import { checkpointsIn } from '../../../../engine/audit/checkpoint.js';
import type { AuditRecord } from '../../../../engine/audit/entry.js';
import { linesOf, rotatedFiles } from '../../../../engine/audit/files.js';
import { until } from '../../../helpers/until.js';
import { temporary } from '../api/serve.js';
import { entry, filled, scene } from './support.js';

function records(file: string): AuditRecord[] {
  return linesOf(readFileSync(file)).lines.map((line) => {
    const read = opened(line);
    if ('cause' in read) throw new Error(read.cause);
    return read.record;
  });
}

t.test('lines are numbered, chained, signed, and go on after a restart', async (t) => {
  const stage = await filled(temporary(t), 7);
  const first = records(stage.file);
  t.same(
    first.map(({ seq, action }) => [seq, action]),
    [
      ...[1, 2, 3, 4, 5].map((n) => [n, 'blocklist.add']),
      [6, 'checkpoint'],
      ...[7, 8].map((n) => [n, 'blocklist.add']),
      [9, 'checkpoint'],
    ],
  );
  t.match(first[0], {
    prev: '0'.repeat(64),
    actor: { uid: 0, pid: 1, user: 'root' },
    what: { prefixes: ['192.0.2.1/32'] },
  });
  t.equal(first[1]?.prev, first[0]?.hash);
  t.equal(statSync(join(stage.folder, 'audit.key')).mode & 0o777, 0o600);
  t.equal(statSync(stage.file).mode & 0o777, 0o600);
  t.match(readFileSync(join(stage.folder, 'audit.pub'), 'utf8'), /BEGIN PUBLIC KEY/);

  const again = stage.open();
  t.ok(again.clean, 'the end before was in good order');
  await again.append(entry(8));
  t.match(again.figures, { records: 10, signed: 9, waiting: 0, lost: 0, failures: 0 });
  await again.close();
  t.match(stage.verify(), { intact: true, first: 1, last: 11, signed: 11 });
  t.equal(stage.words.length, 3, 'each checkpoint is told');
  t.same(
    checkpointsIn(`CEF:0|x|y|msg=audit checkpoint ${stage.words[2]} end`).map(({ seq }) => seq),
    [11],
  );
  t.same(stage.troubles, []);
});

t.test('many at once are one write, in their order', async (t) => {
  const stage = scene(temporary(t));
  const log = stage.open({ checkpointRecords: 1000 });
  await Promise.all(Array.from({ length: 900 }, (_, n) => log.append(entry(n))));
  await log.close();
  t.same(
    records(stage.file).map(({ actor }) => ('pid' in actor ? actor.pid : -1)),
    [...Array(900).keys(), -1],
  );
  t.match(stage.verify(), { intact: true, last: 901 });
});

t.test('a checkpoint comes by itself when time is up', async (t) => {
  const stage = scene(temporary(t));
  const log = stage.open({ checkpointMs: 20 });
  await log.append(entry(1));
  // The timer keeps no process alive: the wait does.
  await until(() => log.figures.signed === 2);
  await log.close();
  t.same(
    records(stage.file).map(({ what }) => what?.['at']),
    [undefined, 'interval'],
    'and none at the end, as nothing came after it',
  );
});

t.test('long texts and lists are bounded', async (t) => {
  const stage = scene(temporary(t));
  const log = stage.open();
  const prefixes = Array.from({ length: 100_000 }, (_, n) => `10.0.0.${n}`);
  await log.append({ ...entry(1), what: { prefixes, reason: 'x'.repeat(100_000) } });
  await log.close();
  const [record] = records(stage.file);
  t.equal((record?.what?.['prefixes'] as unknown[]).length, 21);
  t.match(record?.what?.['reason'], /^x{300}… \(100000 characters\)$/);
});

t.test('rotation keeps the chain, and drops the oldest with the log saying so', async (t) => {
  const stage = scene(temporary(t));
  const log = stage.open({ maxBytes: 4000, files: 3 });
  for (let n = 1; n <= 100; n++) await log.append(entry(n % 250));
  await log.close();
  const rotated = rotatedFiles(stage.file);
  t.equal(rotated.length, 3);
  t.ok(
    rotated.every(({ path }) => statSync(path).size < 6000),
    'bounded',
  );
  const verdict = stage.verify();
  t.match(verdict, { intact: true, files: 4, first: rotated[0]?.first });
  t.ok(verdict.first > 1);
  // One more that nobody has told of.
  renameSync(rotated[0]?.path ?? '', join(stage.folder, 'elsewhere'));
  t.match(stage.verify(), {
    intact: false,
    bad: {
      file: rotated[1]?.path,
      line: 1,
      cause: `numbers ${rotated[0]?.first} to ${(rotated[1]?.first ?? 0) - 1} are missing before it`,
    },
  });
  renameSync(join(stage.folder, 'elsewhere'), rotated[0]?.path ?? '');
  renameSync(rotated[1]?.path ?? '', join(stage.folder, 'elsewhere'));
  t.match(stage.verify(), { intact: false, bad: { file: rotated[2]?.path, line: 1, cause: /are missing before it/ } });
});

t.test('a line that a crash left unfinished is cut off, which is told', async (t) => {
  const stage = await filled(temporary(t), 2);
  appendFileSync(stage.file, '{"seq":4,"time":"20');
  t.match(stage.verify(), { intact: false, bad: { line: 4, cause: /cut off within it/ } });
  const log = stage.open();
  t.notOk(log.clean);
  await log.append(entry(3));
  await log.close();
  t.match(records(stage.file)[3], { action: 'audit.damaged', what: { bytes: 19 } });
  t.match(stage.verify(), { intact: true, last: 6 });
  t.match(stage.troubles, [/unfinished line/]);
});

t.test('an end that was cut off while no daemon ran stays visible for good', async (t) => {
  const stage = await filled(temporary(t), 8);
  const lines = linesOf(readFileSync(stage.file)).lines;
  truncateSync(
    stage.file,
    lines.slice(0, 4).reduce((sum, line) => sum + line.length + 1, 0),
  );
  const log = stage.open();
  await log.append(entry(9));
  await log.close();
  t.match(stage.troubles, [/end of the log is missing/]);
  t.match(stage.verify(), { intact: false, last: 4, bad: { line: 5, cause: 'numbers 5 to 10 are missing before it' } });
  rmSync(stage.file);
  const anew = stage.open();
  await anew.close();
  t.match(stage.verify(), { intact: false, bad: { line: 1, cause: /numbers 1 to \d+ are missing/ } });
});

t.test('a file that is moved away or written to while the daemon runs is told', async (t) => {
  const stage = scene(temporary(t));
  const log = stage.open();
  await log.append(entry(1));
  renameSync(stage.file, `${stage.file}.away`);
  await log.append(entry(2));
  t.match(stage.troubles, [/moved away or removed/]);
  t.match(records(stage.file), [
    { seq: 2, action: 'audit.damaged' },
    { seq: 3, actor: { pid: 2 } },
  ]);
  appendFileSync(stage.file, 'noise\n');
  await log.append(entry(3));
  t.match(stage.troubles[1], /written to or cut/);
  await log.close();
  t.match(stage.verify(), { intact: false });
});

t.test('a lost key: a new one is made, the old public one stays, and the log says so', async (t) => {
  const stage = await filled(temporary(t), 2);
  rmSync(join(stage.folder, 'audit.key'));
  const log = stage.open();
  await log.close();
  t.match(records(stage.file).at(-2), { action: 'audit.damaged', what: { found: 'the key was lost' } });
  t.match(stage.verify([], { remembered: false }), {
    intact: false,
    bad: { line: 3, cause: /signed with another key/ },
  });
  const key = String(records(stage.file).at(-2)?.what?.['key']);
  t.ok(existsSync(join(stage.folder, `audit.pub.${key}`)));
  writeFileSync(join(stage.folder, 'audit.key'), 'no key');
  t.throws(() => stage.open(), { code: 'AUDIT_FAILED', message: /restore it/ });
});

t.test('where nothing can be written actions go on, entries wait, and that is told once', async (t) => {
  const stage = scene(temporary(t));
  const log = stage.open({ checkpointRecords: 10_000 });
  await log.append(entry(1));
  // A folder stands where the file has to be opened anew.
  const elsewhere = join(stage.folder, 'elsewhere');
  renameSync(stage.file, elsewhere);
  mkdirSync(stage.file);
  for (let n = 2; n <= 1200; n++) await log.append(entry(n % 250));
  t.equal(stage.troubles.length, 1);
  t.match(stage.troubles, [/cannot be written: EISDIR/]);
  t.match(log.figures, { records: 1, waiting: 1000, lost: 199 });
  rmSync(stage.file, { recursive: true });
  renameSync(elsewhere, stage.file);
  await log.append(entry(7)).then(() => log.append(entry(8)));
  await until(() => log.figures.waiting === 0, { deadline: 15_000 });
  t.ok(records(stage.file).some(({ action, what }) => action === 'audit.lost' && Number(what?.['entries']) >= 199));
  await log.close();
  t.match(stage.verify(), { intact: true });
});
