// SPDX-License-Identifier: Apache-2.0
// What clients keep secret does not leave the kernel: it stands in no record, no log and no answer of the daemon.
import t from 'tap';
import { privileged, startInNetns, twoHosts, until } from '../helpers/privileged.js';
import { lines, TestDaemon } from './support/daemon.js';
import { curl, serve } from './support/traffic.js';

const SYSLOG_PORT = 5514;
const word = (n: number): string => `s3cret-${n}-${'x'.repeat(20)}`;

const rules = `
alert http any any -> any any (msg:"agent"; http.user_agent; content:"evil"; sid:1;)
alert http any any -> any any (msg:"header"; http.header; content:"X-Probe|3a| yes"; sid:2;)
alert http any any -> any any (msg:"cookie header"; http.header; content:"Cookie"; nocase; sid:3;)
`;

if (privileged(t)) {
  t.test('secrets', { timeout: 240_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    await serve(t, victim);
    const syslog = startInNetns(t, victim.netns, 'nc', ['-l', '-k', '127.0.0.1', String(SYSLOG_PORT)]);
    const daemon = TestDaemon.prepare(t, victim);
    const target = { host: '127.0.0.1', port: SYSLOG_PORT, transport: 'tcp', framing: 'lf', max_bytes: 32_768 };
    daemon.configure({
      rules,
      config: {
        log: { level: 'trace' },
        outputs: [
          { type: 'file', path: daemon.eveFile },
          { type: 'syslog', ...target },
        ],
      },
    });
    await daemon.run();

    const requests: string[][] = [
      ['-H', `Authorization: Bearer ${word(1)}`],
      ['-H', `authorization:${word(2)}`],
      ['-H', `PROXY-AUTHORIZATION: Basic ${word(3)}`],
      ['-b', `session=${word(4)}; other=${word(5)}`],
      ['-H', `X-Api-Key: ${word(6)}`, '-H', `Cookie: ${word(7)}`],
      ['-u', `${word(8)}:${word(9)}`],
      ['-H', `Set-Cookie: ${word(10)}`, '-X', 'POST', '-d', 'data=1'],
    ];
    for (const host of [victim.ipv4, `[${victim.ipv6}]`]) {
      for (const args of requests) {
        const probe = ['-A', 'evil/1.0', '-H', 'X-Probe: yes', ...args];
        const { status, stderr } = await curl(attacker, `http://${host}/page?q=1`, ...probe);
        t.equal(status, 0, stderr);
      }
    }
    const wanted = 2 * requests.length;
    await until(() => daemon.alerts(1).length === wanted && daemon.alerts(2).length === wanted, {
      message: () => `${wanted} alerts of each rule: ${daemon.alerts(1).length}, ${daemon.alerts(2).length}`,
    });
    const sent = lines(daemon.eveFile).length;
    await until(() => syslog.output.stdout.split('\n').length - 1 === sent, { message: 'syslog to receive all' });
    const told = {
      EVE: lines(daemon.eveFile).join('\n'),
      syslog: syslog.output.stdout,
      'alerts tail': (await daemon.cli('alerts', 'tail', '-n', '1000')).stdout,
      'alerts tail --json': (await daemon.cli('alerts', 'tail', '-n', '1000', '--json')).stdout,
      status: (await daemon.cli('status', '--json')).stdout,
      'rules list': (await daemon.cli('rules', 'list', '--json')).stdout,
    };
    await daemon.ids('stop');
    const base64 = Buffer.from(`${word(8)}:${word(9)}`).toString('base64');
    for (const [where, text] of Object.entries({ ...told, log: daemon.log })) {
      t.ok(text.length > 0, `${where} says something`);
      t.notMatch(text, /s3cret/, where);
      t.notOk(text.includes(base64), where);
    }
    t.match(told.EVE, /"http_user_agent":"evil\/1\.0"/, 'what is not secret is told');
    t.match(told.EVE, /"url":"\/page\?q=1"/);
  });
}
