// SPDX-License-Identifier: Apache-2.0
// Engine-placed rules on everything that layer 7 puts together: bodies, streams, packets, hellos, certificates, questions;
// what their alerts show, what the log says, and alerts of the kernel that find their message.
import t from 'tap';
import { brotliCompressSync } from 'node:zlib';
import {
  App,
  BytesFlag,
  BytesRecordLayout as B,
  Direction,
  EventFlag,
  EventLayout as E,
  EventType,
  HttpFlag,
  HttpLayout as H,
  L7Flag,
} from '../../../../common/abi.gen.js';
import { Judge, type Raised } from '../../../../engine/judge/judge.js';
import { eveLine } from '../../../../alerts/index.js';
import { dnsMessage, question } from '../../../helpers/dns-bytes.js';
import { hello, records, sniExtension } from '../../../helpers/tls-bytes.js';
import { AT, eventAt, httpAt, programOf } from './support/records.js';

type Eve = Record<string, Record<string, unknown>>;

class Bench {
  readonly judge = new Judge({
    timeUs: (ns) => ns / 1000,
    interfaceName: () => 'eth0',
    replay: false,
    logs: new Set(['http', 'tls', 'dns', 'anomaly']),
  });
  #time = 5e9;

  constructor(rules: string) {
    this.judge.install(programOf(rules));
  }

