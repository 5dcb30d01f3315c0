// SPDX-License-Identifier: Apache-2.0
// A file output on a disk that is full for a while: a small tmpfs.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { undoAfter } from '../helpers/undo.js';
import { until } from '../helpers/until.js';
import { numbered, numberOf } from '../unit/alerts/samples.js';
import { closes, openOutputs } from './outputs-receivers.js';

/** Sorts what was put aside by its age, and the file itself behind. */
const ageOf = (name: string): string => (name === 'eve.json' ? '~' : name.replace('.gz', ''));

for (const rotate of [undefined, { size: '256KiB', keep: 100, compress: false }]) {
  t.test(`nothing half written, all of it once there is room; rotate: ${JSON.stringify(rotate)}`, async (t) => {
    // Not in a folder of the test's: that one is removed before the disk is.
    const disk = mkdtempSync(path.join(tmpdir(), 'ids-test-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
    undoAfter(t, () => {
      execFileSync('umount', ['-l', disk]);
      rmdirSync(disk);
    });
    const file = path.join(disk, 'eve.json');
    const filler = path.join(disk, 'filler');
    writeFileSync(filler, Buffer.alloc(700 * 1024));
    const dispatcher = await openOutputs(t, [{ type: 'file', path: file, ...(rotate ? { rotate } : {}) }]);
    const total = 1000;
    for (let n = 0; n < total; n += 50) {
      dispatcher.push(Array.from({ length: 50 }, (_, i) => numbered(n + i)));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await until(() => dispatcher.status()[0]?.state === 'retrying');
    t.match(dispatcher.status()[0]?.lastError?.message, /cannot append to .*: ENOSPC/);
    t.match(readFileSync(file, 'utf8'), /^$|\}\n$/, 'whole lines');
    rmSync(filler);
    await until(() => dispatcher.status()[0]?.delivered === total);
    await dispatcher.close(1000);
    const names = readdirSync(disk).filter((name) => !name.endsWith('.part'));
    const lines = names
      .sort((a, b) => (ageOf(a) < ageOf(b) ? -1 : 1))
      .map((name) => readFileSync(path.join(disk, name)))
      .map((bytes) => (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString())
      .flatMap((text) => text.split('\n').slice(0, -1));
    t.strictSame(
      lines.map((line) => numberOf(JSON.parse(line))),
      [...Array(total).keys()],
    );
    const [status] = dispatcher.status();
    t.ok(status && closes(status) && status.dropped === 0);
  });
}
