// SPDX-License-Identifier: Apache-2.0
// Which payloads are taken for HTTP requests, and what of them is handed over.

import t from 'tap';
import { EventType, HttpFlag, L7Setting } from '../../common/abi.gen.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { setLayer7 } from './support/layer7-rig.js';
import { ip, udp } from './support/frames.js';
import { install, httpRule, openHttpRig, segment } from './support/http-rig.js';
import type { SeenHttp } from './support/rig.js';

const when = { skip: whyUnprivileged() ?? false };
const end = '\r\n\r\n';
const request = `GET /index HTTP/1.1\r\nHost: example.org${end}`;

const requests: Record<string, string> = {
  plain: request,
  'no headers': 'GET / HTTP/1.0\r\n\r\n',
  'bare LF': 'GET / HTTP/1.0\n\n',
  'no version, as in HTTP/0.9': 'GET /index\r\n',
  'cut in the path': 'GET /ind',
  'the shortest': 'GET /\n',
  'another method': `DELETE /x HTTP/1.1${end}`,
  'OPTIONS *': `OPTIONS * HTTP/1.1${end}`,
  'CONNECT to a port': `CONNECT example.org:443 HTTP/1.1${end}`,
  'absolute form': `GET http://example.org/ HTTP/1.1${end}`,
  WebDAV: `VERSION-CONTROL /x HTTP/1.1${end}`,
  'a method of 32 bytes': `${'M'.repeat(32)} / HTTP/1.1${end}`,
  'an invented, lower-case method': `m-!x / HTTP/1.1${end}`,
  'two spaces': `GET  / HTTP/1.1${end}`,
  'an empty line in front': `\r\n${request}`,
  'many empty lines in front': `${'\r\n'.repeat(8)}${request}`,
};

const others: Record<string, string> = {
  'TLS ClientHello': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 GET / HTTP/1.1\r\n',
  'an HTTP response': `HTTP/1.1 200 OK${end}`,
  SSH: 'SSH-2.0-OpenSSH_9.6 Debian-1\r\n',
  SMTP: 'EHLO example.org\r\n',
  'a POP3 password': 'PASS S3CRET\r\n',
  'a POP3 password with a slash': 'PASS /S3CRET\r\n',
  FTP: 'RETR /pub/file\r\n',
  Redis: 'GET key\r\n',
  RTSP: 'OPTIONS rtsp://example.org RTSP/1.0\r\n\r\n',
  SIP: 'OPTIONS sip:a@example.org SIP/2.0\r\n\r\n',
  'the version on the second line': 'FOO bar\r\nx HTTP/1.1\r\n\r\n',
  'a version without a number': 'FOO bar HTTP/x\r\n\r\n',
  'a method of 33 bytes': `${'M'.repeat(33)} / HTTP/1.1${end}`,
  'a space first': ` ${request}`,
  'too short': 'GET',
  'HTTP/2': 'PRI *x\r\n\r\nSM\r\n\r\n',
  'a NUL in the method': `G\0T / HTTP/1.1${end}`,
};

t.test('requests are recognised by their first bytes alone', when, async (t) => {
  const rig = openHttpRig(t);
  for (const [name, payload] of Object.entries(requests)) {
    for (const dport of [80, 40_123]) {
      const seen = rig.send(segment(payload, { dport }));
      t.equal(seen.verdict, 2, name);
      t.equal(seen.http.length, 1, name);
      t.equal(Buffer.from(seen.http[0]?.section ?? []).toString('latin1'), payload.replace(/^[\r\n]+/, ''), name);
      t.equal(seen.stats['HTTP'], 1, name);
      t.equal(seen.stats['BULK'], 1, name);
    }
  }
});

t.test('other protocols are not', when, async (t) => {
  const rig = openHttpRig(t);
  for (const [name, payload] of Object.entries(others)) {
    const seen = rig.send(segment(payload));
    t.same([seen.verdict, seen.http, seen.stats['HTTP']], [2, [], undefined], name);
  }
  let fired = 0;
  for (let i = 0; i < 5000; i++) {
    rig.push(segment(Uint8Array.from({ length: 64 }, () => Math.floor(Math.random() * 256))));
    fired += rig.drain().http.length;
  }
  t.equal(fired, 0, 'random bytes');
});

t.test('the record says what packet it came from, and leaves the body behind', when, async (t) => {
  const rig = openHttpRig(t);
  const whole = `POST /a HTTP/1.1\r\nHost: b${end}`;
  const [seen] = rig.send(segment(`${whole}BODY`, { sport: 1234, dport: 8080, seq: 77, ttl: 9 })).http;
  const event = seen?.record.event;
  t.equal(Buffer.from(seen?.section ?? []).toString(), whole);
  t.match(event, { type: EventType.EVENT_HTTP, verdict: 0, generation: 1, sport: 1234, dport: 8080, seq: 77, ttl: 9 });
  t.match(event, { proto: 6, ipVersion: 4, time: rig.now, packet: 1, payloadLen: whole.length + 4 });
  t.equal(seen?.record.flags, HttpFlag.HTTP_WANTED | HttpFlag.HTTP_GAP);
});

