// SPDX-License-Identifier: Apache-2.0
// Tampering of every kind is found: each byte, each line, each order, and an end that was signed.
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { linesOf } from '../../../../engine/audit/files.js';
import { temporary } from '../api/serve.js';
import { filled, type Scene } from './support.js';

const ROUNDS = Math.min(Number(process.env['IDS_FUZZ'] ?? 300), 5000);

const linesIn = (file: string): Buffer[] => linesOf(readFileSync(file)).lines.map((line) => Buffer.from(line));
const write = (file: string, lines: readonly Buffer[]): void =>
  writeFileSync(file, Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])));

async function written(
  t: Parameters<typeof temporary>[0],
  count: number,
  checkpointRecords = 5,
): Promise<{ stage: Scene; lines: Buffer[] }> {
  const stage = await filled(temporary(t), count, { checkpointRecords });
  return { stage, lines: linesIn(stage.file) };
}

t.test('any single byte, in any of its bits, any line dropped, repeated or exchanged', async (t) => {
  const { stage, lines } = await written(t, 5, 3);
  const bytes = readFileSync(stage.file);
  const starts = lines.map((_, i) => lines.slice(0, i).reduce((sum, line) => sum + line.length + 1, 0));
  let missed = 0;
  let misnamed = 0;
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << ((at * 7) % 8));
    writeFileSync(stage.file, flipped);
    const { intact, bad } = stage.verify();
    if (intact) missed++;
    // The line that it is in; a newline that is none any more makes one of two.
    const line = starts.findLastIndex((start) => start <= at) + 1;
    if (bad?.line !== line) misnamed++;
  }
  t.equal(missed, 0, `${bytes.length} bytes`);
  t.equal(misnamed, 0, 'and the first bad line is the one');
  lines.forEach((_, i) => {
    write(
      stage.file,
      lines.filter((__, k) => k !== i),
    );
    t.match(stage.verify(), { intact: false, bad: { line: i + 1 } }, `without line ${i + 1}`);
    write(stage.file, [...lines.slice(0, i + 1), ...lines.slice(i)]);
    t.match(stage.verify(), { intact: false, bad: { line: i + 2, cause: /moved or repeated/ } }, `twice line ${i + 1}`);
    lines.forEach((__, k) => {
      if (k <= i) return;
      const swapped = lines.map((line, n) => lines[n === i ? k : n === k ? i : n] ?? line);
      write(stage.file, swapped);
      if (stage.verify().bad?.line !== i + 1) t.fail(`lines ${i + 1} and ${k + 1} exchanged`);
    });
  });
  writeFileSync(stage.file, bytes);
  t.match(stage.verify(), { intact: true, first: 1, last: lines.length, signed: lines.length });
});

t.test('random edits of random bytes', async (t) => {
  const { stage } = await written(t, 20);
  const bytes = readFileSync(stage.file);
  let missed = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const at = Math.floor(Math.random() * bytes.length);
    const cut = Math.floor(Math.random() * 40);
    const put = Buffer.from(
      Array.from({ length: Math.floor(Math.random() * 40) }, () => Math.floor(Math.random() * 256)),
    );
    const edited = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)]);
    if (edited.equals(bytes)) continue;
    writeFileSync(stage.file, edited);
    if (stage.verify().intact) missed++;
  }
  t.equal(missed, 0);
});

t.test('a whole chain made anew does not have the signatures', async (t) => {
  const { stage } = await written(t, 12);
  const other = await filled(temporary(t), 12);
  writeFileSync(stage.file, readFileSync(other.file));
  t.match(stage.verify(), { intact: false, bad: { line: 6, cause: /signed with another key/ } });
});

t.test('an end that is cut off: the checkpoint that is kept apart proves it', async (t) => {
  const { stage, lines } = await written(t, 12);
  const first = stage.words[0] ?? '';
  for (let keep = lines.length - 1; keep >= 0; keep--) {
    truncateSync(stage.file, 0);
    write(stage.file, lines.slice(0, keep));
    const { intact, bad } = stage.verify();
    t.notOk(intact, `${keep} lines are left`);
    t.match(bad, {
      line: keep + 1,
      cause: /the end of the log is missing: it ends with number \d+, and on .* number 15 was/,
    });
    // One who has the host changes the checkpoint there; the one that was sent away stays.
    t.equal(stage.verify([first], { remembered: false }).intact, keep >= 6, `an older one, ${keep} lines`);
    t.equal(stage.verify([], { remembered: false }).intact, true, 'nothing is known without one');
  }
});

t.test('a checkpoint that is not whole proves nothing', async (t) => {
  const { stage } = await written(t, 5);
  const word = stage.words.at(-1) ?? '';
  for (let at = 'ids-audit-1:'.length; at < word.length; at++) {
    const bent = `${word.slice(0, at)}${word[at] === '0' ? '1' : '0'}${word.slice(at + 1)}`;
    let found: boolean;
    try {
      // Where it is no checkpoint any more, none is given.
      found = /ids-audit-1:\d+:\d+:[0-9a-f]{64}:[0-9a-f]{16}:[\w-]{86}/.test(bent)
        ? !stage.verify([bent]).intact
        : true;
    } catch (error) {
      found = (error as Error).message.includes('proves nothing');
    }
    if (!found) t.fail(bent);
  }
  t.ok(stage.verify([word]).intact);
});
