// SPDX-License-Identifier: Apache-2.0
// What judging costs a bulk transfer: iperf3 over a veth pair, into the host and out of it, beside a program that only
// returns XDP_PASS in the same mode.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inNetns, startInNetns, undoAfter, until } from '../test/helpers/privileged.js';
import { Lane } from './http-lane.js';
import { median, print, type Row } from './report.js';
import { headerRules } from './rules.js';

const ROUNDS = 9;
const SECONDS = 1;
const PORT = 5201;
const ENTRIES = 10_000;

/** A list of addresses that nobody here has, as a rule names it. */
function listed(): string {
  const addresses = Array.from({ length: ENTRIES }, (_, i) => `203.${i >> 12}.${(i >> 4) & 255}.${(i & 15) * 16 + 1}`);
  return `drop ip [${addresses.join(',')}] any -> any any (msg:"listed"; sid:9000001;)`;
}

const agents = Array.from({ length: 10 }, (_, i) => {
  return `alert http any any -> any any (msg:"agent ${i}"; http.user_agent; content:"BadBot${i}"; nocase; sid:${9000100 + i};)`;
}).join('\n');

const ways = { in: [], out: ['-R'] } as const;
type Way = keyof typeof ways;

/** Gigabits a second. */
async function transfer({ victim, attacker }: Lane, way: Way): Promise<number> {
  const words = ['-c', victim.ipv4, '-p', String(PORT), '-t', String(SECONDS), '-J', ...ways[way]];
  const { stdout } = await inNetns(attacker.netns, 'iperf3', words, { deadline: (SECONDS + 20) * 1000 });
  const { end } = JSON.parse(stdout) as { end: { sum_received: { bits_per_second: number } } };
  return end.sum_received.bits_per_second / 1e9;
}

async function serve(t: Parameters<typeof startInNetns>[0], { name, victim, attacker }: Lane): Promise<void> {
  startInNetns(t, victim.netns, 'iperf3', ['-s', '-p', String(PORT)]);
  const probe = (): Promise<boolean> =>
    inNetns(attacker.netns, 'nc', ['-z', victim.ipv4, String(PORT)], { status: 'any' }).then(
      ({ status }) => status === 0,
    );
  await until(probe, { deadline: 10_000, interval: 100, message: () => `iperf3 of ${name} does not answer` });
}

export async function benchBulk(): Promise<void> {
  const closers: (() => void | Promise<void>)[] = [];
  const t = { teardown: (closer: () => void | Promise<void>) => closers.push(closer) };
  try {
    const base = mkdtempSync(join(tmpdir(), 'ids-bench-bulk-'));
    undoAfter(t, () => rmSync(base, { recursive: true, force: true }));
    const rules = [headerRules(256), agents, listed()].join('\n');
    const lanes = [
      await Lane.open(t, base, { name: 'pass' }),
      await Lane.open(t, base, { name: 'ids', rules }),
    ] as const;
    for (const lane of lanes) await serve(t, lane);
    const figures = { in: [[], []] as number[][], out: [[], []] as number[][] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const way of ['in', 'out'] as const) {
        for (const [i, lane] of lanes.entries()) figures[way][i]?.push(await transfer(lane, way));
      }
    }
    const rows = (way: Way, what: string): Row[] => {
      const [floor = [], judged = []] = figures[way];
      const share = median(judged.map((rate, i) => rate / (floor[i] ?? NaN)));
      return [
        { what: `${what}, a program that only returns XDP_PASS`, figure: `${median(floor).toFixed(2)} Gbit/s` },
        {
          what: `${what}, ids on both ways with 256 header rules, 10 of HTTP and ${ENTRIES.toLocaleString('en')} listed addresses`,
          figure: `${median(judged).toFixed(2)} Gbit/s`,
          ratio: `${(share * 100).toFixed(1)} %`,
        },
      ];
    };
    print('iperf3 over a veth pair, median of alternating rounds', [...rows('in', 'received'), ...rows('out', 'sent')]);
    const { stats, packets } = await lanes[1].status();
    print('Of these packets', [
      { what: 'on the fast way', figure: `${(((stats['fast'] ?? 0) / packets.total) * 100).toFixed(1)} %` },
    ]);
  } finally {
    for (const closer of closers.reverse()) await closer();
  }
}
