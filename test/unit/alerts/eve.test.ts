// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { engineRecord, eveLine, eveTime, shortLine, toEve, type Detection } from '../../../alerts/index.js';
import { request, rule, synFin } from './samples.js';

const FLOW = toEve(synFin)['flow_id'] as number;

t.test('an alert, to the letter', async (t) => {
  t.equal(
    eveLine(synFin),
    '{"timestamp":"2026-01-02T03:04:05.678901+0000",' +
      `"flow_id":${FLOW},` +
      '"in_iface":"eth1","event_type":"alert","src_ip":"128.232.110.120","src_port":34855,"dest_ip":"66.35.250.204",' +
      '"dest_port":80,"proto":"TCP","ip_v":4,"pkt_src":"wire/pcap","community_id":"1:LQU9qZlK+B5F3KDmev6m5PMibrg=",' +
      '"alert":{"action":"blocked","gid":1,"signature_id":9000001,"rev":3,"signature":"IDS SCAN SYN and FIN set",' +
      '"category":"Attempted Information Leak","severity":2,"references":["url,example.org/syn-fin"],' +
      '"metadata":{"created_at":["2026_01_01"],"tag":["scan","stealth"]}},"verdict":{"action":"drop"},' +
      '"ids":{"id":"bbaf6016102442587264517f656ea656","generation":4,"reason":"rule-drop","classtype":"attempted-recon",' +
      '"packet":{"len":40,"ttl":57,"payload":0,"tcp_flags":"FS","win":1024}}}',
  );
});

t.test('a drop, to the letter', async (t) => {
  t.equal(
    eveLine({ ...synFin, kind: 'drop' }),
    '{"timestamp":"2026-01-02T03:04:05.678901+0000",' +
      `"flow_id":${FLOW},` +
      '"in_iface":"eth1","event_type":"drop","src_ip":"128.232.110.120","src_port":34855,"dest_ip":"66.35.250.204",' +
      '"dest_port":80,"proto":"TCP","ip_v":4,"pkt_src":"wire/pcap","community_id":"1:LQU9qZlK+B5F3KDmev6m5PMibrg=",' +
      '"drop":{"len":40,"tos":8,"ttl":57,"ipid":4711,"tcpseq":4000000001,"tcpack":7,"tcpwin":1024,"syn":true,' +
      '"ack":false,"psh":false,"rst":false,"urg":false,"fin":true,"tcpres":1,"tcpurgp":5,"reason":"rules"},' +
      '"verdict":{"action":"drop"},' +
      '"alert":{"action":"blocked","gid":1,"signature_id":9000001,"rev":3,"signature":"IDS SCAN SYN and FIN set",' +
      '"category":"Attempted Information Leak","severity":2,"references":["url,example.org/syn-fin"],' +
      '"metadata":{"created_at":["2026_01_01"],"tag":["scan","stealth"]}},' +
      '"ids":{"id":"03b70e85a0b0cb32a097a24e3c18f618","generation":4,"reason":"rule-drop","classtype":"attempted-recon"}}',
  );
});

t.test('an alert on an HTTP request of a capture, tagged twice', async (t) => {
  const record = toEve(request);
  t.same(
    Object.keys(record).join(' '),
    [
      'timestamp flow_id in_iface pcap_cnt event_type vlan src_ip src_port dest_ip dest_port proto ip_v pkt_src',
      'community_id alert http app_proto direction verdict ids',
    ].join(' '),
  );
  t.strictSame(record['vlan'], [100, 7]);
  t.equal(record['pcap_cnt'], 12);
  t.not(record['flow_id'], FLOW, 'the VLAN is part of the flow');
  t.strictSame(record['http'], {
    hostname: 'www.example.org',
    http_port: 8080,
    url: '/a?b=c',
    http_user_agent: 'sqlmap/1.7',
    http_refer: 'http://example.org/',
    http_method: 'GET',
    protocol: 'HTTP/1.1',
    request_headers: [
      { name: 'Host', value: 'www.example.org:8080' },
      { name: 'Cookie', value: '*****' },
    ],
  });
  t.match(record['alert'], {
    action: 'allowed',
    source: { ip: '128.232.110.120', port: 34855 },
    target: { ip: '66.35.250.204', port: 80 },
  });
  t.notOk('references' in (record['alert'] as object) || 'metadata' in (record['alert'] as object));
  t.strictSame(record['verdict'], { action: 'alert' });
  t.match(record['ids'], { packet: { tcp_flags: 'PA', payload: 160 } });
});

t.test('a blocklisted IPv6 source without a rule', async (t) => {
  const { rule: _rule, iface: _iface, ...rest } = synFin;
  const dropped: Detection = {
    ...rest,
    kind: 'drop',
    src: '2001:db8::7',
    dst: '2001:db8::1',
    sport: 5353,
    dport: 53,
    proto: 'UDP',
    ipVersion: 6,
    packet: { frameLen: 94, len: 80, ttl: 64, tos: 0, ipId: 0, payloadLen: 32 },
    reason: 'blocklist',
    origin: 'feed:drop',
    suppressed: { matched: 90210, since: 1767323045000000, until: 1767323046000000 },
  };
  const record = toEve(dropped);
  t.strictSame(record['drop'], { len: 40, tc: 0, hoplimit: 64, udplen: 40, reason: 'blocklist' });
  t.notOk('alert' in record || 'in_iface' in record);
  t.equal(record['ip_v'], 6);
  t.strictSame(record['ids'], {
    id: '36ce75a0ff89c58bbf05554fd8ef51d8',
    generation: 4,
    reason: 'blocklist',
    origin: 'feed:drop',
    suppressed: { matched: 90210, since: '2026-01-02T03:04:05.000000+0000', until: '2026-01-02T03:04:06.000000+0000' },
  });
});

