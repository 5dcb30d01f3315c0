// SPDX-License-Identifier: Apache-2.0
// The daemon itself with receivers that are dead, a black hole, slow, failing or without a name, beside a unix socket and a
// rotated file: these get everything, packets are judged and blocks made meanwhile, and the others get it all later.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { OutputStatus } from '../../alerts/index.js';
import { inNetns, privileged, startInNetns, twoHosts, until } from '../helpers/privileged.js';
import { closes, freePort, Rsyslog } from './outputs-receivers.js';
import { temporaryFolder, TestDaemon } from './support/daemon.js';
import { askFigures } from './support/figures.js';
import { acquaint, addAddresses, hping } from './support/traffic.js';

TestDaemon.egress = false;

const ALERTS = 1000;
const DROPS = 300;
const sid = { datagram: 1, offence: 2 } as const;
const rules = `
alert udp any any -> any 1:60000 (msg:"datagram"; sid:${sid.datagram};)
alert udp any any -> any 60001 (msg:"offence"; sid:${sid.offence};)
`;
const listed = '10.77.0.66';
const offender = '10.77.0.67';
const script = (name: string): string => fileURLToPath(new URL(`./support/${name}.js`, import.meta.url));

const bad = [
  { name: 'dead', kind: 'http', port: 7001, says: /ECONNREFUSED/ },
  { name: 'hole', kind: 'http', port: 7002, says: /timeout: no answer within 1 s/ },
  { name: 'fails', kind: 'http', port: 7003, says: /answered 500/ },
  { name: 'nameless', kind: 'http', port: 7004, says: /EAI_AGAIN|timeout/ },
  { name: 'slow', kind: 'lines', port: 7005, says: undefined },
] as const;
const manner = { dead: 'dead', hole: 'hole', fails: 'fails', nameless: 'well', slow: 'slow' } as const;
type Bad = keyof typeof manner;

function outputOf({ name, kind, port }: (typeof bad)[number]): object {
  const retry = { initial: '1s', max: '1s' };
  // A receiver that reads 128 KiB a second takes two seconds for a batch: longer than the timeout, and it moves.
  if (kind === 'lines') return { type: 'syslog', name, transport: 'tcp', framing: 'lf', port, timeout: '1s', retry };
  const host = name === 'nameless' ? 'receiver.test' : '127.0.0.1';
  return { type: 'webhook', name, url: `http://${host}:${port}/`, timeout: '1s', retry };
}

