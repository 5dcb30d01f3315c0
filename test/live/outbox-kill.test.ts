// SPDX-License-Identifier: Apache-2.0
// A receiver that is down, a daemon that is killed twice while it raises: every alert arrives, in order.
// IDS_ALERTS=100000 raises so many.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { inNetns, privileged, startInNetns, twoHosts, until } from '../helpers/privileged.js';
import { lines, TestDaemon } from './support/daemon.js';
import { acquaint } from './support/traffic.js';

TestDaemon.egress = false;

const ALERTS = Number(process.env['IDS_ALERTS'] ?? 16_000);
/** While no daemon reads, the ring holds some 20,000: so many that are under way when it is killed, and so many more. */
const UNDER_WAY = 8000;
const KILLED = 6000;
const SID = 1000001;
const PORT = 6514;
const rules = `alert udp any any -> any any (msg:"datagram"; sid:${SID};)\n`;
const script = (name: string): string => fileURLToPath(new URL(`./support/${name}.js`, import.meta.url));

interface Alert {
  readonly event_type: string;
  readonly src_port: number;
  readonly dest_port: number;
  readonly timestamp: string;
  readonly alert?: { readonly signature_id: number };
  readonly ids: { readonly id: string };
}

const numberOf = ({ src_port: source, dest_port: port }: Alert): number => (source - 61_000) * 60_000 + port - 1;

/** The alerts of our rule in lines that end with a record. */
function alertsOf(found: readonly string[]): Alert[] {
  return found
    .map((line) => JSON.parse(line.slice(line.indexOf('{'))) as Alert)
    .filter(({ alert, src_port: port }) => alert?.signature_id === SID && port >= 61_000);
}

if (privileged(t)) {
  t.test('a receiver that is down, and a daemon that is killed twice', { timeout: 400_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    await acquaint(victim, attacker);
    const config = {
      events: { source_rate: 1_000_000, rule_rate: 1_000_000 },
      outputs: [
        { type: 'syslog', host: '127.0.0.1', port: PORT, transport: 'tcp', framing: 'lf', retry: { max: '1s' } },
        { type: 'file', path: '' },
      ],
    };
    const daemon = TestDaemon.prepare(t, victim, { rules, config });
    config.outputs[1] = { type: 'file', path: daemon.eveFile };
    daemon.configure({ rules, config });
    await daemon.run();
    const send = (from: number, to: number): Promise<unknown> =>
      inNetns(
        attacker.netns,
        process.execPath,
        [script('counted-sender'), victim.ipv4, String(from), String(to - from)],
        {
          deadline: 60_000,
        },
      );

    const third = Math.floor((ALERTS - 2 * KILLED) / 3);
    let sent = 0;
    const sendMore = async (count: number): Promise<void> => {
      await send(sent, sent + count);
      sent += count;
    };
    for (let kill = 0; kill < 2; kill++) {
      // Killed while it is at work, and what comes meanwhile waits in the kernel.
      const goal = sent + Math.max(1, third - UNDER_WAY);
      const work = sendMore(third);
      await until(async () => ((await daemon.api.outputs('syslog'))[0]?.raised ?? 0) >= goal, { deadline: 60_000 });
      await daemon.kill();
      await work;
      await sendMore(KILLED);
      await daemon.run();
    }
    await sendMore(ALERTS - sent);

    const lost = (await daemon.status()).accounts.filter(
      ({ stage, lost: count }) => stage.startsWith('kernel') && count > 0,
    );
    t.strictSame(lost, [], 'the rings had room');
    await until(async () => (await daemon.api.outputs('file'))[0]?.pending === 0, { deadline: 60_000 });
    t.match((await daemon.api.outputs('syslog'))[0], { delivered: 0, expired: 0, dropped: 0, durable: true });
    const received = `${daemon.folder}/received`;
    await startInNetns(t, victim.netns, process.execPath, [script('line-receiver'), String(PORT), received]).prints(
      /listening/,
    );
    await until(async () => (await daemon.api.outputs('syslog'))[0]?.pending === 0, { deadline: 120_000 });
    const settled = (await daemon.api.outputs('syslog'))[0];
    await until(() => lines(received).length >= (settled?.delivered ?? 0), { deadline: 30_000 });

    const got = alertsOf(lines(received));
    const numbers = new Set(got.map(numberOf));
    t.equal(numbers.size, ALERTS, `all of ${ALERTS} alerts`);
    const ids = new Map<string, number>();
    for (const one of got) ids.set(one.ids.id, (ids.get(one.ids.id) ?? 0) + 1);
    t.equal(ids.size, ALERTS, 'those that came twice have the same id');
    t.comment(`${got.length} records, ${got.length - ALERTS} of them again`);
    const first = (alerts: readonly Alert[]): string[] => [...new Set(alerts.map((one) => one.ids.id))];
    t.strictSame(
      first(got),
      first(alertsOf(readFileSync(daemon.eveFile, 'utf8').split('\n').slice(0, -1))),
      'in order',
    );
    if (settled) {
      const { raised, delivered, pending, suppressed, expired, dropped } = settled;
      t.equal(raised, delivered + pending + suppressed + expired + dropped, 'the account closes');
    }
  });
}
