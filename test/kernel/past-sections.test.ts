// SPDX-License-Identifier: Apache-2.0
// A part of a section that was complete and comes once more: other content is an event, the same content is none.

import t from 'tap';
import { ControlFlag, L7Flag, L7Setting } from '../../common/abi.gen.js';
import { dnsMessage, question } from '../helpers/dns-bytes.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { counted, hello, records, sniExtension } from '../helpers/tls-bytes.js';
import { Conversation } from './support/conversation.js';
import { structure } from './support/http-rig.js';
import { setLayer7 } from './support/layer7-rig.js';
import { Rig } from './support/rig.js';

const when = { skip: whyUnprivileged() ?? false };

const get = (path: string, more = ''): string => `GET /${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
const post = (body: string): string => `POST / HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const tls = (name: string): string => records(hello({ extensions: [sniExtension(name)] })).toString('latin1');
const dns = (name: string): string =>
  counted(2, dnsMessage({ flags: 0x0100, questions: [question(name)] })).toString('latin1');

/** What was sent first, in segments that end at `cuts`; then what comes again, and whether that is told. */
interface Case {
  readonly side?: 0 | 1;
  readonly text: string;
  readonly cuts?: readonly number[];
  readonly again: readonly [at: number, text: string];
  readonly told: boolean;
  /** Sections that are handed over with what comes again. */
  readonly lines?: number;
}

const a = get('aaaa');
const long = get('long', `X: ${'x'.repeat(1500)}\r\n`);
const crowded = get('many', Array.from({ length: 200 }, (_, i) => `X-${i}: 1\r\n`).join(''));
const cases: Record<string, Case> = {
  'the same': { text: a, again: [0, a], told: false },
  'the same, cut otherwise': { text: a, cuts: [9, 20], again: [5, a.slice(5, 30)], told: false },
  'another path': { text: a, again: [0, get('aaab')], told: true },
  'one byte of it': { text: a, again: [5, 'b'], told: true },
  'its last bytes': { text: a, again: [a.length - 2, '\r\r'], told: true },
  'seven bytes across two words': { text: a, again: [13, a.slice(13, 19) + '?'], told: true },
  'one byte a segment at first': { text: a, cuts: [...a].map((_, i) => i), again: [0, get('baaa')], told: true },
  'a probe whether the peer is there': { text: a, again: [a.length - 1, '\0'], told: false },
  'with a new request behind it': { text: a, again: [0, get('aaab') + get('new')], told: true, lines: 1 },
  'the same, with a new one behind it': { text: a, again: [20, a.slice(20) + get('new')], told: false, lines: 1 },
  'the first of three': { text: a + get('b') + get('c'), again: [0, get('aaab') + get('b') + get('c')], told: true },
  'the first of four that are sent each by itself': {
    text: a + a + a + a,
    cuts: [1, 2, 3].map((n) => n * a.length),
    again: [5, 'b'],
    told: true,
  },
  'more of them are not kept': { text: a.repeat(5), again: [5, 'b'], told: false },
  'a body is none of it': { text: post('body'), again: [post('').length, 'BODY'], told: false },
  'but the section in front of it is': { text: post('body'), again: [6, 'X' + post('body').slice(7)], told: true },
  'a response': { side: 1, text: 'HTTP/1.1 204 No\r\n\r\n', again: [0, 'HTTP/1.1 200 No\r\n\r\n'], told: true },
  'within the first 1,000 bytes': { text: long, again: [996, 'xxxy'], told: true },
  'beyond them': { text: long, again: [1000, 'yyyy'], told: false },
  'masked from the edge on that found no room': { text: crowded, again: [0, crowded], told: false },
  'and before it': { text: crowded, again: [5, 'M'], told: true },
  'the name in a hello': { text: tls('a.example'), again: [0, tls('b.example')], told: true },
  'the same hello': { text: tls('a.example'), again: [0, tls('a.example')], told: false },
  'the question of a message': { text: dns('a.example'), again: [0, dns('b.example')], told: true },
  'the same question': { text: dns('a.example'), again: [0, dns('a.example')], told: false },
};

t.test('sections that were complete', when, async (t) => {
  const rig = Rig.open(t, { sizes: { ids_events: 65536, ids_bulk: 1 << 20 } });
  rig.kernel.writeStructure(structure());
  rig.kernel.control.update({ flags: ControlFlag.CONTROL_UNLIMITED | ControlFlag.CONTROL_REDACT });
  setLayer7(rig, L7Setting.L7_HTTP | L7Setting.L7_TLS | L7Setting.L7_DNS | L7Setting.L7_LOG_HTTP);
  for (const [name, { side = 0, text, cuts = [], again, told, lines = 0 }] of Object.entries(cases)) {
    const talk = Conversation.open(rig);
    const sent = talk.send(side, Buffer.from(text, 'latin1'), cuts);
    t.strictSame(sent.events, [], name);
    rig.settle();
    const [at, payload] = again;
    const frame = talk.frame(side, { at: at - text.length, payload: Buffer.from(payload, 'latin1') });
    const [first, second] = [rig.send(frame), rig.send(frame)];
    t.strictSame(
      [first.events.map(({ rule }) => rule), first.stats['CONFLICTS'], first.http.length, second.events],
      [told ? [L7Flag.L7_CONFLICT] : [], told ? 1 : undefined, lines, []],
      name,
    );
  }
});
