// SPDX-License-Identifier: Apache-2.0
// Alerts about real connections say whose process it is, what reverse DNS calls the other end and where it is.
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { inNetns, privileged, startInNetns, twoHosts, until } from '../helpers/privileged.js';
import { mmdb } from '../helpers/mmdb.js';
import { lines, TestDaemon } from './support/daemon.js';
import { nginx } from './support/nginx.js';

const rules = `
alert http any any -> any any (msg:"request"; flow:to_server; http.uri; content:"/x"; sid:1;)
alert tcp any any -> any 80 (msg:"syn"; flags:S; sid:2;)
alert dns any any -> any any (msg:"question"; dns.query; content:"a.example"; sid:3;)
`;

interface Told {
  readonly src_ip: string;
  readonly src_port: number;
  readonly http?: { readonly request_headers?: readonly { readonly name: string; readonly value: string }[] };
  readonly alert: { readonly signature_id: number; readonly rule?: string };
  readonly ids: {
    readonly enrichment?: {
      readonly source?: { readonly domain?: string; readonly geo?: object; readonly as?: object };
      readonly destination?: { readonly domain?: string };
      readonly process?: { readonly name: string; readonly pid: number; readonly end: string };
    };
  };
}

if (privileged(t)) {
  t.test('enrichment', { timeout: 240_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    const daemon = TestDaemon.prepare(t, victim);
    const databases = [
      daemon.file('country.mmdb', mmdb({ [`${attacker.ipv4}/32`]: 'nl', [`${attacker.ipv6}/128`]: 'be' })),
      daemon.file('asn.mmdb', mmdb({ [`${attacker.ipv4}/32`]: { autonomous_system_number: 64500 } })),
    ];
    // The first by a path that is relative to the configuration file.
    const geoip = { databases: ['country.mmdb', databases[1]] };
    const dns = { servers: [`${victim.ipv4}:5353`], timeout: '5s' };
    daemon.configure({
      rules,
      config: { enrich: { geoip, reverse_dns: dns, process: true, rule: false, headers: true } },
    });
    const program = fileURLToPath(new URL('support/dns-server.js', import.meta.url));
    const args = [program, victim.ipv4, victim.ipv6, '--', '53', '5353'];
    const resolver = startInNetns(t, victim.netns, process.execPath, args);
    await resolver.prints(/ready/, 30_000);
    const servers = { victim: await nginx(t, victim), attacker: await nginx(t, attacker) };
    t.ok(servers);
    await daemon.run();
    const told = (sid: number, source: string): Told[] =>
      lines(daemon.eveFile)
        .map((line) => JSON.parse(line) as Told)
        .filter(({ alert, src_ip: src }) => alert.signature_id === sid && src === source);
    const curl = (from: typeof victim, to: string): ReturnType<typeof inNetns> =>
      inNetns(from.netns, 'curl', [
        '-sS',
        '-H',
        'Cookie: hidden=1',
        '-H',
        'X-Seen: yes',
        '--limit-rate',
        '100',
        `http://${to}/x`,
      ]);

    await t.test('a server of this host', async (t) => {
      await curl(attacker, victim.ipv4);
      await curl(attacker, `[${victim.ipv6}]`);
      for (const [address, country] of [
        [attacker.ipv4, 'NL'],
        [attacker.ipv6, 'BE'],
      ] as const) {
        await until(() => told(1, address).length === 1 && told(2, address).length === 1);
        for (const sid of [1, 2]) {
          const [one] = told(sid, address);
          t.match(one?.ids.enrichment, {
            source: { geo: { country_iso_code: country } },
            process: { name: 'nginx', pid: Number, executable: /nginx$/, end: 'destination', user_id: Number },
          });
          t.equal(one?.alert.rule, undefined);
        }
      }
      const headers = told(1, attacker.ipv4)[0]?.http?.request_headers ?? [];
      t.equal(headers.find(({ name }) => name === 'X-Seen')?.value, 'yes');
      t.match(headers.find(({ name }) => name === 'Cookie')?.value, /^[^a-z1=]+$/, 'masked in the kernel');
      t.strictSame(told(1, attacker.ipv4)[0]?.ids.enrichment?.source?.as, { number: 64500 });
    });

    await t.test('the next alert has the name', async (t) => {
      await until(async () => ((await daemon.api.status()).enrichment['dns_names'] ?? 0) >= 2);
      await curl(attacker, victim.ipv4);
      await until(() => told(1, attacker.ipv4).length === 2);
      // The rule of the kernel and that of the engine: whichever alert was first has asked.
      const names = [1, 2].map((sid) => told(sid, attacker.ipv4)[0]?.ids.enrichment?.source?.domain);
      t.ok(names.includes(undefined), 'the first one does not wait for it');
      t.match(told(1, attacker.ipv4)[1]?.ids.enrichment, {
        source: { domain: 'host.example' },
        destination: { domain: 'host.example' },
      });
    });

    await t.test('a client of this host', async (t) => {
      const client = startInNetns(t, victim.netns, process.execPath, [
        '-e',
        `const s = require('net').connect(80, '${attacker.ipv4}', () => undefined);
         setInterval(() => s.write('GET /x HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n'), 700);
         s.on('data', () => undefined); setTimeout(() => s.destroy(), 20_000);`,
      ]);
      // Who holds a socket is looked at once a second at most, and for so long: it may take more than one alert.
      const owners = (): object[] => told(1, victim.ipv4).flatMap(({ ids }) => ids.enrichment?.process ?? []);
      await until(() => owners().length > 0);
      t.match(owners()[0], { name: 'node', end: 'source', executable: process.execPath });
      await client.stop();
    });

    await t.test('a server of datagrams', async (t) => {
      for (const server of [victim.ipv4, victim.ipv6])
        await inNetns(attacker.netns, 'dig', [`@${server}`, '+tries=1', '+timeout=2', 'a.example', 'A']);
      for (const source of [attacker.ipv4, attacker.ipv6]) {
        await until(() => told(3, source).length === 1);
        t.match(told(3, source)[0]?.ids.enrichment?.process, { name: 'node', end: 'destination' });
      }
    });

    const { enrichment } = await daemon.api.status();
    t.match(enrichment, { geoip_errors: 0, process_skipped: 0, process_cut: Number, dns_failed: 0 });
    t.equal(enrichment['failures'], undefined);
    t.ok((enrichment['process_found'] ?? 0) >= 8);
  });

  t.test('a database that is none', { timeout: 120_000 }, async (t) => {
    const { victim } = await twoHosts(t);
    const daemon = TestDaemon.prepare(t, victim);
    const file = daemon.file('bad.mmdb', 'text');
    const interfaces = [{ name: victim.device, egress: false }];
    daemon.configure({ rules, config: { interfaces, enrich: { geoip: { databases: [file] } } } });
    const { status, stderr } = await daemon.refused();
    t.equal(status, 2);
    t.match(stderr, /enrich\.geoip\.databases: .*bad\.mmdb/);
  });
}
