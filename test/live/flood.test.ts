// SPDX-License-Identifier: Apache-2.0
// A flood makes counts, not events: every packet is counted exactly, few are told in full, the rest in a line a second.
import { readFileSync } from 'node:fs';
import t from 'tap';
import type { RuleRecord } from '../../engine/api/api.js';
import { privileged, startInNetns, twoHosts, until } from '../helpers/privileged.js';
import { TestDaemon } from './support/daemon.js';
import { acquaint, curl, sentByHping, serve, transmitted } from './support/traffic.js';

const SYN_FIN = 9000001;
const SOURCE_RATE = 200;
const SUMMARIES = 3;
const TICKS_A_SECOND = 100;

/** Seconds of processor time that a process has used. */
function processorTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

if (privileged(t)) {
  t.test('an endless SYN-FIN flood costs counters, not events', { timeout: 240_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    await acquaint(victim, attacker);
    await serve(t, victim);
    const daemon = await TestDaemon.start(t, victim, { config: { events: { source_rate: SOURCE_RATE } } });
    const rule = async (): Promise<RuleRecord> => {
      const [record] = await daemon.api.showRule(SYN_FIN);
      if (!record) throw new Error(`rule ${SYN_FIN} is not loaded`);
      return record;
    };
    const summaries = (): number[] => daemon.alerts(SYN_FIN).flatMap(({ ids }) => ids.suppressed?.matched ?? []);

    const pid = daemon.process.pid;
    const used = processorTime(pid);
    const started = performance.now();
    const flood = startInNetns(t, attacker.netns, 'hping3', ['-q', '--flood', '-S', '-F', '-p', '80', victim.ipv4]);
    await until(() => summaries().length >= SUMMARIES, { deadline: 60_000, message: 'summary records' });
    t.equal((await curl(attacker, `http://${victim.ipv4}/`)).status, 0, 'others are served meanwhile');
    await flood.stop('SIGINT');
    const seconds = (performance.now() - started) / 1000;
    const share = (processorTime(pid) - used) / seconds;

    const sent = sentByHping(flood.output.stdout + flood.output.stderr);
    const { dropped } = await transmitted(attacker);
    await until(async () => (await rule()).counts.matched + dropped >= sent, { message: () => `${sent} packets` });
    const { counts } = await rule();
    // Interrupted between a packet and its count, hping3 has sent one more than it says.
    const uncounted = counts.matched + dropped - sent;
    t.comment(
      `${sent} packets in ${seconds.toFixed(1)} s, ${dropped} found no room, the daemon used ${share.toFixed(2)} cores`,
    );
    t.ok(sent > 20_000, 'that was a flood');
    t.ok(uncounted === 0 || uncounted === 1, `every packet is counted, none twice: ${counts.matched} of ${sent}`);
    t.equal(await daemon.packets('rule-drop'), counts.matched);
    t.equal(counts.events + counts.suppressed + counts.lost, counts.matched);
    // A full bucket at the start, and what flows into it.
    t.ok(counts.events <= SOURCE_RATE * (seconds + 2), `${counts.events} events`);
    t.equal(counts.lost, 0);
    t.ok(share < 0.9, `the daemon used ${share.toFixed(2)} cores`);

    await until(() => summaries().reduce((sum, matched) => sum + matched, 0) === counts.suppressed, {
      message: () => `${counts.suppressed} suppressed in summaries: ${summaries().join(' + ')}`,
    });
    t.ok(summaries().length <= seconds + 3, 'one a second');
    await until(() => daemon.alerts(SYN_FIN).length === counts.events + summaries().length);
    for (const { stage, produced, delivered, suppressed, lost } of (await daemon.status()).accounts) {
      t.equal(produced, delivered + suppressed + lost, stage);
      t.equal(lost, 0, stage);
    }
  });
}