if (privileged(t)) {
  t.test('receivers that misbehave', { timeout: 180_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    await acquaint(victim, attacker);
    await addAddresses(attacker, listed, offender);
    // What a slow receiver has not read does not vanish in buffers of megabytes.
    for (const words of ['net.ipv4.tcp_wmem=4096 16384 65536', 'net.ipv4.tcp_rmem=4096 16384 65536']) {
      await inNetns(victim.netns, 'sysctl', ['-qw', words]);
    }
    const rsyslog = new Rsyslog(t, t.testdir(), await freePort());
    await rsyslog.start();
    const folder = temporaryFolder(t, 'outputs');
    const figures = join(folder, 'figures');
    const words = bad.map(({ name, kind, port }) => `${name}:${kind}:${port}:${manner[name]}`);
    const program = [script('receivers'), figures, 'resolver:names:53:hole', ...words];
    const receivers = startInNetns(t, victim.netns, process.execPath, program);
    await receivers.prints(/listening/);
    const arrived = (): Promise<Record<Bad, { records: number; again: number }>> => askFigures(figures);
    const file = join(folder, 'rotated.json');
    const etc = {
      hosts: join(folder, 'hosts'),
      'resolv.conf': join(folder, 'resolv.conf'),
    };
    writeFileSync(etc.hosts, '127.0.0.1 localhost\n');
    writeFileSync(etc['resolv.conf'], 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n');
    const daemon = await TestDaemon.start(t, victim, {
      rules,
      etc,
      config: {
        events: { source_rate: 1_000_000, rule_rate: 1_000_000 },
        response: { rules: [{ match: { sid: sid.offence }, block: '1h', trust: 'unproven' }] },
        outputs: [
          { type: 'syslog', name: 'log', transport: 'unix', path: rsyslog.socket },
          { type: 'file', name: 'file', path: file, rotate: { keep: 2 } },
          ...bad.map(outputOf),
        ],
      },
    });
    for (const name of ['log', 'file']) t.match(await daemon.ids('outputs', 'test', name), { outcome: 'delivered' });
    const [record] = await until(() => (rsyslog.received().length > 0 ? rsyslog.received() : undefined));
    t.match(record, { app: 'ids' });
    t.match(JSON.parse(record?.message ?? ''), { event_type: 'alert' });
    t.match(readFileSync(file, 'utf8'), /"event_type":"alert"/);

    // The trouble has begun before there is anything to judge.
    const status = async (): Promise<OutputStatus[]> => daemon.ids('outputs', 'status');
    const send = (from: number, count: number): Promise<unknown> =>
      inNetns(attacker.netns, process.execPath, [script('counted-sender'), victim.ipv4, String(from), String(count)]);
    await send(0, ALERTS / 2);
    const worried = bad.filter(({ says }) => says !== undefined).map(({ name }) => name as string);
    const failing = async (): Promise<boolean> =>
      (await daemon.api.outputs()).every(({ name, retries }) => !worried.includes(name) || retries >= 2);
    await until(failing, { deadline: 20_000 });
    for (const one of await status()) {
      const { says } = bad.find(({ name }) => name === one.name) ?? {};
      if (!says) continue;
      t.match(one, { state: 'retrying', delivered: 0, pending: one.raised, durable: true }, one.name);
      t.match(one.lastError?.message, says, one.name);
    }

    await t.test('packets are judged, and blocks made', async (t) => {
      await daemon.ids('blocklist', 'add', listed);
      await Promise.all([
        send(ALERTS / 2, ALERTS / 2),
        hping(attacker, victim.ipv4, '--udp', '-p', '53', '-a', listed, '-c', String(DROPS), '-i', 'u1000'),
      ]);
      t.equal(await daemon.dropped(listed), DROPS, 'every packet of a listed source is dropped');
      await hping(attacker, victim.ipv4, '--udp', '-p', '60001', '-a', offender, '-c', '1');
      await until(async () => (await daemon.api.blocklistCheck(offender)).blocked);
      await hping(attacker, victim.ipv4, '--udp', '-p', '53', '-a', offender, '-c', '20', '-i', 'u1000');
      t.equal(await daemon.dropped(offender), 20, 'and of one that a rule has listed meanwhile');
    });

    const alerted = (lines: readonly string[]): number =>
      lines.filter((line) => line.includes(`"signature_id":${sid.datagram},`)).length;
    await until(() => alerted(readFileSync(file, 'utf8').split('\n')) === ALERTS, { message: 'the file to have all' });
    await until(() => alerted(rsyslog.received().map(({ message }) => message)) === ALERTS);
    for (const { stage, produced, delivered, suppressed, lost, pending } of (await daemon.status()).accounts) {
      t.equal(produced, delivered + suppressed + lost + pending, stage);
      t.equal(lost, 0, stage);
    }
    t.ok((await status()).every(closes));
    const slow = (await daemon.api.outputs('slow'))[0];
    t.equal(slow?.retries, 0, `a slow one is not given up while it reads: ${slow?.lastError?.message}`);

    writeFileSync(etc.hosts, '127.0.0.1 localhost receiver.test\n');
    process.kill(receivers.pid, 'SIGUSR2');
    await until(async () => (await daemon.api.outputs()).every(({ pending }) => pending === 0), { deadline: 30_000 });
    for (const one of await status()) {
      t.match(one, { delivered: one.raised, dropped: 0, expired: 0, circuit: 'closed' }, one.name);
      t.ok(closes(one));
    }
    for (const { name } of bad) {
      const { raised } = (await status()).find((one) => one.name === name) as OutputStatus;
      await until(async () => (await arrived())[name].records === raised, { message: `${name} to have all` });
    }
    t.equal((await arrived()).slow.again, 0);
  });
}
