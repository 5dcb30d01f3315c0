// SPDX-License-Identifier: Apache-2.0
// ECS and OCSF, field for field.

import t from 'tap';
import { version } from '../../../../common/version.js';
import { engineRecord, lineIn, type Detection, type Format } from '../../../../alerts/index.js';
import { detectionId } from '../../../../alerts/detection-id.js';
import { blocked6, request, synFin } from '../samples.js';

const notice = engineRecord({
  reason: 'full',
  timeUs: synFin.timeUs,
  level: 'Error',
  module: 'lists',
  message: 'full',
});
const parsed = (format: Format, d: Detection): Record<string, unknown> =>
  JSON.parse(lineIn[format](d)) as Record<string, unknown>;

t.test('ECS', async (t) => {
  t.strictSame(parsed('ecs', synFin), {
    '@timestamp': '2026-01-02T03:04:05.678901Z',
    ecs: { version: '8.17.0' },
    message: 'IDS SCAN SYN and FIN set',
    event: {
      kind: 'alert',
      category: ['intrusion_detection', 'network'],
      type: ['denied'],
      action: 'dropped',
      reason: 'rule-drop',
      id: detectionId(synFin),
      severity: 2,
      module: 'ids',
      dataset: 'ids.alert',
    },
    observer: { vendor: 'ids', product: 'ids', version, type: 'ids', ingress: { interface: { name: 'eth1' } } },
    source: { ip: '128.232.110.120', port: 34855 },
    destination: { ip: '66.35.250.204', port: 80 },
    network: { type: 'ipv4', transport: 'tcp', iana_number: '6', community_id: '1:LQU9qZlK+B5F3KDmev6m5PMibrg=' },
    rule: {
      id: '9000001',
      name: 'IDS SCAN SYN and FIN set',
      version: '3',
      category: 'Attempted Information Leak',
      ruleset: '1',
      reference: 'url,example.org/syn-fin',
    },
    ids: {
      generation: 4,
      reason: 'rule-drop',
      classtype: 'attempted-recon',
      metadata: { created_at: ['2026_01_01'], tag: ['scan', 'stealth'] },
    },
  });
  t.match(parsed('ecs', { ...request, tls: { version: 'TLS 1.3', sni: 'a.example', ja3: { hash: 'x' } } }), {
    event: { type: ['allowed'], action: 'allowed' },
    network: { protocol: 'http', vlan: { id: '100' }, inner: { vlan: { id: '7' } } },
    http: { version: '1.1', request: { method: 'GET', referrer: 'http://example.org/' } },
    url: { original: '/a?b=c', domain: 'www.example.org', port: 8080, path: '/a', query: 'b=c' },
    user_agent: { original: 'sqlmap/1.7' },
    tls: { version: '1.3', client: { server_name: 'a.example', ja3: 'x' } },
  });
  t.match(parsed('ecs', blocked6), {
    event: { kind: 'event', category: ['network'], dataset: 'ids.drop', provider: 'feed:bad' },
    network: { type: 'ipv6' },
    rule: undefined,
  });
  t.match(parsed('ecs', notice), { log: { level: 'error', logger: 'lists' }, source: undefined, network: undefined });
});

t.test('OCSF', async (t) => {
  const security = { action_id: 2, action: 'Denied', disposition_id: 6, disposition: 'Dropped' };
  const metadata = {
    version: '1.4.0',
    profiles: ['security_control'],
    product: { name: 'ids', vendor_name: 'ids', version },
    uid: detectionId(synFin),
    event_code: '1:9000001',
    original_time: '1767323045678901',
  };
  t.strictSame(parsed('ocsf', synFin), {
    activity_id: 1,
    category_uid: 2,
    class_uid: 2004,
    type_uid: 200401,
    time: 1767323045678,
    severity_id: 3,
    severity: 'Medium',
    message: 'IDS SCAN SYN and FIN set',
    status_detail: 'rule-drop',
    metadata,
    ...security,
    status_id: 1,
    status: 'New',
    is_alert: true,
    finding_info: {
      uid: detectionId(synFin),
      title: 'IDS SCAN SYN and FIN set',
      created_time: 1767323045678,
      types: ['Attempted Information Leak'],
      src_url: 'example.org/syn-fin',
      analytic: {
        uid: '9000001',
        name: 'IDS SCAN SYN and FIN set',
        type_id: 1,
        type: 'Rule',
        version: '3',
        category: 'Attempted Information Leak',
      },
    },
    firewall_rule: { uid: '9000001', name: 'IDS SCAN SYN and FIN set' },
    evidences: [
      {
        src_endpoint: { ip: '128.232.110.120', port: 34855, interface_name: 'eth1' },
        dst_endpoint: { ip: '66.35.250.204', port: 80 },
        connection_info: {
          protocol_num: 6,
          protocol_name: 'tcp',
          protocol_ver_id: 4,
          protocol_ver: 'Internet Protocol version 4 (IPv4)',
          direction_id: 0,
          community_uid: '1:LQU9qZlK+B5F3KDmev6m5PMibrg=',
          tcp_flags: 3,
        },
      },
    ],
  });
  t.match(parsed('ocsf', request), {
    disposition_id: 19,
    evidences: [
      {
        dst_endpoint: { hostname: 'www.example.org' },
        http_request: { http_method: 'GET', user_agent: 'sqlmap/1.7', referrer: 'http://example.org/' },
        url: { url_string: '/a?b=c', hostname: 'www.example.org', port: 8080 },
      },
    ],
  });
  t.match(parsed('ocsf', blocked6), {
    class_uid: 4001,
    category_uid: 4,
    activity_id: 5,
    type_uid: 400105,
    status: 'Failure',
    is_alert: false,
    src_endpoint: { ip: '2001:db8::1' },
    connection_info: { protocol_ver_id: 6 },
    traffic: { bytes: 40, packets: 1 },
    firewall_rule: { uid: 'feed:bad' },
    finding_info: undefined,
  });
  t.match(parsed('ocsf', notice), { class_uid: 2004, severity_id: 3, is_alert: false, evidences: undefined });
  t.match(parsed('ocsf', { ...synFin, verdict: 'reject' }), { disposition_id: 2, disposition: 'Blocked' });
});
