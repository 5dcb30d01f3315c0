// SPDX-License-Identifier: Apache-2.0
// DNS over UDP and TCP: what is taken for it, what is handed over, and rules on the name that is asked for.

import t from 'tap';
import { BytesFlag, L7Setting, Region } from '../../common/abi.gen.js';
import { parseDns } from '../../engine/layer7/dns.js';
import { dnsMessage, dnsName, query, question, record } from '../helpers/dns-bytes.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { counted, u16 } from '../helpers/tls-bytes.js';
import { Conversation } from './support/conversation.js';
import { udp } from './support/frames.js';
import { install, sharedRig } from './support/http-rig.js';
import { setLayer7, wantEnding } from './support/layer7-rig.js';
import { Random } from './support/random.js';
import type { Rig, Seen } from './support/rig.js';

const when = { skip: whyUnprivileged() ?? false };
const LOGGED = L7Setting.L7_DNS | L7Setting.L7_LOG_DNS;

const shared = sharedRig(t, when.skip);
const rigWith = (flags: number = LOGGED): Rig => shared(flags);
let port = 10_000;
const datagram = (payload: Uint8Array, part: Partial<Parameters<typeof udp>[0]> = {}): Uint8Array =>
  udp({ src: '192.0.2.1', dst: '198.51.100.2', sport: ++port, dport: 53, ...part, payload });
const nameOf = (seen: Seen): string | undefined =>
  parseDns(seen.bytes[0]?.bytes ?? Buffer.alloc(0)).message?.questions[0]?.name.text;

const messages: Record<string, Uint8Array> = {
  'a query': query('www.example.org'),
  'a query for the root': query('', 2),
  'a name of 253 bytes': query(`${'x'.repeat(62)}.`.repeat(4).slice(0, -3)),
  'a label with dots and zeros': dnsMessage({
    questions: [question(Buffer.concat([counted(1, Buffer.from('a.\0b')), dnsName('c')]))],
  }),
  'bytes behind it': Buffer.concat([query('tail.example'), Buffer.from('tail')]),
  'class chaos': dnsMessage({ questions: [Buffer.concat([dnsName('version.bind'), u16(16, 3)])] }),
  'mDNS, answer to me alone': dnsMessage({
    flags: 0,
    questions: [Buffer.concat([dnsName('a.local'), u16(1, 0x8001)])],
  }),
  'a response': dnsMessage({ flags: 0x8183, questions: [question('no.example')] }),
  'a response of 1,200 bytes': dnsMessage({
    flags: 0x8180,
    questions: [question('big.example')],
    answers: [record(dnsName(12), 16, Buffer.alloc(1150, 20))],
  }),
  'counts that are not true': dnsMessage({ questions: [question('counts.example')], counts: [1, 0, 0, 7] }),
};

const others: Record<string, Uint8Array> = {
  'too short': query('a').subarray(0, 16),
  'no question': dnsMessage({}),
  'two questions': dnsMessage({ questions: [question('a.example'), question('b.example')] }),
  'opcode 9': dnsMessage({ flags: 0x4800, questions: [question('a.example')] }),
  'a name that does not end': dnsMessage({
    questions: [Buffer.from('\x05hello\x05world', 'latin1')],
    counts: [1, 0, 0, 0],
  }),
  'a name of 260 bytes': query(`${'x'.repeat(51)}.`.repeat(5)),
  'a label of 65': dnsMessage({
    questions: [Buffer.concat([Buffer.of(65), Buffer.alloc(65, 97), Buffer.of(0, 0, 1, 0, 1)])],
  }),
  'class 9': dnsMessage({ questions: [Buffer.concat([dnsName('a.example'), u16(1, 9)])] }),
  'type 0': dnsMessage({ questions: [question('a.example', 0)] }),
  'cut in the question': query('www.example.org').subarray(0, 28),
};

t.test('DNS is recognised by its content, on any port, and handed over as it was sent', when, async (t) => {
  const rig = rigWith();
  for (const [name, message] of Object.entries(messages)) {
    for (const part of [{}, { dport: 5300 }, { src: '2001:db8::1', dst: '2001:db8::2' }]) {
      const seen = rig.send(datagram(message, part));
      t.strictSame([seen.verdict, seen.bytes.length], [2, 1], name);
      t.strictSame(seen.bytes[0]?.bytes, message, name);
      t.equal(seen.bytes[0]?.flags, BytesFlag.BYTES_LOGGED | BytesFlag.BYTES_PACKET);
    }
    // Several messages on one connection, split at every byte of the first.
    const framed = counted(2, message);
    const twice = Buffer.concat([framed, framed]);
    const cuts = framed.length > 100 ? [1, 2, 50] : Array.from(framed, (_, i) => i);
    for (const cut of cuts) {
      const carried = Conversation.open(rig, { dport: 53 }).send(0, twice, [cut]).bytes;
      if (carried.length !== 2 || carried.some(({ bytes }) => !bytes.equals(message))) t.fail(`${name} cut at ${cut}`);
    }
  }
  for (const [name, message] of Object.entries(others)) {
    t.strictSame(rig.send(datagram(message)).bytes, [], name);
    t.strictSame(Conversation.open(rig, { dport: 53 }).send(0, counted(2, message)).bytes, [], `${name}, TCP`);
  }
  const random = new Random(7);
  for (let i = 0; i < 3000; i++) rig.push(datagram(Uint8Array.from({ length: 60 }, () => random.below(256))));
  t.strictSame(rig.drain().bytes, [], 'random bytes');
});