  /** Marks the record as one of flow 9 at place 4. */
  #inFlow(view: DataView, app: number, toClient: boolean): DataView {
    view.setBigUint64(AT + E.time, BigInt((this.#time += 1000)), true);
    view.setBigUint64(AT + E.flowId, 9n, true);
    view.setUint32(AT + E.flow, 4, true);
    view.setUint8(AT + E.app, app);
    view.setUint8(AT + E.direction, toClient ? Direction.TO_CLIENT : Direction.TO_SERVER);
    return view;
  }

  #ends(toClient: boolean): object {
    return toClient ? { src: '198.51.100.2', dst: '192.0.2.1', sport: 80, dport: 40_000 } : {};
  }

  bytes(type: number, app: number, toClient: boolean, content: Uint8Array | string, flags = 0, offset = 0): this {
    const bytes = Buffer.from(content as string, 'latin1');
    const view = this.#inFlow(
      eventAt({ type, ...this.#ends(toClient) }, B.SIZE - E.SIZE + bytes.length),
      app,
      toClient,
    );
    view.setUint32(AT + B.length, bytes.length, true);
    view.setUint32(AT + B.flags, flags, true);
    view.setUint32(AT + B.offset, offset, true);
    new Uint8Array(view.buffer).set(bytes, AT + B.SIZE);
    this.judge.onBulk(view, AT, view.byteLength - AT);
    return this;
  }

  payload(toClient: boolean, content: Uint8Array | string, offset = 0, flags = 0, app: number = App.HTTP): this {
    return this.bytes(EventType.EVENT_PAYLOAD, app, toClient, content, flags, offset);
  }

  head(section: string, toClient: boolean, flags: number, message = 1): this {
    const view = this.#inFlow(httpAt(section, this.#ends(toClient)), App.HTTP, toClient);
    view.setUint32(AT + H.flags, flags | (toClient ? HttpFlag.HTTP_RESPONSE : 0), true);
    view.setUint32(AT + H.message, message, true);
    view.setUint16(AT + H.status, toClient ? 404 : 0, true);
    this.judge.onBulk(view, AT, view.byteLength - AT);
    return this;
  }

  event(fields: object, app: number): this {
    this.#time -= 1000;
    this.judge.onEvent(this.#inFlow(eventAt(fields), app, false), AT);
    return this;
  }

  raised(): Raised[] {
    return this.judge.take();
  }

  /** Alerts as EVE has them. */
  alerts(): Eve[] {
    return this.raised().map(({ detection }) => JSON.parse(eveLine(detection)) as Eve);
  }

  lines(): Eve[] {
    const text = this.judge.layer7.lines.take(true).map(({ bytes }) => Buffer.from(bytes).toString());
    return text
      .join('')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Eve);
  }
}

const sids = (alerts: readonly Eve[]): unknown[] => alerts.map(({ alert }) => alert?.['signature_id']);

t.test('bodies: as they grow, unpacked, once', async (t) => {
  const bench = new Bench(
    'alert http any any -> any any (http.uri; content:"/up"; http.request_body; content:"evil"; sid:1;)\n' +
      'alert http any any -> any any (http.response_body; content:"secret page"; sid:2;)\n' +
      'alert http any any -> any any (file.data; content:"secret"; startswith; sid:3;)',
  );
  bench.payload(false, 'POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\nsome ev');
  t.strictSame(sids(bench.alerts()), []);
  bench.payload(false, 'il is here!', 57);
  const [alert] = bench.alerts();
  t.match(alert, {
    alert: { signature_id: 1 },
    http: { hostname: 'a', url: '/up', http_method: 'POST' },
    app_proto: 'http',
    direction: 'to_server',
  });
  bench.payload(false, '.', 68);
  t.strictSame(sids(bench.alerts()), [], 'not again');
  const body = brotliCompressSync('secret page');
  const head = `HTTP/1.1 200 OK\r\nContent-Type: text/plain; x\r\nContent-Encoding: br\r\nContent-Length: ${body.length}\r\n\r\n`;
  bench.payload(true, Buffer.concat([Buffer.from(head), body]));
  const answered = bench.alerts();
  t.strictSame(sids(answered), [2, 3]);
  t.match(answered[0], {
    src_ip: '198.51.100.2',
    http: { url: '/up', http_content_type: 'text/plain', status: 200, length: body.length },
    direction: 'to_client',
  });
});

t.test('a body that comes byte by byte is judged where it has grown, and at its end', async (t) => {
  const bench = new Bench('alert http any any -> any any (http.request_body; content:"evil"; sid:1;)');
  const body = `${'x'.repeat(600)}evil..`;
  const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`;
  bench.payload(false, head);
  const evaluated: number[] = [];
  for (let at = 0; at < body.length; at++) {
    bench.payload(false, body[at] ?? '', head.length + at);
    if (sids(bench.alerts()).length > 0) evaluated.push(at);
  }
  const [found = 0, ...more] = evaluated;
  t.ok(found >= 603 && found < 606 && more.length === 0, `found at ${found}: within a 32nd, or at its end`);
});

t.test('streams, packets, gaps', async (t) => {
  const bench = new Bench(
    'alert tcp any any -> any any (content:"needle"; sid:1;)\nalert udp any any -> any any (content:"needle"; sid:2;)\n' +
      'drop tcp any any -> any any (content:"stop"; sid:3;)',
  );
  bench.payload(false, 'xxnee', 0, 0, App.OTHER).payload(false, 'needle', 2, 0, App.OTHER);
  const [one] = bench.raised();
  t.match(one, { detection: { rule: { sid: 1 }, appProto: 'failed' } }, 'over two records that overlap');
  bench.payload(true, 'stop', 0, 0, App.OTHER);
  t.match(bench.raised(), [{ cut: { sport: 80 }, detection: { rule: { sid: 3, action: 'blocked' } } }]);
  bench.payload(false, 'stop', 0, BytesFlag.BYTES_PACKET, App.UNKNOWN);
  const [apart, ...more] = bench.raised();
  t.match(apart, { detection: { rule: { sid: 3, action: 'allowed' }, reason: 'clean' } }, 'a packet by itself');
  t.same([apart?.cut, more], [undefined, []], 'cuts nothing, as it could be forged');
  bench.payload(false, 'needle', 900, BytesFlag.BYTES_GAP, App.OTHER);
  t.equal(bench.raised().length, 0, 'behind a gap');
  bench.judge.count();
  t.equal(bench.judge.counts.brokenStreams, 1);
});

t.test('hellos and certificates', async (t) => {
  const bench = new Bench('alert tls any any -> any any (tls.sni; content:"bad.example"; sid:1;)');
  const client = records(hello({ extensions: [sniExtension('www.bad.example')] }));
  bench.bytes(EventType.EVENT_TLS, App.TLS, false, client, BytesFlag.BYTES_LOGGED);
  t.match(bench.alerts(), [{ alert: { signature_id: 1 }, tls: { sni: 'www.bad.example' }, app_proto: 'tls' }]);
  t.strictSame(bench.lines(), [], 'not yet answered');
  bench.bytes(EventType.EVENT_TLS, App.TLS, true, records(hello({ extensions: [] }, false)), BytesFlag.BYTES_LOGGED);
  t.match(bench.lines(), [
    { event_type: 'tls', src_ip: '192.0.2.1', src_port: 40_000, tls: { sni: 'www.bad.example', version: 'TLS 1.2' } },
  ]);
  bench.bytes(EventType.EVENT_TLS, App.TLS, false, client, BytesFlag.BYTES_LOGGED);
  bench.judge.layer7.close();
  t.match(bench.lines(), [{ event_type: 'tls', tls: { sni: 'www.bad.example' } }], 'never answered');
  bench.bytes(EventType.EVENT_TLS, App.TLS, false, 'no tls at all');
  t.equal(bench.judge.counts.malformed, 1);
});

t.test('questions', async (t) => {
  const bench = new Bench('alert dns any any -> any any (dns.query; content:"bad"; sid:1;)');
  const asked = dnsMessage({ id: 7, questions: [question('good.example'), question('bad.example')] });
  bench.bytes(EventType.EVENT_DNS, App.DNS, false, asked, BytesFlag.BYTES_LOGGED);
  t.match(bench.alerts(), [
    { alert: { signature_id: 1 }, dns: { queries: [{ rrname: 'good.example' }, { rrname: 'bad.example' }] } },
  ]);
  t.match(bench.lines(), [{ event_type: 'dns', dns: { type: 'request', id: 7 } }]);
  bench.bytes(EventType.EVENT_DNS, App.DNS, true, asked.subarray(0, 5));
  t.equal(bench.judge.counts.malformed, 1);
});

t.test('responses, and alerts of the kernel', async (t) => {
  const bench = new Bench(
    'alert http any any -> any any (http.header; content:"X-Evil"; sid:1;)\nalert tcp any any -> any 80 (flags:PA; sid:2;)',
  );
  bench.head('GET /a HTTP/1.1\r\nHost: h\r\n\r\n', false, HttpFlag.HTTP_LOGGED | HttpFlag.HTTP_DECIDED);
  bench.event(
    { rule: programOf('alert tcp any any -> any 80 (flags:PA; sid:2;)').rules.at(0)?.positions[0] ?? 0 },
    App.HTTP,
  );
  t.match(bench.alerts(), [{ alert: { signature_id: 2 }, http: { hostname: 'h', url: '/a' } }]);
  bench.head('HTTP/1.1 404 No\r\nX-Evil: 1\r\n\r\n', true, HttpFlag.HTTP_LOGGED | HttpFlag.HTTP_WANTED);
  t.match(bench.alerts(), [{ alert: { signature_id: 1 }, http: { url: '/a', status: 404 }, direction: 'to_client' }]);
  t.match(bench.lines(), [{ event_type: 'http', http: { url: '/a', status: 404 } }]);
  bench.event({ type: EventType.EVENT_ANOMALY, rule: L7Flag.L7_CONFLICT, flags: EventFlag.EVENT_PORTS }, App.HTTP);
  t.match(bench.lines(), [
    {
      event_type: 'anomaly',
      anomaly: { app_proto: 'http', type: 'stream', event: 'stream.reassembly_overlap_different_data' },
    },
  ]);
});

t.test('whatever the bytes are', async (t) => {
  const bench = new Bench(
    'alert http any any -> any any (file.data; content:"x"; sid:1;)\nalert tls any any -> any any (tls.certs; content:"x"; sid:2;)',
  );
  const random = (length: number): Buffer => Buffer.from(Array.from({ length }, () => Math.random() * 256));
  const client = records(hello({ extensions: [sniExtension('www.bad.example')] }));
  for (let n = 0; n < 3000; n++) {
    const bytes =
      n % 3 === 0 ? random(n % 300) : Buffer.from(n % 3 === 1 ? client : dnsMessage({ questions: [question('a.b')] }));
    if (bytes.length > 0) bytes[Math.floor(Math.random() * bytes.length)] = n;
    const toClient = (n & 4) !== 0;
    const type = [EventType.EVENT_TLS, EventType.EVENT_DNS, EventType.EVENT_PAYLOAD][(n % 4) % 3] ?? 0;
    bench.bytes(type, n % 5, toClient, bytes, n & 127, n % 50);
    if (n % 400 === 0) bench.judge.layer7.sweep(1e15 + n * 1e12);
  }
  bench.raised();
  bench.judge.layer7.close();
  t.ok(bench.lines().every((line) => 'event_type' in line));
});
