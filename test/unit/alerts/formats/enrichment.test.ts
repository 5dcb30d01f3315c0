// SPDX-License-Identifier: Apache-2.0
// What is known beyond the packet, in each format to the letter.

import t from 'tap';
import { eveLine, lineIn, shortIn, type Detection } from '../../../../alerts/index.js';
import { detectionId } from '../../../../alerts/detection-id.js';
import { request, synFin } from '../samples.js';

const enriched: Detection = {
  ...synFin,
  enrichment: {
    src: {
      ...{ continent: 'EU', country: 'DE', countryName: 'Germany', region: 'DE-BE', regionName: 'Land Berlin' },
      ...{
        city: 'Ber|lin=\u202e',
        latitude: 52.5,
        longitude: 13.25,
        asn: 64500,
        asOrganization: 'Example | Net=works',
      },
      name: 'a.example',
    },
    dst: { country: 'NL', asn: 64501, name: 'www.example.net' },
    process: {
      ...{ end: 'dst', pid: 4242, name: 'nginx', executable: '/usr/sbin/nginx' },
      ...{ cgroup: '/system.slice/nginx.service', uid: 33 },
    },
  },
};
const parse = (line: string): Record<string, unknown> => JSON.parse(line) as Record<string, unknown>;
const source = {
  domain: 'a.example',
  geo: {
    ...{ continent_code: 'EU', country_iso_code: 'DE', country_name: 'Germany' },
    ...{ region_iso_code: 'DE-BE', region_name: 'Land Berlin', city_name: 'Ber|lin=\u202e' },
    location: { lat: 52.5, lon: 13.25 },
  },
  as: { number: 64500, organization: { name: 'Example | Net=works' } },
};
const destination = { domain: 'www.example.net', geo: { country_iso_code: 'NL' }, as: { number: 64501 } };

t.test('EVE', async (t) => {
  const { enrichment: told, ...ids } = parse(eveLine(enriched))['ids'] as Record<string, unknown>;
  t.strictSame(told, {
    source,
    destination,
    process: {
      ...{ pid: 4242, name: 'nginx', executable: '/usr/sbin/nginx' },
      ...{ cgroup: '/system.slice/nginx.service', user_id: 33, end: 'destination' },
    },
  });
  t.strictSame(ids, parse(eveLine(synFin))['ids'], 'nothing else is changed');
  t.notMatch(eveLine(enriched), /\u202e/);
  t.equal(detectionId(enriched), detectionId(synFin), 'the id is that of the detection');
});

t.test('ECS', async (t) => {
  const record = parse(lineIn.ecs(enriched));
  t.strictSame(record['source'], { ip: synFin.src, port: synFin.sport, ...source });
  t.strictSame(record['destination'], { ip: synFin.dst, port: synFin.dport, ...destination });
  t.strictSame(record['process'], { pid: 4242, name: 'nginx', executable: '/usr/sbin/nginx' });
  t.match(record['ids'], { process: { cgroup: '/system.slice/nginx.service', user_id: 33, end: 'destination' } });
});

t.test('OCSF', async (t) => {
  const [evidence] = parse(lineIn.ocsf(enriched))['evidences'] as Record<string, unknown>[];
  t.strictSame(evidence?.['src_endpoint'], {
    ip: synFin.src,
    port: synFin.sport,
    interface_name: 'eth1',
    hostname: 'a.example',
    location: { continent: 'EU', country: 'DE', region: 'DE-BE', city: 'Ber|lin=\u202e', lat: 52.5, long: 13.25 },
    autonomous_system: { number: 64500, name: 'Example | Net=works' },
  });
  t.strictSame(evidence?.['dst_endpoint'], {
    ip: synFin.dst,
    port: synFin.dport,
    hostname: 'www.example.net',
    location: { country: 'NL' },
    autonomous_system: { number: 64501 },
  });
  t.strictSame(evidence?.['process'], {
    pid: 4242,
    name: 'nginx',
    file: { name: 'nginx', path: '/usr/sbin/nginx', type_id: 1 },
    user: { uid: '33' },
  });
  const { rule: _, ...unruled } = enriched;
  t.match(parse(lineIn.ocsf({ ...unruled, kind: 'drop' })), {
    class_uid: 4001,
    src_endpoint: { hostname: 'a.example' },
  });
  const asked = parse(lineIn.ocsf({ ...request, enrichment: enriched.enrichment! }));
  t.match(asked, { evidences: [{ dst_endpoint: { hostname: 'www.example.org' } }] }, 'what the request says counts');
});

t.test('CEF and LEEF', async (t) => {
  t.match(
    lineIn.cef(enriched),
    ' dhost=www.example.net cs1=attempted-recon cs1Label=classtype cs2=1:LQU9qZlK+B5F3KDmev6m5PMibrg\\= ' +
      'cs2Label=communityId cs4=url,example.org/syn-fin cs4Label=references shost=a.example slat=52.5 slong=13.25 ' +
      'dproc=/usr/sbin/nginx dpid=4242 cs5=DE cs5Label=sourceCountry cs6=NL cs6Label=destinationCountry ' +
      'flexString1=AS64500 Example | Net\\=works flexString1Label=sourceAS flexString2=AS64501 ' +
      'flexString2Label=destinationAS cn1=3',
  );
  t.match(
    lineIn.cef({ ...synFin, enrichment: { process: { end: 'src', pid: 1, name: 'x', uid: 0 } } }),
    ' sproc=x spid=1 ',
  );
  const attributes = lineIn.leef(enriched).split('\t');
  for (const one of [
    ...['srcCountry=DE', 'dstCountry=NL', 'srcAS=AS64500 Example | Net=works', 'dstAS=AS64501', 'srcName=a.example'],
    ...['dstName=www.example.net', 'process=/usr/sbin/nginx', 'processId=4242', 'processEnd=dst'],
  ])
    t.ok(attributes.includes(one), one);
});

t.test('it gives way where a receiver takes short records alone', async (t) => {
  const packet = { ...synFin, packetBytes: 'RQ'.repeat(1000) };
  t.match(parse(eveLine(packet)), { packet: packet.packetBytes, packet_info: { linktype: 12, linktype_name: 'RAW' } });
  const bare = JSON.parse(shortIn('eve', packet, eveLine(synFin).length + 40)) as Record<string, unknown>;
  t.notOk('packet' in bare || 'packet_info' in bare, 'bytes of packets go first');
  t.match(bare, { alert: { signature: 'IDS SCAN SYN and FIN set', references: ['url,example.org/syn-fin'] } });
  for (const format of ['eve', 'ecs', 'ocsf'] as const) {
    const line = shortIn(format, enriched, lineIn[format](synFin).length + 40);
    t.notMatch(line, /a\.example/, format);
    t.match(line, /IDS SCAN SYN and FIN set/);
  }
});
