// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import t from 'tap';
import { tlsObject, tlsVersionName } from '../../../../alerts/index.js';
import { parseCertificate } from '../../../../engine/layer7/certificate.js';
import { ja3, ja3s, ja4 } from '../../../../engine/layer7/tls-fingerprints.js';
import { parseTlsFlight, type TlsFlight } from '../../../../engine/layer7/tls-records.js';
import { tlsFields } from '../../../../engine/layer7/tls.js';
import {
  alpnExtension,
  counted,
  handshake,
  hello,
  records,
  selfSigned,
  session,
  sniExtension,
  u16,
  type Extension,
  type HelloParts,
} from '../../../helpers/tls-bytes.js';
import { Random } from '../../../kernel/support/random.js';

const client = (parts: HelloParts): NonNullable<TlsFlight['client']> => {
  const made = parseTlsFlight(records(hello(parts))).client;
  if (!made) throw new Error('no hello');
  return made;
};
const empty = (...types: readonly number[]): Extension[] => types.map((type) => [type, new Uint8Array()]);

t.test('JA3 as its authors publish it', async (t) => {
  const ciphers = [47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4];
  const extensions: Extension[] = [
    sniExtension('x'),
    [10, counted(2, u16(23, 24, 25))],
    [11, counted(1, Buffer.of(0))],
  ];
  t.strictSame(ja3(client({ version: 769, ciphers, extensions })), {
    string: '769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0',
    hash: 'ada70206e40642a3e4461f35503241d5',
  });
  const bare = client({ version: 769, ciphers: [4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99] });
  t.equal(ja3(bare).hash, 'de350869b8c85de67a350c8d186f11e6', 'without extensions');
  const grease: Extension[] = [[0x1a1a, new Uint8Array()], ...extensions, [0xfafa, Buffer.of(0)]];
  t.equal(
    ja3(client({ version: 769, ciphers: [0x0a0a, ...ciphers], extensions: grease })).hash,
    'ada70206e40642a3e4461f35503241d5',
    'GREASE is left out',
  );
  const server = parseTlsFlight(records(hello({ ciphers: [0xc02f], extensions: empty(65281, 11) }, false))).server;
  t.equal(server && ja3s(server).string, '771,49199,65281-11');
});

t.test('JA4 as its authors publish it', async (t) => {
  const ciphers = [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x9c, 0x9d];
  const signatures = u16(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601);
  const extensions: Extension[] = [
    ...empty(0x8a8a, 0x1b, 0x17, 0xff01, 0x0a, 0x0b, 0x23, 5, 0x12, 0x33, 0x2d, 0x4469, 0x15),
    sniExtension('example.org'),
    alpnExtension('h2', 'http/1.1'),
    [13, counted(2, signatures)],
    [43, counted(1, u16(0x3a3a, 0x0304, 0x0303))],
  ];
  const chrome = { ciphers: [0xeaea, ...ciphers, 0x2f, 0x35], extensions };
  t.equal(ja4(client(chrome)), 't13d1516h2_8daaf6152771_e5627efa2ab1');
  t.equal(ja4(client({ ciphers: [] })), 't12i000000_000000000000_000000000000', 'nothing offered');
  const first = (...names: string[]): string =>
    ja4(client({ ciphers: [], extensions: [alpnExtension(...names)] })).slice(0, 10);
  t.equal(first('http/1.1'), 't12i0001h1');
  t.equal(first('x'), 't12i0001xx');
  t.equal(first('\x01a\xff'), 't12i00010f', 'no letters: the hexadecimal form');
  t.equal(first('\x3a\x3a'), 't12i000100', 'GREASE');
  const many = Array.from({ length: 120 }, (_, i) => 0x2000 + i);
  t.match(ja4(client({ ciphers: many, extensions: empty(...many) })), /^t12i999900_/);
});

t.test('sessions of Node: TLS 1.3, 1.2, 1.2 continued, a certificate of the client', async (t) => {
  const pair = selfSigned('/C=DE/ST=Köln/O=Größe, Ltd/OU=a/CN=server.example/emailAddress=a@b.example');
  const common = { servername: 'server.example', ALPNProtocols: ['h2', 'http/1.1'] };
  const server = { ...pair, ALPNProtocols: ['http/1.1'] };
  const fields = (s: { client: Buffer; server: Buffer }): Record<string, unknown> =>
    tlsObject(tlsFields(parseTlsFlight(s.client), parseTlsFlight(s.server)));
  const subject = 'C=DE, ST=Köln, O=Größe, Ltd, OU=a, CN=server.example, Email=a@b.example';

  const modern = fields(await session(server, common));
  t.match(modern, { sni: 'server.example', version: 'TLS 1.3', client_alpns: ['h2', 'http/1.1'] });
  t.match(modern['ja4'], /^t13d\d{4}h2_/);
  t.notOk('subject' in modern, 'certificates of TLS 1.3 are encrypted');

  const old = await session(server, { ...common, maxVersion: 'TLSv1.2', cert: pair.cert, key: pair.key });
  const record = fields(old);
  const x509 = new X509Certificate(pair.cert);
  t.match(record, { subject, issuerdn: subject, version: 'TLS 1.2', server_alpns: ['http/1.1'] });
  t.equal(String(record['serial']).replaceAll(':', ''), x509.serialNumber);
  t.equal(record['fingerprint'], x509.fingerprint.toLowerCase());
  t.equal(Date.parse(`${String(record['notbefore'])}Z`), Date.parse(x509.validFrom));
  t.equal(Date.parse(`${String(record['notafter'])}Z`), Date.parse(x509.validTo));
  t.notOk(record['session_resumed']);
  t.match(record['ja3'], { string: /^771,\d/, hash: /^[0-9a-f]{32}$/ });
  t.match(record['ja3s'], { string: /^771,\d+,[\d-]+$/ });

  const asked = await session(
    { ...server, requestCert: true, rejectUnauthorized: false },
    { ...common, maxVersion: 'TLSv1.2', cert: pair.cert, key: pair.key },
  );
  t.match(fields(asked)['client'], { subject, serial: record['serial'] });
  t.strictSame(fields({ client: asked.client, server: Buffer.alloc(0) })['version'], 'TLS 1.2', 'no answer yet');
});

