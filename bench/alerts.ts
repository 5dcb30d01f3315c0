// SPDX-License-Identifier: Apache-2.0
// Alerts a second from the packet to a file and to a syslog receiver over TCP, beside rsyslog that forwards the same records
// from a file (imfile) to the same receiver.

import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startInNetns, twoHosts, until, type Host } from '../test/helpers/privileged.js';
import type { Background } from '../test/helpers/privileged.js';
import type { Teardown } from '../test/helpers/undo.js';
import { udp } from '../test/kernel/support/frames.js';
import { TestDaemon, temporaryFolder } from '../test/live/support/daemon.js';
import { AlertFeeder } from './alert-feeder.js';
import { median, print, type Row } from './report.js';

const ALERTS = 200_000;
const ROUNDS = 3;
const SID = 1_000_001;
const PORT = 10_514;
const DEADLINE_MS = 120_000;
/** Floors of the work, alerts a second. */
const FLOOR = { file: 50_000, syslog: 20_000 };
const rules = `alert udp any any -> any 9 (msg:"datagram"; sid:${SID};)\n`;

/** The bytes of a file; 0 if there is none. */
function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** An rsyslog of one's own with this configuration. */
function rsyslog(t: Teardown, host: Host, folder: string, name: string, lines: readonly string[]): Background {
  const conf = join(folder, `${name}.conf`);
  writeFileSync(conf, [`global(workDirectory="${folder}" maxMessageSize="64k")`, ...lines, ''].join('\n'));
  return startInNetns(t, host.netns, 'rsyslogd', ['-n', '-f', conf, '-i', join(folder, `${name}.pid`)]);
}

/** An rsyslog that writes what it gets over TCP to a file. */
async function receiver(t: Teardown, host: Host, folder: string): Promise<string> {
  const received = join(folder, 'received');
  rsyslog(t, host, folder, 'receiver', [
    'module(load="imtcp")',
    'template(name="message" type="string" string="%msg%\\n")',
    `input(type="imtcp" address="127.0.0.1" port="${PORT}" ruleset="in")`,
    `ruleset(name="in") { action(type="omfile" file="${received}" template="message") }`,
  ]);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return received;
}

/** Seconds until a file has grown by so many bytes. */
async function grown(file: string, from: number, bytes: number, start: number): Promise<number> {
  await until(() => sizeOf(file) - from >= bytes, {
    deadline: DEADLINE_MS,
    message: () => `${sizeOf(file)} of ${bytes}`,
  });
  return (performance.now() - start) / 1000;
}

/** Alerts a second until the output has delivered all of them, and its receiver has them. */
async function measure(t: Teardown, host: Host, output: object, file: string): Promise<number[]> {
  const outputs = [{ events: ['alert'], ...output }];
  const events = { source_rate: 1_000_000, rule_rate: 1_000_000 };
  const daemon = await TestDaemon.start(t, host, { rules, config: { outputs, events } });
  const feeder = new AlertFeeder(daemon.pins);
  const frame = udp({ src: '192.0.2.7', dst: '198.51.100.1', sport: 40_000, dport: 9 });
  const rates: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const [before] = await daemon.api.outputs();
    const size = sizeOf(file);
    const start = performance.now();
    await feeder.feed(frame, ALERTS);
    const goal = (before?.delivered ?? 0) + ALERTS;
    await until(async () => ((await daemon.api.outputs())[0]?.delivered ?? 0) >= goal, { deadline: DEADLINE_MS });
    const took = (performance.now() - start) / 1000;
    // The receiver has all when its file does not grow any more.
    let last = -1;
    while (last !== sizeOf(file)) {
      last = sizeOf(file);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    if (last <= size) throw new Error('the receiver has got nothing');
    // The first round warms the code up.
    if (round > 0) rates.push(ALERTS / took);
  }
  const [status] = await daemon.api.outputs();
  const lost = (await daemon.status()).accounts.reduce((sum, account) => sum + account.lost, 0);
  if (lost > 0 || status?.dropped !== 0) throw new Error(`${lost} alerts were lost`);
  await daemon.ids('stop', '--detach');
  await daemon.process.ended;
  return rates;
}

/** rsyslog reads the records from a file and forwards them. */
async function forwarded(t: Teardown, host: Host, records: string, received: string): Promise<number[]> {
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const folder = temporaryFolder(t, 'bench-forward');
    const from = sizeOf(received);
    const start = performance.now();
    const forwarder = rsyslog(t, host, folder, 'forward', [
      'module(load="imfile")',
      `input(type="imfile" file="${records}" tag="ids" ruleset="out")`,
      'ruleset(name="out") {',
      `  action(type="omfwd" target="127.0.0.1" port="${PORT}" protocol="tcp" TCP_Framing="octet-counted"`,
      '    template="RSYSLOG_SyslogProtocol23Format" queue.type="LinkedList" queue.size="500000"',
      '    queue.dequeueBatchSize="500" action.resumeRetryCount="-1") }',
    ]);
    // As long as the records themselves; the receiver writes a blank in front of each.
    const took = await grown(received, from, sizeOf(records), start);
    rates.push(ALERTS / took);
    await forwarder.stop('SIGTERM');
  }
  return rates;
}

export async function benchAlerts(): Promise<void> {
  const closers: (() => void | Promise<void>)[] = [];
  const t = { teardown: (closer: () => void | Promise<void>) => closers.push(closer) };
  try {
    const { victim } = await twoHosts(t);
    const folder = temporaryFolder(t, 'bench-alerts');
    const file = join(folder, 'eve.json');
    const toFile = await measure(t, victim, { type: 'file', path: file }, file);
    const received = await receiver(t, victim, folder);
    const syslog = { type: 'syslog', host: '127.0.0.1', port: PORT, transport: 'tcp' };
    const toSyslog = await measure(t, victim, syslog, received);
    // The records of one round.
    const records = join(folder, 'records.json');
    writeFileSync(records, '');
    await startInNetns(t, victim.netns, 'sh', ['-c', `head -n ${ALERTS} "${file}" > "${records}"; echo done`]).prints(
      /done/,
    );
    const peer = await forwarded(t, victim, records, received);
    const rate = (values: readonly number[]): string => `${Math.round(median(values)).toLocaleString('en-US')} /s`;
    const times = (values: readonly number[], floor: number): string => (median(values) / floor).toFixed(2);
    const rows: Row[] = [
      { what: 'alerts, packet to file', figure: rate(toFile), ratio: `${times(toFile, FLOOR.file)} of ${FLOOR.file}` },
      {
        what: 'alerts, packet to syslog over TCP',
        figure: rate(toSyslog),
        ratio: `${times(toSyslog, FLOOR.syslog)} of ${FLOOR.syslog}; ${times(toSyslog, median(peer))} times rsyslog`,
      },
      { what: 'rsyslog, file to syslog over TCP', figure: rate(peer) },
    ];
    print(`${ALERTS} alerts, stored before they are delivered`, rows);
  } finally {
    for (const closer of closers.reverse()) await closer();
  }
}
