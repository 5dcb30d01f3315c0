// SPDX-License-Identifier: Apache-2.0
// Real clients and servers: every hello and every question is logged once with the right fields, and what a rule drops
// inline does not get through.
import { X509Certificate } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { inNetns, privileged, startInNetns, twoHosts, until, type Host } from '../helpers/privileged.js';
import { selfSigned } from '../helpers/tls-bytes.js';
import { lines, TestDaemon } from './support/daemon.js';

const rules = `
drop dns any any -> any any (msg:"query"; dns.query; content:"evil.example"; nocase; endswith; sid:1;)
drop tls any any -> any any (msg:"sni"; tls.sni; content:"evil.example"; nocase; endswith; sid:2;)
`;

interface Logged {
  readonly event_type: string;
  readonly src_ip: string;
  readonly dest_port: number;
  readonly proto: string;
  readonly dns?: {
    readonly type: string;
    readonly id: number;
    readonly queries?: { rrname: string; rrtype: string }[];
  } & Record<string, unknown>;
  readonly tls?: Record<string, unknown> & { readonly sni?: string };
}

const log = (daemon: TestDaemon, kind: string): Logged[] =>
  lines(daemon.eveFile)
    .map((line) => JSON.parse(line) as Logged)
    .filter(({ event_type: type }) => type === kind);

const dig = (from: Host, server: string, ...args: readonly string[]): ReturnType<typeof inNetns> =>
  inNetns(from.netns, 'dig', [`@${server}`, '+tries=1', '+timeout=1', '+nocookie', '+noall', '+answer', ...args], {
    status: 'any',
  });

if (privileged(t)) {
  t.test('dig, curl and openssl', { timeout: 240_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    const daemon = TestDaemon.prepare(t, victim);
    daemon.configure({
      rules,
      config: { outputs: [{ type: 'file', path: daemon.eveFile, events: ['alert', 'tls', 'dns'] }] },
    });
    await daemon.run();

    await t.test('questions', async (t) => {
      const program = fileURLToPath(new URL('support/dns-server.js', import.meta.url));
      const args = [program, victim.ipv4, victim.ipv6, '--', '53', '5300'];
      await startInNetns(t, victim.netns, process.execPath, args).prints(/ready/, 30_000);
      const asked: string[] = [];
      for (const [server, port] of [
        [victim.ipv4, 53],
        [victim.ipv4, 5300],
        [victim.ipv6, 53],
      ] as const) {
        for (const type of ['A', 'AAAA', 'MX', 'TXT', 'SRV', 'SOA']) {
          for (const over of ['+notcp', '+tcp']) {
            const name = `n${asked.length}.Good.example`;
            asked.push(name);
            const { stdout } = await dig(attacker, server, '-p', String(port), over, name, type);
            t.match(stdout, new RegExp(`\\s${type}\\s`), `${name} ${type} ${over}`);
          }
        }
      }
      await dig(attacker, victim.ipv4, 'nothing.example');
      await dig(attacker, victim.ipv4, 'big.example', 'TXT');
      const wanted = [...asked, 'nothing.example', 'big.example', 'big.example'].sort();
      const names = (type: string): string[] =>
        log(daemon, 'dns')
          .filter(({ dns }) => dns?.type === type)
          .map(({ dns }) => dns?.queries?.[0]?.rrname ?? '')
          .sort();
      await until(() => names('response').length >= wanted.length);
      t.strictSame(names('request'), wanted, 'each question once');
      t.strictSame(names('response'), wanted, 'each answer once');
      const of = (name: string): Logged['dns'][] =>
        log(daemon, 'dns')
          .filter(({ dns }) => dns?.queries?.[0]?.rrname === name)
          .map(({ dns }) => dns);
      t.match(of('n0.Good.example'), [
        { version: 3, rd: true, queries: [{ rrtype: 'A' }] },
        { qr: true, ra: true, rcode: 'NOERROR', grouped: { A: ['192.0.2.7'] } },
      ]);
      t.match(of('nothing.example')[1], { rcode: 'NXDOMAIN' });
      t.match(
        of('big.example').map((dns) => dns?.['tc']),
        [undefined, true, undefined, undefined],
      );
      for (const over of ['+notcp', '+tcp'])
        t.notMatch((await dig(attacker, victim.ipv4, over, 'www.Evil.example', 'A')).stdout, /192\.0\.2\.7/, over);
      await until(() => daemon.alerts(1).length === 2, { message: () => JSON.stringify(daemon.alerts(1)) });
      t.match(daemon.alerts(1), [{ alert: { action: 'blocked' } }, { alert: { action: 'blocked' } }]);
    });

    await t.test('hellos', async (t) => {
      const pair = selfSigned('/C=DE/O=Live/CN=server.example');
      const files = [daemon.file('key.pem', pair.key), daemon.file('cert.pem', pair.cert)] as const;
      const serve = async (port: number, version: string): Promise<void> => {
        const args = [
          's_server',
          '-accept',
          String(port),
          '-key',
          files[0],
          '-cert',
          files[1],
          '-www',
          '-alpn',
          'http/1.1',
        ];
        await startInNetns(t, victim.netns, 'openssl', [...args, version]).prints(/ACCEPT/);
      };
      await serve(443, '-tls1_3');
      await serve(8443, '-tls1_2');
      const sni: string[] = [];
      const name = (): string => sni[sni.push(`c${sni.length}.server.example`) - 1] ?? '';
      for (const port of [443, 8443]) {
        for (let n = 0; n < 3; n++) {
          const host = name();
          const words = ['-sk', '-m', '10', '--resolve', `${host}:${port}:${victim.ipv4}`, `https://${host}:${port}/`];
          t.match((await inNetns(attacker.netns, 'curl', words)).stdout, /Ciphers/);
          const to = ['-connect', `${victim.ipv4}:${port}`, '-servername', name(), '-alpn', 'h2,http/1.1'];
          await inNetns(attacker.netns, 'openssl', ['s_client', ...to], {
            input: 'GET / HTTP/1.0\r\n\r\n',
            status: 'any',
          });
        }
      }
      await until(() => log(daemon, 'tls').length >= sni.length);
      t.strictSame(
        log(daemon, 'tls')
          .map(({ tls }) => tls?.sni)
          .sort(),
        [...sni].sort(),
        'each hello once',
      );
      const x509 = new X509Certificate(pair.cert);
      for (const { dest_port: port, tls } of log(daemon, 'tls')) {
        const old = {
          version: 'TLS 1.2',
          subject: 'C=DE, O=Live, CN=server.example',
          fingerprint: x509.fingerprint.toLowerCase(),
        };
        t.match(tls, port === 443 ? { version: 'TLS 1.3', ja4: /^t13d/ } : old);
      }
      const evil = ['-connect', `${victim.ipv4}:443`, '-servername', 'www.Evil.example'];
      const refused = await inNetns(attacker.netns, 'timeout', ['3', 'openssl', 's_client', ...evil], {
        status: 'any',
      });
      t.notMatch(refused.stdout, /server\.example/);
      await until(() => daemon.alerts(2).length > 0);
      t.match(daemon.alerts(2)[0], { alert: { action: 'blocked' } });
    });
  });
}