t.test('a literal in the name makes the engine see the query', when, async (t) => {
  const rig = rigWith(L7Setting.L7_DNS);
  wantEnding(rig, Region.QUERY, 'a.evil.example');
  const wanted = (message: Uint8Array): (Buffer | undefined)[] => {
    const framed = counted(2, message);
    const streamed = Conversation.open(rig, { dport: 53 }).send(0, framed, [framed.length - 9]);
    return [rig.send(datagram(message)).bytes[0]?.bytes, streamed.bytes[0]?.bytes];
  };
  for (const name of ['a.evil.example', 'www.A.Evil.example', `${'x.'.repeat(100)}a.evil.example`])
    t.strictSame(wanted(query(name)), [query(name), query(name)], 'as it was sent');
  for (const name of ['b.evil.example', 'evil.example', 'a.evil.example.org', ''])
    t.strictSame(wanted(query(name)), [undefined, undefined], name);
  const answer = dnsMessage({ flags: 0x8180, questions: [question('a.evil.example')] });
  t.strictSame(wanted(answer), [undefined, undefined], 'rules ask for queries');
  const pointed = dnsMessage({ questions: [question(dnsName('evil', 4))] });
  t.strictSame(wanted(pointed), [pointed, pointed], 'what is not judged here the engine sees');
});

t.test('a drop rule on the name acts on the very packet that asks', when, async (t) => {
  const rig = rigWith();
  install(rig, 'drop dns any any -> any any (msg:"x"; dns.query; content:"evil.example"; nocase; endswith; sid:1;)');
  const asked = (name: string): number => rig.send(datagram(query(name))).verdict;
  t.strictSame(['evil.example', 'www.EVIL.Example', 'evil.example.org', 'good.example'].map(asked), [1, 1, 2, 2]);
  const one = rig.send(datagram(query('a.b.c.evil.example')));
  t.strictSame([one.verdict, one.reasons], [1, { RULE_DROP: 1 }]);
  t.equal(nameOf(one), 'a.b.c.evil.example', 'put back as it was');
  t.ok((one.bytes[0]?.flags ?? 0) & BytesFlag.BYTES_DECIDED, 'the engine is told');
  t.equal(
    rig.send(datagram(dnsMessage({ flags: 0x8180, questions: [question('evil.example')] }))).verdict,
    2,
    'an answer',
  );
  const framed = counted(2, query('tcp.evil.example'));
  for (let cut = 0; cut < framed.length; cut++) {
    const { verdicts } = Conversation.open(rig, { dport: 53 }).send(0, framed, [cut]);
    if (verdicts.at(-1) !== 1) t.fail(`cut at ${cut}`);
  }
});

t.test('what is wanted', when, async (t) => {
  const rig = rigWith(L7Setting.L7_DNS);
  const unasked = rig.send(datagram(query('a.example')));
  t.strictSame([unasked.bytes, unasked.stats['DNS']], [[], 1], 'nobody asks');
  setLayer7(rig, L7Setting.L7_DNS | L7Setting.L7_ALL_QUERIES);
  t.equal(rig.send(datagram(query('a.example'))).bytes[0]?.flags, BytesFlag.BYTES_WANTED | BytesFlag.BYTES_PACKET);
  t.strictSame(rig.send(datagram(messages['a response'] ?? Buffer.alloc(0))).bytes, [], 'rules ask for queries');
  setLayer7(rig, L7Setting.L7_LOG_DNS);
  t.strictSame(rig.send(datagram(query('a.example'))).bytes, [], 'turned off');
  setLayer7(rig, LOGGED, { ignored: [53] });
  t.strictSame(rig.send(datagram(query('a.example'))).bytes, [], 'a port that is left alone');
  setLayer7(rig, LOGGED);
  const long = dnsMessage({
    flags: 0x8180,
    questions: [question('long.example')],
    answers: [record('', 16, Buffer.alloc(20_000))],
  });
  const [seen] = rig.send(datagram(long)).bytes;
  t.match(seen, {
    total: long.length,
    flags: BytesFlag.BYTES_LOGGED | BytesFlag.BYTES_PACKET | BytesFlag.BYTES_TRUNCATED,
  });
  t.equal(seen?.bytes.length, 16_384);
});
