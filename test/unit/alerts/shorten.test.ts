// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { eveLine, shortLine, type Detection } from '../../../alerts/index.js';
import { request, rule, synFin } from './samples.js';

const long = '\u0001é漢😀'.repeat(900);
const huge: Detection = {
  ...request,
  src: '2001:db8:1111:2222:3333:4444:5555:6666',
  dst: '2001:db8:1111:2222:3333:4444:5555:7777',
  ipVersion: 6,
  http: { ...request.http, url: long, userAgent: long, hostname: long, headers: `A: ${long}\r\n`.repeat(20) },
  rule: { ...rule, msg: long, text: long, references: Array<string>(50).fill(long), metadata: { x: [long] } },
};

t.test('fits every limit from 340 bytes on, stays JSON, keeps what names the packet and the rule', async (t) => {
  for (let limit = 340; limit < 70_000; limit = Math.ceil(limit * 1.03)) {
    for (const detection of [huge, { ...huge, kind: 'drop' } as const, synFin]) {
      const line = shortLine(detection, limit);
      t.ok(Buffer.byteLength(line) <= limit, `${limit}`);
      const record = JSON.parse(line) as Record<string, unknown>;
      t.match(record, {
        timestamp: '2026-01-02T03:04:05.678901+0000',
        event_type: detection.kind,
        src_ip: detection.src,
        dest_ip: detection.dst,
        src_port: 34855,
        dest_port: 80,
        proto: 'TCP',
        alert: { signature_id: rule.sid, gid: 1, severity: 2 },
        ids: { shortened: true },
      });
    }
  }
});

t.test('loses the least important first', async (t) => {
  const full = Buffer.byteLength(eveLine(request));
  const record = JSON.parse(shortLine(request, full - 1)) as { http: Record<string, unknown>; alert: object };
  t.notOk('request_headers' in record.http);
  t.equal(record.http['url'], '/a?b=c');
});
