// SPDX-License-Identifier: Apache-2.0
import { performance } from 'node:perf_hooks';
import t from 'tap';
import { dnsObject, dnsRcodeName, dnsTypeName } from '../../../../alerts/index.js';
import { putDns } from '../../../../engine/layer7/dns-buffers.js';
import { parseDns, readAsked, type DnsResult } from '../../../../engine/layer7/dns.js';
import { BufferId, BufferMessage, Kind } from '../../../../rules/index.js';
import { dnsMessage, dnsName, query, question, record } from '../../../helpers/dns-bytes.js';
import { seededRandom } from '../../../helpers/random-section.js';
import { counted, u16 } from '../../../helpers/tls-bytes.js';
import { Random } from '../../../kernel/support/random.js';

const shown = (bytes: Uint8Array, toServer = false): Record<string, unknown> => {
  const { message } = parseDns(bytes);
  if (!message) throw new Error('no message');
  return dnsObject(message, 0, toServer);
};
/** The first answer of a response with one record. */
const answer = (type: number, data: Uint8Array): Record<string, unknown> => {
  const answers = [record(dnsName(12), type, data)];
  const out = shown(dnsMessage({ flags: 0x8180, questions: [question('a.example')], answers }));
  return (out['answers'] as Record<string, unknown>[])[0] ?? {};
};

t.test('a request, to the letter', async (t) => {
  t.equal(
    JSON.stringify(shown(query('www.Example.org', 28), true)),
    '{"version":3,"type":"request","tx_id":0,"id":4660,"flags":"120","rd":true,"opcode":0,"rcode":"NOERROR",' +
      '"queries":[{"rrname":"www.Example.org","rrtype":"AAAA"}]}',
  );
});

t.test('a response, to the letter', async (t) => {
  const bytes = dnsMessage({
    flags: 0x8580,
    questions: [question('www.example.org')],
    answers: [
      record(dnsName(12), 5, dnsName('web', 16)),
      record(dnsName('web', 16), 1, Buffer.of(192, 0, 2, 7), 60),
      record(dnsName('web', 16), 1, Buffer.of(192, 0, 2, 8), 2 ** 32 - 1),
    ],
    authorities: [record('example.org', 2, dnsName('ns1', 16))],
    additionals: [record(dnsName('ns1', 16), 28, Buffer.from('20010db8000000000000000000000001', 'hex'))],
  });
  t.equal(
    JSON.stringify(shown(bytes)),
    '{"version":3,"type":"response","tx_id":0,"id":4660,"flags":"8580","qr":true,"aa":true,"rd":true,"ra":true,' +
      '"opcode":0,"rcode":"NOERROR","queries":[{"rrname":"www.example.org","rrtype":"A"}],"answers":[' +
      '{"rrname":"www.example.org","rrtype":"CNAME","ttl":300,"rdata":"web.example.org"},' +
      '{"rrname":"web.example.org","rrtype":"A","ttl":60,"rdata":"192.0.2.7"},' +
      '{"rrname":"web.example.org","rrtype":"A","ttl":4294967295,"rdata":"192.0.2.8"}],' +
      '"grouped":{"CNAME":["web.example.org"],"A":["192.0.2.7","192.0.2.8"]},' +
      '"authorities":[{"rrname":"example.org","rrtype":"NS","ttl":300,"rdata":"ns1.example.org"}],' +
      '"additionals":[{"rrname":"ns1.example.org","rrtype":"AAAA","ttl":300,' +
      '"rdata":"2001:0db8:0000:0000:0000:0000:0000:0001"}]}',
  );
});

t.test('what rules look at', async (t) => {
  const answers = [record(dnsName(12), 5, dnsName('b')), record('b', 257, Buffer.of(0, 0))];
  const { message } = parseDns(dnsMessage({ flags: 0xa183, questions: [question('a', 28)], answers }));
  if (!message) throw new Error('no message');
  const judged = new BufferMessage().begin(Kind.DNS_ANSWER);
  putDns(judged, message, false);
  const all = (id: BufferId): (Uint8Array | undefined)[] => [0, 1, 2, 3].map((instance) => judged.buffer(id, instance));
  t.match(judged.buffer(BufferId.DNS_OPCODE, 0), [4]);
  t.match(judged.buffer(BufferId.DNS_RCODE, 0), [3]);
  t.strictSame(
    all(BufferId.DNS_RRTYPE).map((bytes) => bytes && [...bytes]),
    [[0, 28], [0, 5], [1, 1], undefined],
  );
  t.equal(judged.open(BufferId.DNS_QUERY), false);
});

