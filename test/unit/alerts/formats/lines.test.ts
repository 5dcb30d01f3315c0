// SPDX-License-Identifier: Apache-2.0
// CEF and LEEF to the letter: every field, every escape, and what a parser of each gets back.

import t from 'tap';
import { version } from '../../../../common/version.js';
import { engineRecord, lineIn, type Detection } from '../../../../alerts/index.js';
import { detectionId } from '../../../../alerts/detection-id.js';
import { blocked6, request, synFin } from '../samples.js';

const hostile: Detection = {
  ...request,
  rule: { ...synFin.rule!, msg: 'a|b\\c=d\ne\tf\u202e', category: 'x=y|z' },
  http: { ...request.http, url: '/p?a=b|c\\d\r\n\te\x1b[2J' },
};
const notice = engineRecord({
  reason: 'feed-shrank',
  origin: 'feed:x',
  timeUs: synFin.timeUs,
  level: 'Error',
  module: 'feeds',
  message: 'feed x shrank',
});

t.test('CEF', async (t) => {
  t.equal(
    lineIn.cef(synFin),
    `CEF:0|ids|ids|${version}|1:9000001|IDS SCAN SYN and FIN set|6|rt=1767323045678 externalId=${detectionId(synFin)} ` +
      'cat=Attempted Information Leak src=128.232.110.120 dst=66.35.250.204 spt=34855 dpt=80 proto=TCP act=dropped ' +
      'reason=rule-drop deviceInboundInterface=eth1 cs1=attempted-recon cs1Label=classtype ' +
      'cs2=1:LQU9qZlK+B5F3KDmev6m5PMibrg\\= cs2Label=communityId cs4=url,example.org/syn-fin cs4Label=references ' +
      'cn1=3 cn1Label=revision cn2=4 cn2Label=generation',
  );
  t.match(
    lineIn.cef(request),
    / app=http act=allowed .* dhost=www\.example\.org request=\/a\?b\\=c requestMethod=GET /,
  );
  t.match(lineIn.cef(request), / requestClientApplication=sqlmap\/1\.7 requestContext=http:\/\/example\.org\/ /);
  t.match(lineIn.cef(blocked6), /\|blocklist\|packet dropped: blocklist\|2\|/);
  t.match(lineIn.cef(blocked6), / c6a2=2001:db8::1 c6a2Label=Source IPv6 Address c6a3=2001:db8::2 /);
  t.match(lineIn.cef(blocked6), / cs3=feed:bad cs3Label=origin /);
  t.notMatch(lineIn.cef(blocked6), / src=/);
  t.match(
    lineIn.cef(hostile),
    /\|a\\\|b\\\\c=d e f\\u202e\|6\|.* cat=x\\=y\|z .* request=\/p\?a\\=b\|c\\\\d\\r\\n e \[2J /,
  );
  t.match(
    lineIn.cef(notice),
    /^CEF:0\|ids\|ids\|[^|]+\|feed-shrank\|feed x shrank\|6\|rt=\d+ externalId=\w+ act=allowed /,
  );
  t.match(
    lineIn.cef({ ...synFin, would: true, count: 7, direction: 'to_client' }),
    / act=allowed .* cnt=7 .*deviceDirection=1 /,
  );
  t.match(lineIn.cef({ ...synFin, verdict: 'reject' }), / act=rejected /);
});

t.test('LEEF', async (t) => {
  t.equal(
    lineIn.leef(synFin),
    [
      `LEEF:2.0|ids|ids|${version}|1:9000001|x09|devTime=Jan 02 2026 03:04:05.678 UTC`,
      'devTimeFormat=MMM dd yyyy HH:mm:ss.SSS z',
      'cat=Attempted Information Leak',
      'sev=6',
      'src=128.232.110.120',
      'dst=66.35.250.204',
      'srcPort=34855',
      'dstPort=80',
      'proto=TCP',
      'action=dropped',
      'reason=rule-drop',
      'name=IDS SCAN SYN and FIN set',
      `id=${detectionId(synFin)}`,
      'rev=3',
      'classtype=attempted-recon',
      'interface=eth1',
      'communityId=1:LQU9qZlK+B5F3KDmev6m5PMibrg=',
    ].join('\t'),
  );
  const line = lineIn.leef(hostile);
  t.match(line, /\tname=a\|b\\c=d e f\\u202e\t/);
  t.match(line, /\turl=\/p\?a=b\|c\\d e \[2J\t/);
  for (const byte of ['\r', '\n', '\x1b']) t.notOk(line.includes(byte), 'nothing ends the line or acts on a terminal');
  t.match(lineIn.leef(blocked6), /\tsrc=2001:db8::1\tdst=2001:db8::2\t.*\tpolicy=feed:bad\t/);
  t.match(lineIn.leef({ ...notice, reason: 'a|b' }), /^LEEF:2\.0\|ids\|ids\|[^|]+\|a b\|x09\|/);
});

t.test('one id for one detection', async (t) => {
  t.match(detectionId(synFin), /^[0-9a-f]{32}$/);
  t.equal(detectionId(structuredClone(synFin)), detectionId(synFin));
  const others = [
    { ...synFin, timeUs: synFin.timeUs + 1 },
    { ...synFin, kind: 'drop' as const },
    { ...synFin, sport: 1 },
    { ...synFin, rule: { ...synFin.rule!, sid: 1 } },
    request,
    notice,
  ];
  t.equal(new Set([synFin, ...others].map(detectionId)).size, others.length + 1);
});