t.test('ICMP has a type and a code and no ports', async (t) => {
  const { sport: _sport, dport: _dport, ...rest } = synFin;
  const echo: Detection = {
    ...rest,
    kind: 'drop',
    src: '192.168.0.89',
    dst: '192.168.0.1',
    proto: 'ICMP',
    icmpType: 8,
    icmpCode: 0,
    packet: { frameLen: 98, len: 84, ttl: 64, tos: 0, ipId: 1, payloadLen: 56, icmp: { id: 77, seq: 2 } },
  };
  const record = toEve(echo);
  t.match(record, { icmp_type: 8, icmp_code: 0, community_id: '1:X0snYXpgwiv9TZtqg64sgzUn6Dk=' });
  t.notOk('src_port' in record || 'dest_port' in record);
  t.strictSame(record['drop'], { len: 84, tos: 0, ttl: 64, ipid: 1, icmp_id: 77, icmp_seq: 2, reason: 'rules' });
  const reply = toEve({ ...echo, src: echo.dst, dst: echo.src, icmpType: 0 });
  t.equal(reply['flow_id'], record['flow_id']);
});

t.test('verdicts', async (t) => {
  const verdict = (patch: Partial<Detection>): unknown => toEve({ ...synFin, ...patch })['verdict'];
  t.strictSame(verdict({ verdict: 'reject' }), { action: 'drop', reject_target: 'to_client', reject: ['tcp-reset'] });
  t.strictSame(verdict({ verdict: 'reject', rejectTarget: 'both', proto: 'UDP' }), {
    action: 'drop',
    reject_target: 'both',
    reject: ['icmp-prohib'],
  });
  t.strictSame(verdict({ verdict: 'pass', reason: 'allowlist' }), { action: 'pass' });
  t.strictSame(verdict({ verdict: 'pass', reason: 'clean' }), { action: 'alert' });
});

t.test('monitor mode says what would have been, and nothing that reads as blocked', async (t) => {
  const record = toEve({ ...synFin, would: true });
  t.match(record, {
    alert: { action: 'allowed' },
    verdict: { action: 'alert' },
    ids: { would: true, verdict: 'drop' },
  });
});

t.test('a frame without a readable IP header has neither addresses nor a flow', async (t) => {
  const { rule: _rule, sport: _sport, dport: _dport, ...rest } = synFin;
  const record = toEve({ ...rest, src: '', dst: '', proto: '', rule: { ...rule, sid: 2200003, target: 'dest_ip' } });
  for (const key of ['src_ip', 'dest_ip', 'proto', 'ip_v', 'flow_id', 'community_id']) t.notOk(key in record, key);
  t.equal((record['alert'] as Record<string, unknown>)['signature_id'], 2200003);
});

t.test('a line is one line whatever the network sent', async (t) => {
  const evil = 'a\r\n\u0000\u001b[2J\u007f\u009b31m\u2028\u202e\ufeff\ud800"\\é漢😀';
  const line = eveLine({ ...request, http: { url: evil, userAgent: 'x'.repeat(20_000) } });
  // eslint-disable-next-line no-control-regex -- exactly those must not be there
  t.notMatch(line, /[\x00-\x1f\x7f-\x9f\u2028\u202e\ufeff]|\\ud800/);
  const { http } = JSON.parse(line) as { http: { url: string; http_user_agent: string } };
  t.equal(http.url, evil.replace('\ud800', '\ufffd'), 'and means the same');
  t.equal(http.http_user_agent.length, 8192);
});

t.test('times keep their microseconds and never throw', async (t) => {
  t.equal(eveTime(0), '1970-01-01T00:00:00.000000+0000');
  t.equal(eveTime(1767323045000001), '2026-01-02T03:04:05.000001+0000');
  t.equal(eveTime(1767323045999999.75), '2026-01-02T03:04:05.999999+0000');
  t.equal(eveTime(-1), '1969-12-31T23:59:59.999999+0000');
  t.equal(eveTime(NaN), '1970-01-01T00:00:00.000000+0000');
});

t.test('what the engine says about itself', async (t) => {
  const notice = { level: 'Warning', module: 'feeds', reason: 'feed-shrank', timeUs: synFin.timeUs } as const;
  t.equal(
    eveLine(engineRecord({ ...notice, message: 'feed a:\nit shrank', origin: 'feed:a' })),
    '{"timestamp":"2026-01-02T03:04:05.678901+0000","log_level":"Warning","event_type":"engine",' +
      '"engine":{"message":"feed a:\\nit shrank","module":"feeds"},"ids":{"id":"b335b6cfd57caca3add7767bcb3c5cd6","reason":"feed-shrank","origin":"feed:a"}}',
  );
  const short = shortLine(engineRecord({ ...notice, message: 'x'.repeat(5000) }), 400);
  t.match(JSON.parse(short), {
    log_level: 'Warning',
    event_type: 'engine',
    engine: { module: 'feeds', message: /^x+…$/ },
    ids: { shortened: true },
  });
  t.ok(Buffer.byteLength(short) <= 400);
});