t.test('the data of each type', async (t) => {
  const texts = Buffer.concat([counted(1, Buffer.from('v=spf1 -all')), counted(1, Buffer.from([0xff, 0x41]))]);
  const txt = shown(dnsMessage({ flags: 0x8180, answers: [record('t.example', 16, texts)] }));
  t.match(txt['answers'], [{ rdata: 'v=spf1 -all' }, { rdata: '\\xffA' }]);
  t.strictSame(txt['grouped'], { TXT: ['v=spf1 -all', '\\xffA'] });
  t.match(answer(15, Buffer.concat([u16(10), dnsName('mx', 12)])), { rrtype: 'MX', rdata: 'mx.a.example' });
  t.match(answer(12, dnsName('host.example')), { rrtype: 'PTR', rdata: 'host.example' });
  t.match(answer(39, dnsName('other.example')), { rrtype: 'DNAME', rdata: 'other.example' });
  const soa = Buffer.concat([dnsName('ns', 12), dnsName('root', 12), u16(0, 1, 0, 2, 0, 3, 0, 4, 0xffff, 5)]);
  t.strictSame(answer(6, soa)['soa'], {
    mname: 'ns.a.example',
    rname: 'root.a.example',
    serial: 1,
    refresh: 2,
    retry: 3,
    expire: 4,
    minimum: 4294901765,
  });
  const srv = Buffer.concat([u16(1, 2, 5060), dnsName('sip.example')]);
  t.strictSame(answer(33, srv)['srv'], { priority: 1, weight: 2, port: 5060, name: 'sip.example' });
  t.strictSame(answer(44, Buffer.of(1, 2, 0xab, 0xcd))['sshfp'], { fingerprint: 'ab:cd', algo: 1, type: 2 });
  t.equal(answer(257, Buffer.of(0, 1, 2))['rdata'], '\\# 3 000102', 'a type that is not known');
  t.equal(answer(1, Buffer.of(1, 2))['rdata'], '\\# 2 0102', 'an address of the wrong length');
  const parameter = (key: number, value: Uint8Array): Buffer => Buffer.concat([u16(key), counted(2, value)]);
  const https = Buffer.concat([
    u16(1),
    dnsName(''),
    parameter(0, u16(1, 4)),
    parameter(1, Buffer.concat([counted(1, Buffer.from('h2')), counted(1, Buffer.from('h3'))])),
    parameter(2, Buffer.of()),
    parameter(3, u16(8443)),
    parameter(4, Buffer.of(192, 0, 2, 1, 192, 0, 2, 2)),
    parameter(5, Buffer.of(1, 2)),
    parameter(6, Buffer.alloc(16, 0x20)),
    parameter(77, Buffer.of(9)),
  ]);
  t.match(answer(65, https), {
    rrtype: 'HTTPS',
    rdata:
      '1 . mandatory=alpn,ipv4hint alpn=h2,h3 no-default-alpn port=8443 ipv4hint=192.0.2.1,192.0.2.2 ech=AQI= ' +
      'ipv6hint=2020:2020:2020:2020:2020:2020:2020:2020 key77=09',
  });
  const option = Buffer.concat([u16(10), counted(2, Buffer.of(1, 2))]);
  t.strictSame(shown(dnsMessage({ additionals: [record('', 41, option)] }))['additionals'], [
    { rrname: '', rrtype: 'OPT', ttl: 300, opt: [{ code: 10, data: '0102' }] },
  ]);
  t.strictSame([0x8183, 0x000b].map(dnsRcodeName), ['NXDOMAIN', '11']);
  t.strictSame([256, 64].map(dnsTypeName), ['URI', '64']);
  t.match(shown(dnsMessage({ flags: 0x2a40 })), { opcode: 5, z: true, tc: true, flags: '2a40' });
});

t.test('tricks with names', async (t) => {
  const first = (bytes: Uint8Array): DnsResult => parseDns(bytes);
  const text = (...labels: Uint8Array[]): string | undefined =>
    first(dnsMessage({ questions: [question(Buffer.concat(labels))] })).message?.questions[0]?.name.text;
  t.equal(text(dnsName('a.b.c')), 'a.b.c');
  t.equal(text(dnsName('')), '', 'the root');
  t.equal(text(counted(1, Buffer.from('a.b\0')), dnsName('c')), 'a.b\0.c', 'any byte may be in a label');
  t.equal(text(counted(1, Buffer.from([0xe9])), dnsName('c')), '\\xe9.c');
  const message = (answers: Uint8Array[]): DnsResult => first(dnsMessage({ questions: [question('q')], answers }));
  // Offset 12: the question, 7 bytes; 19: the first answer's name.
  t.strictSame(
    message([record(dnsName('x', 19), 1, Buffer.alloc(4))]).message?.answers[0]?.name.truncated,
    true,
    'loop',
  );
  t.equal(message([record(dnsName(19), 1, Buffer.alloc(4))]).problem, 'answers', 'a pointer to itself');
  t.equal(message([record(dnsName(9999), 1, Buffer.alloc(4))]).problem, 'answers', 'beyond the message');
  t.equal(text(Buffer.of(0x41, 0x41, 0)), undefined, 'a length that is none');
  const long = dnsName(`${'x'.repeat(63)}.`.repeat(20));
  const cut = first(dnsMessage({ questions: [question(long)] })).message?.questions[0];
  t.strictSame([cut?.name.text.length, cut?.name.truncated, cut?.type], [1025, true, 1], 'what follows is found');
  const names = first(dnsMessage({ questions: [question(dnsName('a.'.repeat(300)))] }));
  t.equal(names.problem, 'questions', 'more labels than a name has');
  // 1,000 answers of 16 bytes, each naming 1,000 bytes.
  const grown = [question(long)];
  const answers = Array.from({ length: 1000 }, () => record(dnsName(12), 10, Buffer.alloc(0)));
  const bomb = first(dnsMessage({ questions: grown, answers }));
  t.equal(bomb.problem, 'answers');
  t.ok((bomb.message?.answers.length ?? 0) < 70, 'names made out of nothing are bounded');
});

