// SPDX-License-Identifier: Apache-2.0
// From records of header sections to EVE lines: fields, order, which response belongs to which request, and the end.
import t from 'tap';
import {
  EventFlag,
  EventLayout as E,
  EventType,
  HttpFlag,
  HttpLayout as H,
  MaskedLayout as M,
} from '../../../../common/abi.gen.js';
import { parseAddress } from '../../../../common/address.js';
import { communityId, flowIds } from '../../../../alerts/index.js';
import { Layer7 } from '../../../../engine/layer7/layer7.js';
import type { HttpSelection } from '../../../../engine/layer7/selection.js';

interface Fields {
  readonly flow?: number;
  readonly index?: number;
  readonly message?: number;
  readonly time?: number;
  readonly status?: number;
  readonly latency?: number;
  readonly flags?: number;
  /** Values that are masked: offset and length. */
  readonly masked?: readonly (readonly [number, number])[];
}

/** A record as the programs write it, somewhere in a larger memory. */
export function record(
  section: string,
  response: boolean,
  fields: Fields = {},
): { view: DataView; at: number; length: number } {
  const at = 40;
  const { masked = [] } = fields;
  const padded = (section.length + 7) & ~7;
  const length = H.SIZE + padded + masked.length * M.SIZE;
  const view = new DataView(new ArrayBuffer(at + length + 16));
  const bytes = new Uint8Array(view.buffer);
  bytes.set(Buffer.from(section, 'latin1'), at + H.SIZE);
  bytes.set(parseAddress(response ? '198.51.100.2' : '192.0.2.1'), at + E.saddr);
  bytes.set(parseAddress(response ? '192.0.2.1' : '198.51.100.2'), at + E.daddr);
  view.setBigUint64(at + E.time, BigInt(fields.time ?? 1_000_000_000), true);
  view.setUint8(at + E.type, EventType.EVENT_HTTP);
  view.setUint8(at + E.flags, EventFlag.EVENT_PORTS | EventFlag.EVENT_L4);
  view.setUint16(at + E.sport, response ? 80 : 40_000);
  view.setUint16(at + E.dport, response ? 40_000 : 80);
  view.setUint8(at + E.proto, 6);
  view.setUint8(at + E.ipVersion, 4);
  view.setUint8(at + E.direction, response ? 1 : 0);
  view.setBigUint64(at + E.flowId, BigInt(fields.flow ?? 1), true);
  view.setUint32(at + E.flow, fields.index ?? 3, true);
  view.setUint32(at + H.length, section.length, true);
  view.setUint32(at + H.flags, fields.flags ?? HttpFlag.HTTP_LOGGED | (response ? HttpFlag.HTTP_RESPONSE : 0), true);
  view.setUint32(at + H.message, fields.message ?? 1, true);
  view.setUint32(at + H.section, section.length, true);
  view.setUint32(at + H.latencyUs, fields.latency ?? 0, true);
  view.setUint16(at + H.status, fields.status ?? (response ? 200 : 0), true);
  view.setUint8(at + H.masked, masked.length);
  masked.forEach(([offset, size], i) => {
    const value = at + H.SIZE + padded + i * M.SIZE;
    view.setUint32(value + M.offset, offset, true);
    view.setUint32(value + M.length, size, true);
    view.setBigUint64(value + M.hash, 0xabcdefn + BigInt(i), true);
  });
  return { view, at, length };
}

class Log {
  readonly layer7 = new Layer7(
    { timeUs: (ns) => ns / 1000, interfaceName: () => 'eth0', replay: false },
    new Set(['http']),
    () => undefined,
    () => undefined,
  );

  feed({ view, at, length }: ReturnType<typeof record>): void {
    this.layer7.onRecord(view, at, length);
  }

  request(section: string, fields: Fields = {}): this {
    this.feed(record(section, false, fields));
    return this;
  }

  response(section: string, fields: Fields = {}): this {
    this.feed(record(section, true, fields));
    return this;
  }

  lines(): Record<string, unknown>[] {
    const text = this.layer7.lines
      .take(true)
      .map(({ bytes }) => Buffer.from(bytes).toString())
      .join('');
    return text
      .split('\n')
      .slice(0, -1)
      .map((one) => JSON.parse(one) as Record<string, unknown>);
  }
}

const GET =
  'GET /a?token=****&x="1" HTTP/1.1\r\nHost: WWW.Example.org:8080\r\nUser-Agent: evil/1\r\nX-Forwarded-For: 203.0.113.9\r\n' +
  'Referer: http://r/\r\nAuthorization: ******\r\n\r\n';
const FOUND =
  'HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 42\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n';
