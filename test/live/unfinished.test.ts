// SPDX-License-Identifier: Apache-2.0
// A request whose head is never completed: rules are asked about it and it is logged once its connection is over, live and
// where a capture ends.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { pcap, type Timed } from '../helpers/pcap.js';
import { privileged, run, twoHosts, until } from '../helpers/privileged.js';
import { cut, framesOf, type Ends } from '../helpers/tcp-script.js';
import { idsProgram, lines, TestDaemon, temporaryFolder, type EveRecord } from './support/daemon.js';
import { play, RawLink } from './support/raw-link.js';

const ends: Ends = { client: '10.77.0.98', server: '10.77.0.99', sport: 20_000, dport: 8080 };
const head = 'GET /never?token=S3CRET HTTP/1.1\r\nHost: a.example\r\nCookie: k=S3CRET\r\n';
const rules =
  'alert http any any -> any any (msg:"u"; http.uri; content:"/never"; http.host; content:"a.example"; sid:1;)';
const frames = framesOf(ends, cut('client', head, [10, 40]));

interface HttpRecord extends Omit<EveRecord, 'event_type'> {
  readonly event_type: string;
  readonly http?: { readonly url?: string; readonly hostname?: string; readonly http_method?: string };
}

/** What was raised, and what was logged. */
const told = (records: readonly HttpRecord[]): unknown[] =>
  records.map(({ event_type: type, alert, http }) => [
    type,
    alert?.signature_id,
    http?.http_method,
    http?.hostname,
    http?.url,
  ]);
const wanted = (url: string): unknown[] => [
  ['alert', 1, 'GET', 'a.example', url],
  ['http', undefined, 'GET', 'a.example', url],
];

if (privileged(t)) {
  t.test('where a capture ends', { timeout: 60_000 }, async (t) => {
    const folder = temporaryFolder(t, 'unfinished');
    const [capture = '', eve = '', file = ''] = ['a.pcap', 'eve.json', 'test.rules'].map((name) => join(folder, name));
    writeFileSync(capture, pcap(frames.map(({ frame }, i): Timed => [i / 1000, frame])));
    writeFileSync(file, rules);
    await run(idsProgram, ['replay', '--rules', file, '--log', 'http', '--eve', eve, capture], { deadline: 30_000 });
    t.same(told(lines(eve).map((line) => JSON.parse(line) as HttpRecord)), wanted('/never?token=S3CRET'));
  });

  t.test('live, when its time is over', { timeout: 120_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    const log = join(temporaryFolder(t, 'unfinished'), 'http.json');
    const daemon = await TestDaemon.start(t, victim, {
      rules,
      config: {
        flows: { timeouts: { tcp_established: '2s' } },
        outputs: [{ type: 'file', path: log, events: ['alert', 'http'] }],
      },
    });
    const links = { client: await RawLink.open(t, attacker), server: await RawLink.open(t, victim) };
    await play(links, frames);
    const seen = (): HttpRecord[] => lines(log).map((line) => JSON.parse(line) as HttpRecord);
    t.same(seen(), [], 'as long as it could go on nothing is said');
    const masked = '/never?token=******';
    await until(() => seen().some(({ alert }) => alert?.signature_id === 1), {
      message: () => JSON.stringify(seen()),
    });
    t.same(told(seen().filter(({ alert }) => alert)), wanted(masked).slice(0, 1));
    t.equal((await daemon.status()).stats['sections_withheld'], 0);
    await daemon.process.stop('SIGTERM');
    t.same(told(seen()), wanted(masked), 'the request is logged without a response at the latest when the daemon ends');
  });
}