t.test('what can be read is told, and where it stops', async (t) => {
  const whole = dnsMessage({
    flags: 0x8180,
    questions: [question('a.example')],
    answers: [record(dnsName(12), 16, counted(1, Buffer.from('text')))],
    authorities: [record('example', 2, dnsName('ns', 14))],
    additionals: [record('', 41, Buffer.of(0, 1, 0, 1, 7))],
  });
  const problems = new Set<string>();
  for (let cut = 0; cut < whole.length; cut++) problems.add(parseDns(whole.subarray(0, cut)).problem ?? 'none');
  t.strictSame([...problems], ['header', 'questions', 'answers', 'authorities', 'additionals']);
  t.equal(parseDns(whole).problem, undefined);
  t.equal(parseDns(dnsMessage({ counts: [65535, 65535, 65535, 65535] })).problem, 'questions');
});

t.test('no bytes make it throw or think long', async (t) => {
  const random = new Random(5);
  const real = dnsMessage({
    flags: 0x8180,
    questions: [question('www.example.org')],
    answers: [record(dnsName(12), 65, Buffer.concat([u16(1), dnsName('x', 16), u16(1, 3, 0x0268, 0x3200)]))],
    additionals: [record('', 41, Buffer.of(0, 10, 0, 2, 1, 2))],
  });
  let longest = 0;
  for (let round = 0; round < 20_000; round++) {
    let bytes: Uint8Array = Buffer.from(real);
    if (round % 50 === 0)
      bytes = Uint8Array.from({ length: random.below(2000) }, () => random.pick([0, 1, 0xc0, 12, 63]));
    else for (let n = random.below(6); n >= 0; n--) bytes[random.below(bytes.length)] = random.below(256);
    const start = performance.now();
    const { message } = parseDns(
      bytes.subarray(0, bytes.length - (random.below(3) === 0 ? random.below(bytes.length) : 0)),
    );
    if (message) JSON.stringify(dnsObject(message, 1, false));
    longest = Math.max(longest, performance.now() - start);
  }
  t.pass(`the longest took ${longest.toFixed(2)} ms`);
});

t.test('what rules look at in a query is what the whole reading finds', async (t) => {
  const seed = Date.now() & 0xffffff;
  const random = seededRandom(seed);
  const labels = ['a', 'WWW', 'example', 'x'.repeat(63), '', 'com'];
  for (let round = 0; round < 3000; round++) {
    const name = Array.from({ length: Math.floor(random() * 5) }, () => labels[Math.floor(random() * 6)] ?? '').join(
      '.',
    );
    const questions = Array.from({ length: Math.floor(random() * 3) }, () =>
      question(name, Math.floor(random() * 300)),
    );
    const bytes = dnsMessage({ questions, flags: Math.floor(random() * 65536), answers: [] });
    for (let n = Math.floor(random() * 3); n > 0; n--) bytes[Math.floor(random() * bytes.length)] = random() * 256;
    const seen = bytes.subarray(0, random() < 0.2 ? Math.floor(random() * bytes.length) : bytes.length);
    const { message } = parseDns(seen);
    const asked = readAsked(seen);
    if (asked === undefined) {
      if (message === undefined || seen.readUInt16BE(6) > 0) continue;
      return t.fail(`seed ${seed}: not read`);
    }
    const expected = message?.questions.map(({ bytes: name_, type }) => ({ bytes: name_, type }));
    if (message?.flags === asked.flags && JSON.stringify(expected) === JSON.stringify(asked.questions)) continue;
    return t.same(asked.questions, expected, `seed ${seed}`);
  }
  return t.pass('3000 messages');
});
