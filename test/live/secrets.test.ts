// SPDX-License-Identifier: Apache-2.0
// What clients keep secret does not leave the kernel: it stands in no record, no log and no answer of the daemon.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { BpfMap } from '../../engine/bpf/index.js';
import { Mapping, pageSize } from '../../engine/bpf/memory.js';
import { shapes } from '../helpers/evasion-cases.js';
import { privileged, startInNetns, twoHosts, until } from '../helpers/privileged.js';
import { cut, framesOf, type Side } from '../helpers/tcp-script.js';
import { lines, TestDaemon } from './support/daemon.js';
import { play, RawLink } from './support/raw-link.js';
import { curl, serve } from './support/traffic.js';

const SYSLOG_PORT = 5514;
const word = (n: number): string => `s3cret-${n}-${'Zq9'.repeat(7)}`;

const rules = `
alert http any any -> any any (msg:"agent"; http.user_agent; content:"evil"; sid:1;)
alert http any any -> any any (msg:"header"; http.header; content:"X-Probe|3a| yes"; sid:2;)
alert http any any -> any any (msg:"cookie header"; http.header; content:"Cookie"; nocase; sid:3;)
alert tcp any any -> any any (msg:"raw content"; content:"hello from nowhere"; sid:4;)
alert http any any -> any any (msg:"body"; http.request_body; content:"from nowhere"; sid:5;)
`;

/** Every byte of a ring's memory, read or not. */
function ringBytes(pins: string, name: string): Buffer {
  const [hash = ''] = readdirSync(pins);
  const map = BpfMap.ofPin(name, join(pins, hash, name));
  try {
    const data = Mapping.open(map.fd, pageSize() + map.info.maxEntries, { offset: pageSize(), what: name });
    try {
      return Buffer.from(Buffer.from(data.buffer));
    } finally {
      data.close();
    }
  } finally {
    map.close();
  }
}

/** Requests and answers with a secret, in segments of every kind, between two ends that no stack answers for. */
async function shuffled(links: Readonly<Record<Side, RawLink>>): Promise<number> {
  const request = (more: string): string =>
    `GET /raw?api_key=${word(20)}&b=1 HTTP/1.1\r\nHost: h\r\nUser-Agent: evil/1.0\r\nX-Probe: yes\r\n${more}\r\n\r\n`;
  const answer = `HTTP/1.1 200 OK\r\nSet-Cookie: id=${word(21)}; Path=/\r\nContent-Length: 0\r\n\r\n`;
  const all = [
    ...shapes('client', request(`Cookie: ${word(22)}`), 's3cret-22'),
    ...shapes('client', request(`Authorization: ${word(23)}`), 'Authorization'),
    ...shapes('client', request(`Cookie: ${word(24)}`), 's3cret-20'),
    ...shapes('client', request(`X-Api-Key:\r\n ${word(25)}`), 's3cret-25'),
    ...['Set-Cookie', 's3cret-21'].flatMap((where) =>
      shapes('server', answer, where).map(({ pieces }) => ({ pieces: [...cut('client', request('A: b')), ...pieces] })),
    ),
  ];
  for (const [n, { pieces }] of all.entries()) {
    const ends = { client: '10.77.0.98', server: '10.77.0.99', sport: 30_000 + n, dport: 8080 };
    await play(links, framesOf(ends, pieces));
  }
  return all.length;
}

if (privileged(t)) {
  t.test('secrets', { timeout: 240_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    await serve(t, victim);
    const syslog = startInNetns(t, victim.netns, 'nc', ['-l', '-k', '127.0.0.1', String(SYSLOG_PORT)]);
    const daemon = TestDaemon.prepare(t, victim);
    const events = ['alert', 'drop', 'http', 'flow', 'anomaly'];
    const target = { host: '127.0.0.1', port: SYSLOG_PORT, transport: 'tcp', framing: 'lf', max_bytes: 32_768 };
    daemon.configure({
      rules,
      config: {
        log: { level: 'trace' },
        outputs: [
          { type: 'file', path: daemon.eveFile, events },
          { type: 'syslog', ...target, events },
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
      ['-H', `Referer: http://h/x?password=${word(11)}&q=1`],
      [
        '-H',
        'X-Nothing: 1',
        '-G',
        '-d',
        `token=${word(12)}`,
        '-d',
        `access_token=${word(13)}`,
        '-d',
        `Api-Key=${word(14)}`,
      ],
    ];
    for (const host of [victim.ipv4, `[${victim.ipv6}]`]) {
      for (const args of requests) {
        const probe = ['-A', 'evil/1.0', '-H', 'X-Probe: yes', ...args];
        const { status, stderr } = await curl(attacker, `http://${host}/page?q=1`, ...probe);
        t.equal(status, 0, stderr);
      }
    }
    const links = { client: await RawLink.open(t, attacker), server: await RawLink.open(t, victim) };
    const wanted = 2 * requests.length + (await shuffled(links));
    const secret = ['-H', `Authorization: Bearer ${word(30)}`, '-b', `session=${word(31)}`];
    await curl(attacker, `http://${victim.ipv4}/?token=${word(32)}`, '-d', 'hello from nowhere', ...secret);
    const alerts = (): number[] => [1, 2, 4, 5].map((sid) => daemon.alerts(sid).length);
    // What looks into payload is alive: the body was handed over, behind a section with its secrets masked.
    await until(() => alerts().join() === [wanted, wanted, 1, 1].join(), {
      message: () => `${wanted} alerts of two rules on headers, one on raw content, one on a body: ${alerts().join()}`,
    });
    t.ok(daemon.alerts(3).length > 0, 'a name that a secret belongs to is looked for');
    const sent = lines(daemon.eveFile).length;
    await until(() => syslog.output.stdout.split('\n').length - 1 === sent, { message: 'syslog to receive all' });
    const told = {
      EVE: lines(daemon.eveFile).join('\n'),
      syslog: syslog.output.stdout,
      'alerts tail': (await daemon.cli('alerts', 'tail', '-n', '1000')).stdout,
      'alerts tail --json': (await daemon.cli('alerts', 'tail', '-n', '1000', '--json')).stdout,
      status: (await daemon.cli('status', '--json')).stdout,
      'rules list': (await daemon.cli('rules', 'list', '--json')).stdout,
      'top http': (await daemon.cli('top', 'http', '--json')).stdout,
      'the ring of alerts': ringBytes(daemon.pins, 'ids_events').toString('latin1'),
      'the bulk ring': ringBytes(daemon.pins, 'ids_bulk').toString('latin1'),
    };
    await daemon.ids('stop');
    const base64 = Buffer.from(`${word(8)}:${word(9)}`).toString('base64');
    for (const [where, text] of Object.entries({ ...told, log: daemon.log })) {
      t.ok(text.length > 0, `${where} says something`);
      t.notOk(/s3cret|Zq9/.test(text), `${where}: ${/.{0,80}(?:s3cret|Zq9).{0,40}/s.exec(text)?.[0] ?? ''}`);
      t.notOk(text.includes(base64), where);
    }
    t.match(told.EVE, /"http_user_agent":"evil\/1\.0"/, 'what is not secret is told');
    t.match(told.EVE, /"url":"\/page\?q=1"/);
    t.match(told['the bulk ring'], /X-Probe: yes/, 'the ring was read');
  });
}