const plain = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;
const httpOf = (line: Record<string, unknown> | undefined) => line?.['http'] as Record<string, unknown> | undefined;

t.test("a transaction is Suricata's record", async (t) => {
  const masked = [
    [GET.indexOf('****&'), 4],
    [GET.indexOf('******\r'), 6],
  ] as const;
  const [line] = new Log()
    .request(GET, { masked })
    .response(FOUND, { time: 2_345_678_000, status: 302, latency: 153 })
    .lines();
  const tuple = { src: '192.0.2.1', dst: '198.51.100.2', sport: 40_000, dport: 80, proto: 6 };
  t.strictSame(line, {
    timestamp: '1970-01-01T00:00:02.345678+0000',
    flow_id: flowIds(tuple).flowId,
    in_iface: 'eth0',
    event_type: 'http',
    src_ip: '192.0.2.1',
    src_port: 40_000,
    dest_ip: '198.51.100.2',
    dest_port: 80,
    proto: 'TCP',
    ip_v: 4,
    pkt_src: 'wire/pcap',
    community_id: communityId(tuple),
    tx_id: 0,
    http: {
      hostname: 'www.example.org',
      http_port: 8080,
      url: '/a?token=****&x="1"',
      http_user_agent: 'evil/1',
      xff: '203.0.113.9',
      http_content_type: 'text/html',
      http_refer: 'http://r/',
      http_method: 'GET',
      protocol: 'HTTP/1.1',
      status: 302,
      redirect: '/login',
      length: 42,
    },
    ids: {
      latency_us: 153,
      masked: [
        { name: 'token', length: 4, hash: '0000000000abcdef' },
        { name: 'authorization', length: 6, hash: '0000000000abcdf0' },
      ],
    },
  });
  t.equal(
    Object.keys(line ?? {}).join(),
    'timestamp,flow_id,in_iface,event_type,src_ip,src_port,dest_ip,dest_port,proto,ip_v,pkt_src,community_id,tx_id,http,ids',
  );
});

t.test('responses find their requests; what has none is told as it is', async (t) => {
  const log = new Log();
  for (const message of [1, 2, 3]) log.request(plain(`/${message}`), { message });
  log
    .response('HTTP/1.1 100 Continue\r\n\r\n', { message: 1, status: 100 })
    .response(OK, { message: 1 })
    .response(OK, { message: 3 });
  t.strictSame(
    log.lines().map((line) => [line['tx_id'], httpOf(line)?.['url'], httpOf(line)?.['status']]),
    [
      [0, '/1', 200],
      [1, '/2', undefined],
      [2, '/3', 200],
    ],
  );
  log.response(OK, { message: 9 });
  t.match(log.lines(), [{ tx_id: 8, src_ip: '192.0.2.1', http: { protocol: 'HTTP/1.1', status: 200 } }]);
  log.request(plain('/late'), { message: 10, flow: 1 }).request(plain('/new'), { flow: 2 });
  t.match(log.lines(), [{ http: { url: '/late' } }], 'another flow took its place');
  log.layer7.sweep(400e9);
  t.match(log.lines(), [{ http: { url: '/new' } }], 'nothing came');
  log.request(plain('/full'), { flow: 0 });
  t.match(log.lines(), [{ http: { url: '/full' } }], 'no room for its flow');
  log.request(plain('/x'), { flow: 4, index: 4 });
  log.layer7.close();
  t.match(log.lines(), [{ http: { url: '/x' } }], 'the end');
  t.equal(log.layer7.pool.used, 0, 'nothing is kept');
});

t.test('what is selected by request, response and number', async (t) => {
  const urls = (selection: HttpSelection): unknown[] => {
    const log = new Log();
    log.layer7.http.settings = { headers: 'none', selection };
    const host = (name: string): string => `GET /api/v2/x HTTP/1.1\r\nHost: ${name}\r\n\r\n`;
    log.request(plain('/1')).response(OK);
    log.request(host('A.example.:81'), { message: 2 }).response(OK, { message: 2, status: 404 });
    log.request('POST /api HTTP/1.1\r\n\r\n', { message: 3 }).response(OK, { message: 3 });
    log.request(plain('/4'), { message: 4 });
    log.layer7.close();
    return log.lines().map((line) => httpOf(line)?.['url']);
  };
  t.same(urls({}), ['/1', '/api/v2/x', '/api', '/4']);
  t.same(urls({ path: '/api' }), ['/api/v2/x', '/api']);
  t.same(urls({ path: '/api/v2/xy' }), []);
  t.same(urls({ method: 'POST' }), ['/api']);
  t.same(urls({ method: 'GE' }), []);
  t.same(urls({ host: 'a.example' }), ['/api/v2/x']);
  t.same(urls({ host: 'example' }), []);
  t.same(urls({ status: [400, 499] }), ['/api/v2/x']);
  t.same(urls({ port: 80 }), ['/1', '/api/v2/x', '/api', '/4']);
  t.same(urls({ port: 81 }), []);
  t.same(urls({ sample: 3 }), ['/1', '/4']);
  const absolute = new Log();
  absolute.layer7.http.settings = { headers: 'none', selection: { host: 'other' } };
  absolute.request('GET http://Other:81/x HTTP/1.0\r\nHost: h\r\n\r\n').response(OK);
  t.equal(absolute.lines().length, 1, 'the target says which host is meant');
});

