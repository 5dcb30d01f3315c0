// SPDX-License-Identifier: Apache-2.0
// app-layer-event on whole conversations, through the real program: what the kernel hands over for it, and what is raised.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { replayCaptures } from '../../engine/replay/replay.js';
import { dnsMessage, dnsName, question, record } from '../helpers/dns-bytes.js';
import { pcap, type Timed } from '../helpers/pcap.js';
import { privileged } from '../helpers/privileged.js';
import { counted, hello, records, sniExtension, u16, type Extension } from '../helpers/tls-bytes.js';
import { benchKernels } from './support/bench-pool.js';
import { udp } from './support/frames.js';
import { Talk } from './support/talk.js';

if (privileged(t)) {
  const folder = mkdtempSync(join(tmpdir(), 'ids-app-events-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));

  /** Events that alerts are raised on, by the number of their packet. */
  const raised = (names: readonly string[], frames: readonly Uint8Array[]): string[] => {
    const capture = join(folder, 'capture.pcap');
    writeFileSync(capture, pcap(frames.map((frame, i): Timed => [i, frame])));
    const text = names
      .map((name, i) => `alert ${name.split('.')[0]} any any -> any any (app-layer-event:${name}; sid:${i + 1};)`)
      .join('\n');
    const found: string[] = [];
    replayCaptures({
      sources: [{ file: 'test.rules', text }],
      captures: [capture],
      redact: false,
      inline: false,
      kernels: benchKernels,
      onDetection: ({ kind, rule, pcapCnt }) => {
        if (kind === 'alert' && rule) found.push(`${pcapCnt} ${names[rule.sid - 1]}`);
      },
    });
    return found.sort();
  };

  t.test('HTTP', async (t) => {
    const talk = new Talk();
    const names = [
      'http.missing_host_header',
      'http.invalid_transfer_encoding_value_in_request',
      'http.response_chunked_old_proto',
      'http.request_auth_unrecognized',
      'http.method_delim_non_compliant',
    ];
    const frames = [
      ...talk.handshake(),
      talk.up({ payload: 'GET / HTTP/1.1\r\nHost: h\r\n\r\n' }),
      talk.down({ payload: 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n' }),
      talk.up({ payload: 'GET /two HTTP/1.1\r\nAuthorization: Odd x\r\n\r\n' }),
      talk.down({ payload: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n' }),
      talk.up({ payload: 'POST \t/three HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunke\r\n\r\n' }),
    ];
    t.same(raised(names, frames), [
      '5 http.response_chunked_old_proto',
      '6 http.missing_host_header',
      '6 http.request_auth_unrecognized',
      '8 http.invalid_transfer_encoding_value_in_request',
      '8 http.method_delim_non_compliant',
    ]);
  });

  t.test('TLS', async (t) => {
    const names = [
      'tls.multiple_sni_extensions',
      'tls.invalid_sni_type',
      'tls.invalid_sni_length',
      'tls.invalid_certificate',
    ];
    const sni = (type: number, name: Uint8Array): Extension => [0, counted(2, Buffer.concat([Buffer.of(type), name]))];
    const hellos: readonly (readonly Extension[])[] = [
      [sniExtension('a.example')],
      [sniExtension('a.example'), sniExtension('b.example')],
      [sni(1, counted(2, Buffer.from('a')))],
      [sni(0, u16(0))],
    ];
    const frames = hellos.flatMap((extensions, i) => {
      const talk = new Talk({ cport: 41_000 + i, sport: 443 });
      return [...talk.handshake(), talk.up({ payload: records(hello({ extensions })) })];
    });
    t.same(raised(names, frames), [
      '12 tls.invalid_sni_type',
      '16 tls.invalid_sni_length',
      '8 tls.multiple_sni_extensions',
    ]);
    const talk = new Talk({ sport: 443 });
    const certificate = Buffer.from('no certificate');
    const flight = Buffer.concat([
      hello({ ciphers: [0xc02f], extensions: [] }, false),
      Buffer.concat([Buffer.of(11), counted(3, counted(3, counted(3, certificate)))]),
    ]);
    const session = [
      ...talk.handshake(),
      talk.up({ payload: records(hello({ extensions: [] })) }),
      talk.down({ payload: records(flight) }),
    ];
    t.same(raised(names, session), ['5 tls.invalid_certificate']);
  });

  t.test('DNS', async (t) => {
    const names = [
      'dns.malformed_data',
      'dns.not_request',
      'dns.not_response',
      'dns.z_flag_set',
      'dns.infinite_loop',
      'dns.too_many_labels',
      'dns.invalid_authorities',
      'dns.invalid_additionals',
    ];
    const ask = (payload: Uint8Array): Uint8Array =>
      udp({ src: '192.0.2.1', dst: '10.0.0.1', sport: 40_000, dport: 53, payload });
    const say = (payload: Uint8Array): Uint8Array =>
      udp({ src: '10.0.0.1', dst: '192.0.2.1', sport: 53, dport: 40_000, payload });
    const questions = [question('a.example')];
    const loop = Buffer.concat([u16(0xc012, 1, 1, 0xc012)]);
    const labels = record('a.'.repeat(256), 1, Buffer.alloc(4));
    const frames = [
      ask(dnsMessage({ questions })),
      say(dnsMessage({ flags: 0x8100, questions })),
      ask(dnsMessage({ flags: 0x0140, questions })),
      say(dnsMessage({ flags: 0x0100, questions })),
      ask(dnsMessage({ flags: 0x8100, questions })),
      ask(dnsMessage({ questions, counts: [1, 0, 0, 1] })),
      say(dnsMessage({ flags: 0x8100, questions, answers: [Buffer.concat([dnsName(12), u16(1, 1, 0, 9, 40)])] })),
      ask(dnsMessage({ questions: [loop] })),
      say(dnsMessage({ flags: 0x8100, questions, answers: [labels] })),
      ask(dnsMessage({ questions, counts: [1, 0, 1, 0] })),
    ];
    t.same(raised(names, frames), [
      '10 dns.invalid_authorities',
      '3 dns.z_flag_set',
      '4 dns.not_response',
      '5 dns.not_request',
      '6 dns.invalid_additionals',
      '7 dns.malformed_data',
      '8 dns.infinite_loop',
      '9 dns.malformed_data',
      '9 dns.too_many_labels',
    ]);
  });
}
