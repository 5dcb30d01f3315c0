// SPDX-License-Identifier: Apache-2.0
// From packet to cut flow: a connection sends what a drop rule of the engine names, then goes on sending; what still
// arrives tells, on the sender's own clock, how long it took until the kernel dropped the rest of the flow.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inNetns, startInNetns, undoAfter } from '../test/helpers/privileged.js';
import { Lane } from './http-lane.js';
import { percentile, print } from './report.js';

const CONNECTIONS = 40;
/** Rules that the kernel cannot judge by itself: where they look at, and what is sent. */
const rules = `
drop tcp any any -> any 7777 (msg:"raw content"; flow:established,to_server; content:"cut me here"; sid:1;)
drop http any any -> any 7777 (msg:"normalised URI"; http.uri; content:"/cut me"; sid:2;)
`;
const triggers = { 'raw content': 'cut me here', 'a URI once it is normalised': 'GET /cut%20me HTTP/1.1' } as const;

export async function benchCut(): Promise<void> {
  const closers: (() => void | Promise<void>)[] = [];
  const t = { teardown: (closer: () => void | Promise<void>) => closers.push(closer) };
  try {
    const folder = mkdtempSync(join(tmpdir(), 'ids-bench-cut-'));
    undoAfter(t, () => rmSync(folder, { recursive: true, force: true }));
    const { victim, attacker } = await Lane.open(t, folder, { name: 'cut', rules });
    const probe = fileURLToPath(new URL('./cut-probe.js', import.meta.url));
    const received = join(folder, 'received.json');
    const receiver = startInNetns(t, victim.netns, process.execPath, [probe, 'receive', received]);
    await receiver.prints(/ready/);
    const words = [probe, 'send', victim.ipv4, String(CONNECTIONS), ...Object.values(triggers)];
    await inNetns(attacker.netns, process.execPath, words, { deadline: 60_000 });
    await receiver.stop();
    const found = JSON.parse(readFileSync(received, 'utf8')) as { head: string; cut: boolean; ns: number }[];
    const rows = Object.entries(triggers).map(([what, trigger]) => {
      const all = found.filter(({ head }) => head.startsWith(trigger));
      const cuts = all.filter(({ cut }) => cut);
      const ms = (share: number): string =>
        `${percentile(
          cuts.map(({ ns }) => ns / 1e6),
          share,
        ).toFixed(2)} ms`;
      return {
        what: `${what}, ${cuts.length} of ${all.length} cut: median, 99 of 100`,
        figure: `${ms(0.5)}, ${ms(0.99)}`,
      };
    });
    print('From a packet that a drop rule of the engine names to the cut of its flow (whole daemon, live)', rows);
  } finally {
    for (const closer of closers.reverse()) await closer();
  }
}