t.test('what the kernel has selected is asked again, and not sampled again', async (t) => {
  const log = new Log();
  log.layer7.http.settings = { headers: 'none', selection: { sample: 1000, path: '/1' } };
  const flags = HttpFlag.HTTP_LOGGED | HttpFlag.HTTP_SELECTED;
  for (const [n, path] of ['/10', '/11', '/2', '/12'].entries()) {
    const message = n + 1;
    log.request(plain(path), { message, flags });
    if (n < 3) log.response(OK, { message, flags: flags | HttpFlag.HTTP_RESPONSE });
  }
  log.layer7.close();
  t.same(
    log.lines().map((line) => httpOf(line)?.['url']),
    ['/10', '/11', '/12'],
  );
});

t.test('a selection by the response', async (t) => {
  const log = new Log();
  log.layer7.http.settings = { headers: 'all', selection: { status: [500, 599] } };
  log.request(plain('/1')).response(OK, { flags: HttpFlag.HTTP_RESPONSE });
  log.request(plain('/2'), { message: 2 }).response('HTTP/1.1 500 No\r\nX-A:  b \r\n\r\n', { message: 2, status: 500 });
  log.request(plain('/3'), { message: 3 });
  log.layer7.close();
  t.match(log.lines(), [
    {
      tx_id: 1,
      http: {
        status: 500,
        request_headers: [{ name: 'Host', value: 'h' }],
        response_headers: [{ name: 'X-A', value: 'b' }],
      },
    },
  ]);
});

t.test('odd sections', async (t) => {
  const url = (section: string): unknown => httpOf(new Log().request(section, { flow: 0 }).lines()[0]);
  t.match(url('GET http://Other.example:81/x HTTP/1.0\r\nHost: h\r\n\r\n'), {
    hostname: 'other.example',
    url: 'http://Other.example:81/x',
    protocol: 'HTTP/1.0',
  });
  t.match(url('GET /a b HTTP/1.1\nHost : h\nUser-Agent: a\n b\n\n'), {
    url: '/a b',
    hostname: 'h',
    http_user_agent: 'a b',
  });
  t.match(url('\r\nPOST / HTTP/1.1\r\nHost: a\r\nReferer: 1\r\nReferer: 2\r\n\r\n'), {
    http_method: 'POST',
    http_refer: '1, 2',
  });
  t.match(url('GET /'), { http_method: 'GET', url: '/', protocol: undefined });
  t.match(url('GET /\xff\x01 HTTP/1.1\r\n\r\n'), { url: '/\\xff\\x01' });
  t.match(
    new Log()
      .request(plain('/'), { flow: 0, flags: HttpFlag.HTTP_LOGGED | HttpFlag.HTTP_TRUNCATED | HttpFlag.HTTP_GAP })
      .lines(),
    [{ ids: { flags: ['truncated', 'gap'] } }],
  );
});

t.test('whatever the bytes are, a line is JSON', async (t) => {
  const log = new Log();
  for (let n = 0; n < 3000; n++) {
    const bytes = Buffer.from((n & 1 ? GET : FOUND).repeat(1 + (n & 3)));
    for (let k = n % 7; k >= 0; k--)
      bytes[Math.floor(Math.random() * bytes.length)] = [0, 10, 13, 32, 58, 255][n % 6] ?? n;
    const section = bytes.toString('latin1', 0, Math.floor(Math.random() * bytes.length));
    const masked = n % 5 === 0 ? [[Math.floor(Math.random() * 400), 4] as const] : [];
    log.feed(record(section, (n & 2) !== 0, { message: n, flow: 1 + (n % 3), masked }));
    if (n % 500 === 499) t.ok(log.lines().every((line) => line['event_type'] === 'http'));
  }
  log.layer7.close();
  log.lines();
  t.equal(log.layer7.pool.used, 0);
});
