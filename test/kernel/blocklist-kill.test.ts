// SPDX-License-Identifier: Apache-2.0
// The blocklist service is killed at random moments of imports, feed replacements and expiry.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { formatPrefix } from '../../common/address.js';
import { pairOf, prefixAt } from '../../engine/lists/claims/keys.js';
import type { PrefixBatch } from '../../engine/lists/prefix-batch.js';
import { Kernel } from '../../engine/bpf/index.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { undoAfter } from '../helpers/undo.js';
import { core, feed, imported } from './support/blocklist-contents.js';
import { serviceOn } from './support/blocklist-service.js';
import { tcp } from './support/frames.js';
import { Random } from './support/random.js';

const skip = whyUnprivileged() ?? false;
const ROUNDS = Number(process.env['IDS_KILLS'] ?? 3);
const DROP = 1;
t.setTimeout(180_000);

const script = (name: string): string => fileURLToPath(new URL(`./support/${name}.js`, import.meta.url));

function textsOf(batch: PrefixBatch): string[] {
  const { four, six } = pairOf(batch);
  return [four, six].flatMap((keys) => Array.from(keys.len, (_, i) => formatPrefix(prefixAt(keys, i))));
}

/** What the sender says at its end. */
interface Told {
  readonly packets?: number;
  readonly missed?: number;
  readonly dropped?: number;
  readonly where?: unknown;
}

const same = (a: readonly string[], b: readonly string[]): boolean => [...a].sort().join() === [...b].sort().join();

t.test('nothing acknowledged is lost, nothing listed is let through', { skip }, async (t) => {
  const pinDir = `/sys/fs/bpf/ids-kill-${process.pid}`;
  undoAfter(t, () => Kernel.detachAll(pinDir));
  const file = join(t.testdir(), 'lists.db');
  const random = new Random(11);
  const first = serviceOn(pinDir, file);
  await first.blocklist.bulk.replaceOrigin('feed:a', feed(0), {});
  first.close();

  const sender = spawn(
    process.execPath,
    [script('list-agent'), pinDir, core.addresses.join(), '192.0.2.1,2001:db8::1'],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  undoAfter(t, () => sender.kill('SIGKILL'));
  let sent = '';
  sender.stdout.setEncoding('utf8').on('data', (text: string) => (sent += text));
  await once(sender.stdout, 'data');

  const imports = new Set<number>();
  const singles = new Set<number>();
  let version = 0;
  const rounds: string[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const agent = spawn(process.execPath, [script('blocklist-agent'), pinDir, file, String(round)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    agent.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    await once(agent.stdout, 'data');
    setTimeout(() => agent.kill('SIGKILL'), 50 + random.below(900));
    const [, signal] = (await once(agent, 'close')) as [number | null, string | null];
    rounds.push(`${new Date().toISOString()} killed after "${text.trim().split('\n').at(-1)}"`);
    t.equal(signal, 'SIGKILL', `round ${round} was ended by the kill`);
    let begun: number | undefined;
    let importing: number | undefined;
    for (const line of text.split('\n').slice(0, -1)) {
      const [what = '', which, number] = line.split(' ');
      if (line.startsWith('begin feed')) begun = Number(number);
      else if (line.startsWith('begin import')) importing = Number(number);
      else if (what === 'feed') version = Number(which);
      else if (what === 'import') imports.add(Number(which));
      else if (what === 'single') singles.add(Number(which));
    }

    const service = serviceOn(pinDir, file);
    const entries = service.blocklist.list();
    const of = (origin: string): string[] => entries.filter((one) => one.origin === origin).map((one) => one.prefix);
    const now = of('feed:a');
    const half = begun === undefined || begun === version ? undefined : begun;
    const found = same(now, textsOf(feed(version)))
      ? version
      : half !== undefined && same(now, textsOf(feed(half)))
        ? half
        : NaN;
    t.notSame(found, NaN, `the feed is version ${version} or ${half}, whole`);
    version = Number.isNaN(found) ? version : found;
    const manual = new Set(of('manual'));
    const missing = [...imports].filter((i) => !textsOf(imported(i)).every((one) => manual.has(one)));
    t.same(missing, [], `${imports.size} imports are there`);
    if (importing !== undefined && !imports.has(importing)) {
      const there = textsOf(imported(importing)).filter((one) => manual.has(one)).length;
      t.ok(there === 0 || there === imported(importing).count, 'the one under way is there as a whole or not at all');
      if (there > 0) imports.add(importing);
    }
    t.same(
      [...singles].filter((i) => !manual.has(formatPrefix(core.single(i)))),
      [],
      `${singles.size} single entries are there`,
    );
    t.match(service.table.check(), { missing: 0, foreign: 0, index: 0 }, 'store and kernel agree');
    t.same(service.blocklist.reconcile(), { put: 0, removed: 0 });
    const distinct = new Set(entries.map((one) => one.prefix)).size;
    t.match(service.blocklist.status(), { entries: distinct, enforced: distinct });
    const someone = entries[random.below(entries.length)];
    if (someone) {
      const address = someone.prefix.replace(/\/.*/, '');
      const dst = address.includes(':') ? '2001:db8::ff' : '198.51.100.2';
      t.equal(service.kernel.run(tcp({ src: address, dst })).verdict, DROP, address);
    }
    service.close();
    rounds.push(`${new Date().toISOString()} right again`);
  }
  sender.stdin.end();
  await once(sender, 'close');
  const { packets, missed, dropped, where } = JSON.parse(sent.trim().split('\n').at(-1) ?? '{}') as Told;
  t.comment(`${packets} packets`);
  t.ok((packets ?? 0) > 1000);
  t.equal(missed, 0, 'listed before and after: dropped throughout', { where, rounds });
  t.equal(dropped, 0);
});