t.test('a session that goes on shows no certificate', async (t) => {
  const session = new Uint8Array(32).fill(9);
  const asked = parseTlsFlight(records(hello({ session, extensions: [sniExtension('a.example')] })));
  const answer = hello({ session, ciphers: [0xc02f], extensions: [] }, false);
  const turn = records(Buffer.of(1), 1, 20);
  const resumed = (bytes: Buffer): boolean | undefined => tlsFields(asked, parseTlsFlight(bytes)).resumed;
  t.ok(resumed(Buffer.concat([records(answer), turn])));
  t.notOk(resumed(records(answer)), 'not known yet');
  t.notOk(resumed(Buffer.concat([records(hello({ ciphers: [0xc02f] }, false)), turn])), 'another id');
  const modern = hello({ session, extensions: [[43, u16(0x0304)]] }, false);
  t.notOk(resumed(Buffer.concat([records(modern), turn])), 'TLS 1.3 echoes the id always');
});

t.test('certificates: what Node and openssl say of the same bytes', async (t) => {
  const names = 'subjectAltName=DNS:a.example,DNS:*.b.example,IP:192.0.2.7,IP:2001:db8::1,URI:https://c.example/';
  const subject = '/DC=org/CN=multi+UID=7/serialNumber=12/businessCategory=x';
  const { raw } = new X509Certificate(selfSigned(subject, '-addext', names, '-set_serial', '0x80aa').cert);
  const made = parseCertificate(raw);
  t.match(made, {
    serial: '00:80:AA',
    names: ['a.example', '*.b.example', '192.0.2.7', '2001:0db8:0000:0000:0000:0000:0000:0001', 'https://c.example/'],
  });
  t.equal(made?.subject, 'DC=org, CN=multi + OID(0.9.2342.19200300.100.1.1)=7, serialNumber=12, businessCategory=x');
  for (let cut = 0; cut < raw.length; cut++) t.equal(parseCertificate(raw.subarray(0, cut)), undefined);
});

t.test('hellos over records, and what is cut short', async (t) => {
  const message = hello({ extensions: [sniExtension('split.example'), alpnExtension('h2')] });
  for (const size of [1, 3, 50, 100])
    t.equal(Buffer.from(parseTlsFlight(records(message, size)).client?.sni ?? []).toString(), 'split.example');
  const whole = records(message);
  for (let cut = 0; cut < whole.length; cut++) {
    const flight = parseTlsFlight(whole.subarray(0, cut));
    t.strictSame([flight.client, flight.problem], [undefined, cut === 0 ? undefined : 'truncated']);
  }
  t.equal(parseTlsFlight(Buffer.from('GET / HTTP/1.1\r\n')).problem, 'not-tls');
  t.equal(parseTlsFlight(records(handshake(1, Buffer.alloc(5)))).problem, 'malformed');
  t.equal(parseTlsFlight(Buffer.concat([whole, Buffer.from('garbage here')])).problem, 'malformed');
  t.equal(client({ extensions: [[0, Buffer.of(0, 9, 0)]] }).sni, undefined, 'a name that is cut');
  t.strictSame(client({ extensions: empty(0, 10, 16) }).extensions, [0, 10, 16]);
  t.equal(tlsObject(tlsFields(undefined, undefined))['version'], 'UNDETERMINED');
  t.strictSame([0x0300, 0x0301, 0x7f1c, 0x7f05, 0x0505].map(tlsVersionName), [
    'SSLv3',
    'TLSv1',
    'TLS 1.3 draft-28',
    'TLS 1.3 draft-<16',
    '0x0505',
  ]);
});

t.test('no bytes make it throw or think long', async (t) => {
  const pair = selfSigned('/CN=fuzz.example');
  const real = await session(pair, { servername: 'fuzz.example', maxVersion: 'TLSv1.2', ALPNProtocols: ['h2'] });
  const random = new Random(4);
  let longest = 0;
  for (let round = 0; round < 4000; round++) {
    const bytes = Buffer.from(random.pick([real.client, real.server]));
    for (let n = random.below(8); n >= 0; n--) bytes[random.below(bytes.length)] = random.below(256);
    if (random.below(4) === 0)
      for (let i = 0; i < bytes.length; i++) if (random.below(3) === 0) bytes[i] = random.below(256);
    const cut = parseTlsFlight(bytes.subarray(0, random.below(bytes.length + 1)));
    const start = performance.now();
    tlsObject(tlsFields(cut, parseTlsFlight(bytes)));
    longest = Math.max(longest, performance.now() - start);
  }
  t.pass(`the longest took ${longest.toFixed(2)} ms`);
});