t.test('a section that does not end here is marked', when, async (t) => {
  const rig = openHttpRig(t);
  const head = 'GET / HTTP/1.1\r\nHost: a\r\n';
  const damage = (seen: SeenHttp | undefined): number =>
    (seen?.record.flags ?? -1) & (HttpFlag.HTTP_TRUNCATED | HttpFlag.HTTP_REDACTED);
  const flagsOf = (payload: string): number => damage(rig.send(segment(payload)).http[0]);
  t.equal(flagsOf(`${head}\r\n`), 0);
  for (let cut = 6; cut < head.length + 2; cut++) {
    const seen = rig.send(segment(`${head}\r\n`.slice(0, cut)));
    t.equal(damage(seen.http[0]), HttpFlag.HTTP_TRUNCATED, `cut at ${cut}`);
    t.equal(seen.http[0]?.record.length, cut);
    t.equal(seen.stats['HTTP_TRUNCATED'], 1);
  }
  t.equal(flagsOf(`${head}Cookie: a\r\n`), HttpFlag.HTTP_TRUNCATED | HttpFlag.HTTP_REDACTED);
  t.equal(flagsOf(`${head}Cookie:`), HttpFlag.HTTP_TRUNCATED, 'nothing masked yet');
  // Every length around the capture limit, to the byte.
  for (let length = 16_380; length <= 16_390; length++) {
    const payload = `${head}X: `.padEnd(length - 4, 'x') + end;
    const seen = rig.send(segment(payload)).http[0];
    t.equal(seen?.section.length, Math.min(length, 16_384));
    t.equal(damage(seen), length > 16_384 ? HttpFlag.HTTP_TRUNCATED : 0, `${length} bytes`);
  }
});

t.test('only what is in the IP packet counts, wherever it lies in the frame', when, async (t) => {
  const rig = openHttpRig(t);
  const text = (frame: Uint8Array): string | undefined => {
    const [seen] = rig.send(frame).http;
    return seen && Buffer.from(seen.section).toString('latin1');
  };
  const padded = Buffer.concat([segment('GET /'), Buffer.from('x HTTP/1.1\r\n\r\n')]);
  t.equal(text(padded), 'GET /', 'Ethernet padding is no payload');
  t.equal(text(segment(request, { src: '2001:db8::1', dst: '2001:db8::2' })), request, 'IPv6');
  t.equal(text(segment(request, { vlan: [5, 6] })), request, 'QinQ');
  t.equal(text(segment(request, { tcpOptions: new Uint8Array(12).fill(1) })), request, 'TCP options');
  t.equal(text(segment(request, { options: new Uint8Array(8).fill(1) })), request, 'IPv4 options');
  t.equal(text(segment(request, { fragment: 0x2000 })), request, 'first fragment');
  t.equal(text(ip({ src: '192.0.2.1', dst: '192.0.2.2', fragment: 100 }, 6, Buffer.from(request))), undefined, 'later');
  t.equal(text(udp({ src: '192.0.2.1', dst: '192.0.2.2', payload: request })), undefined, 'UDP');
  const big = `${request.slice(0, -2)}X: ${'y'.repeat(3000)}${end}`;
  t.equal(text(segment(big + 'z'.repeat(20_000))), big, 'a frame in several buffers');
});

t.test('requests are read only where they are wanted', when, async (t) => {
  const rig = openHttpRig(t);
  const seen = (): number => rig.send(segment(request)).http.length;
  t.equal(seen(), 1);
  // What a rule's literal stands for is handed over without being asked for.
  setLayer7(rig, L7Setting.L7_HTTP);
  t.equal(seen(), 1);
  t.equal(rig.send(segment(request.replace('GET', 'PUT'))).http.length, 0, 'no literal of a rule');
  install(rig, 'alert tcp any any -> any any (msg:"x"; flags:S; sid:2;)');
  t.equal(seen(), 0, 'no rule wants them');
  install(rig, `${httpRule}\ndrop tcp any any -> any 80 (msg:"x"; sid:2;)`);
  t.equal(seen(), 0, 'dropped packets are not looked into');
  t.equal(rig.send(segment(request, { dport: 81 })).http.length, 1);
});

t.test('a full ring is counted', when, async (t) => {
  const rig = openHttpRig(t);
  for (let i = 0; i < 1000; i++) rig.push(segment(request));
  const stats = rig.kernel.stats();
  const { http } = rig.drain();
  t.equal(http.length + (stats[4] ?? 0), 1000);
  t.ok((stats[4] ?? 0) > 0);
});
