// SPDX-License-Identifier: Apache-2.0
// The main job from end to end, on real packets: attacks, alerts at real receivers, drops, and nobody else disturbed.
//   main.js [--json]
import type { Status } from '../../engine/api/api.js';
import { inNetns, until } from '../helpers/privileged.js';
import { acts, legitimate } from './acts.js';
import { addresses, setStage } from './stage.js';
import type { Stage } from './stage.js';

interface Summary {
  ok: boolean;
  /** Alerts that the engine raised, by sid. */
  alerts: Record<string, number>;
  /** Packets dropped, by reason. */
  dropped: Record<string, number>;
  /** Records that arrived. */
  syslog: number;
  webhook: number;
  legitimate: { sent: number; passed: number };
  /** What was expected and did not happen, a line each. */
  failures: string[];
}

const DELIVERY_MS = 20_000;
const json = process.argv.includes('--json');
const failures: string[] = [];
const closers: (() => void | Promise<void>)[] = [];
const t = { teardown: (closer: () => void | Promise<void>) => closers.push(closer) };

const say = (text = ''): void => console.log(text);
const expectThat = (condition: boolean, otherwise: string): void => {
  if (condition) return;
  failures.push(otherwise);
  say(`  ✗ ${otherwise}`);
};

type Eve = Record<string, unknown> & { event_type?: string; alert?: { signature_id: number; signature: string } };

/** Alerts by sid in EVE records. */
function bySid(records: readonly Eve[]): Map<number, { count: number; msg: string }> {
  const found = new Map<number, { count: number; msg: string }>();
  for (const { event_type: type, alert } of records) {
    if (type !== 'alert' || !alert) continue;
    const known = found.get(alert.signature_id) ?? { count: 0, msg: alert.signature };
    known.count++;
    found.set(alert.signature_id, known);
  }
  return found;
}

/** Sends every legitimate request once; returns how many were sent and answered. */
async function browse(stage: Stage, tally: { sent: number; passed: number }): Promise<void> {
  for (const [command, ...args] of legitimate(stage)) {
    tally.sent++;
    const { status } = await inNetns(stage.attacker.netns, command, args, { status: 'any' });
    if (status === 0) tally.passed++;
    else expectThat(false, `a legitimate request was not answered: ${[command, ...args].join(' ')}`);
  }
}

async function play(stage: Stage): Promise<Summary> {
  const tally = { sent: 0, passed: 0 };
  await browse(stage, tally);
  const before = bySid(stage.syslog());
  expectThat(before.size === 0, `legitimate traffic raised alerts: ${[...before.keys()].join(', ')}`);
  say(`legitimate clients: ${tally.passed} of ${tally.sent} requests answered, ${before.size} alerts`);

  await stage.ids('blocklist', 'add', addresses.listed, '--reason', 'demo');
  say(`ids blocklist add ${addresses.listed}`);
  const expected = new Set<number>();
  for (const { title, command, expect } of acts(stage)) {
    say(`\n${title}: ${command.join(' ')}`);
    const [program, ...args] = command;
    const { status } = await stage.attack(program, args);
    if (args.includes(addresses.listed))
      expectThat(status === 28, `the blocklisted address was not shut out (curl says ${status})`);
    for (const sid of expect) {
      expected.add(sid);
      const arrived = await until(() => bySid(stage.syslog() as Eve[]).get(sid), { deadline: DELIVERY_MS }).catch(
        () => undefined,
      );
      if (arrived) say(`  ✓ ${sid} ${arrived.msg}`);
      else expectThat(false, `no alert ${sid}`);
    }
    await browse(stage, tally);
  }
  await stage.ids('blocklist', 'remove', addresses.listed);
  const { status: reached } = await stage.attack('curl', [
    '-sf',
    '-m',
    '5',
    '-o',
    '/dev/null',
    '--interface',
    addresses.listed,
    `http://${stage.victim.ipv4}/`,
  ]);
  expectThat(reached === 0, `an address taken off the blocklist is still shut out (curl says ${reached})`);
  return summarise(stage, tally, expected);
}

async function summarise(stage: Stage, tally: Summary['legitimate'], expected: ReadonlySet<number>): Promise<Summary> {
  const settled = async (): Promise<Status | undefined> => {
    const status = (await stage.ids('status')) as Status;
    return status.outputs.every(({ pending }) => pending === 0) ? status : undefined;
  };
  const status = await until(settled, { deadline: DELIVERY_MS, interval: 200, message: 'the outputs to deliver' });
  const syslog = stage.syslog() as Eve[];
  const webhook = stage.webhook();
  const alerts = bySid(syslog);
  const hooked = bySid(webhook.records);
  for (const sid of expected) expectThat(hooked.has(sid), `alert ${sid} did not arrive at the webhook`);
  expectThat(webhook.forged === 0, `${webhook.forged} webhook requests had no valid signature`);
  for (const output of status.outputs) {
    expectThat(
      output.delivered === output.raised,
      `${output.name} delivered ${output.delivered} of ${output.raised} records`,
    );
  }
  for (const stageAccount of status.accounts)
    expectThat(stageAccount.lost === 0, `${stageAccount.stage} lost ${stageAccount.lost} events`);
  const dropped = Object.fromEntries(
    status.reasons
      .filter(({ reason }) => /^(blocklist|rule-|flow-cut|reject)/.test(reason))
      .map(({ reason, packets }) => [reason, packets]),
  );
  expectThat((dropped['blocklist'] ?? 0) > 0, 'no packet was dropped by the blocklist');
  expectThat(tally.passed === tally.sent, `${tally.sent - tally.passed} legitimate requests were not answered`);
  return {
    ok: failures.length === 0,
    alerts: Object.fromEntries([...alerts].sort(([a], [b]) => a - b).map(([sid, { count }]) => [sid, count])),
    dropped,
    syslog: syslog.length,
    webhook: webhook.records.length,
    legitimate: tally,
    failures,
  };
}

function show(summary: Summary): void {
  say('\nSummary');
  for (const [sid, count] of Object.entries(summary.alerts)) say(`  alert ${sid}: ${count}`);
  for (const [reason, packets] of Object.entries(summary.dropped)) say(`  dropped by ${reason}: ${packets} packets`);
  say(`  syslog received ${summary.syslog} records, the webhook ${summary.webhook}`);
  say(`  legitimate requests: ${summary.legitimate.passed} of ${summary.legitimate.sent} answered`);
  say(summary.ok ? '  everything that was expected happened' : `  ${summary.failures.length} expectations failed`);
}

if (process.getuid?.() !== 0) {
  console.error('demo: run it as root: it makes network namespaces and loads BPF programs');
  process.exit(4);
}
try {
  say('Setting up two namespaces, nginx, rsyslog, a webhook endpoint and ids ...');
  const stage = await setStage(t);
  const summary = await play(stage);
  await stage.ids('stop', '--detach');
  show(summary);
  if (json) say(JSON.stringify(summary));
  process.exitCode = summary.ok ? 0 : 1;
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
  if (json) say(JSON.stringify({ ok: false, error: String(error) }));
  process.exitCode = 1;
} finally {
  for (const closer of closers.reverse()) await closer();
}
