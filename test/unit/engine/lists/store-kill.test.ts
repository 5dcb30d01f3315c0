// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { enforced, fixture } from './fixture.js';

const writer = fileURLToPath(new URL('./store-writer.js', import.meta.url));

t.test('what was acknowledged survives kill -9 in the middle of writing', async (t) => {
  const file = join(t.testdir(), 'lists.db');
  const acknowledged: string[] = [];
  for (let round = 0; round < 4; round++) {
    const child = spawn(process.execPath, [writer, file, String(acknowledged.length + round)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    let lines = 0;
    const goal = 20 + 37 * round;
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      lines = text.split('\n').length - 1;
      if (lines >= goal) child.kill('SIGKILL');
    });
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    t.equal(signal, 'SIGKILL', `round ${round} ended by the kill, not by itself (${code})`);
    acknowledged.push(...text.split('\n').slice(0, lines));
    const f = fixture({ file });
    const listed = new Set(f.blocklist.list().map((entry) => entry.prefix));
    t.same(
      acknowledged.filter((address) => !listed.has(address)),
      [],
      `all ${acknowledged.length} are there`,
    );
    t.ok(listed.size <= acknowledged.length + round + 1, 'and at most the one under way beyond them');
    t.equal(enforced(f), listed.size);
    f.close();
  }
});
