// SPDX-License-Identifier: Apache-2.0
// From packet to enforced block: a source sends a packet that a rule answers with a block, then goes on sending; what
// still arrives tells, on the sender's own clock, how long it took until the kernel dropped it.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inNetns, run, startInNetns, twoHosts, undoAfter, until } from '../test/helpers/privileged.js';
import { percentile, print } from './report.js';

const SOURCES = 60;
const root = fileURLToPath(new URL('../../', import.meta.url));

export async function benchResponse(): Promise<void> {
  const closers: (() => void | Promise<void>)[] = [];
  const t = { teardown: (closer: () => void | Promise<void>) => closers.push(closer) };
  try {
    const folder = mkdtempSync(join(tmpdir(), 'ids-bench-'));
    undoAfter(t, () => rmSync(folder, { recursive: true, force: true }));
    const { victim, attacker } = await twoHosts(t);
    const sources = Array.from({ length: SOURCES }, (_, i) => `10.77.0.${i + 100}`);
    for (const source of sources)
      await run('ip', ['-n', attacker.netns, 'address', 'add', `${source}/24`, 'dev', attacker.device]);
    const pins = `/sys/fs/bpf/ids-bench-${process.pid}`;
    writeFileSync(
      join(folder, 'bench.rules'),
      'alert udp any any -> any 7777 (msg:"trigger"; dsize:32; sid:1; rev:1;)\n',
    );
    writeFileSync(
      join(folder, 'ids.yaml'),
      `interfaces: [${victim.device}]
socket: ${folder}/ids.sock
state_dir: ${folder}/state
pin_dir: ${pins}
rules: [${folder}/bench.rules]
response: { rules: [{ match: { sid: 1 }, block: 1h, trust: unproven }] }
outputs: [{ type: file, path: ${folder}/eve.json }]
`,
    );
    const received = join(folder, 'received.json');
    const probe = fileURLToPath(new URL('./response-probe.js', import.meta.url));
    const daemon = startInNetns(t, victim.netns, join(root, 'bin/ids'), ['run', '--config', join(folder, 'ids.yaml')]);
    const ids = (...args: string[]): Promise<unknown> =>
      run(join(root, 'bin/ids'), [...args, '--socket', `${folder}/ids.sock`]);
    await until(() => ids('status').then(() => true), {
      deadline: 30_000,
      interval: 200,
      message: () => daemon.output.stderr,
    });
    const receiver = startInNetns(t, victim.netns, process.execPath, [probe, 'receive', received]);
    await receiver.prints(/ready/);
    await inNetns(attacker.netns, process.execPath, [probe, 'send', victim.ipv4, ...sources], { deadline: 60_000 });
    await receiver.stop();
    await ids('stop', '--detach');
    const latencies = JSON.parse(readFileSync(received, 'utf8')) as Record<string, number>;
    const values = Object.values(latencies).map((ns) => ns / 1e6);
    const ms = (share: number): string => `${percentile(values, share).toFixed(2)} ms`;
    print('From a packet to its source being dropped (whole daemon, live)', [
      { what: `median of ${values.length} sources`, figure: ms(0.5) },
      { what: '99 of 100', figure: ms(0.99) },
    ]);
  } finally {
    for (const closer of closers.reverse()) await closer();
  }
}
