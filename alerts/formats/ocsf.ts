// SPDX-License-Identifier: Apache-2.0
// Open Cybersecurity Schema Framework 1.4: a detection finding (class 2004) where a rule matched, else network activity
// (class 4001), both with the profile security_control. An engine's notice is a finding too.

import { version } from '../../common/version.js';
import { jsonLine } from '../eve.js';
import type { Detection, DetectionEnd, DetectionProcess } from '../model.js';
import { protocolNumber } from '../protocols.js';
import { cleanText } from '../text.js';
import {
  communityIdOf,
  countOf,
  outcomeOf,
  PRODUCT,
  severityOf,
  signatureOf,
  timeMs,
  titleOf,
  VENDOR,
} from './facts.js';
import { detectionId } from '../detection-id.js';

type Fields = Record<string, unknown>;

/** severity_id and its name: 5 critical is for nobody but people. */
const SEVERITY = {
  1: [4, 'High'],
  2: [3, 'Medium'],
  3: [2, 'Low'],
  4: [1, 'Informational'],
} as const;

/** action_id and disposition_id of the profile. */
const CONTROL = {
  allowed: { action_id: 1, action: 'Allowed', disposition_id: 19, disposition: 'Alert' },
  dropped: { action_id: 2, action: 'Denied', disposition_id: 6, disposition: 'Dropped' },
  rejected: { action_id: 2, action: 'Denied', disposition_id: 2, disposition: 'Blocked' },
} as const;

function known(all: Fields): Fields {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

const endpoint = (ip: string, port: number | undefined, more: Fields = {}): Fields | undefined =>
  ip === '' ? undefined : known({ ip, port, ...more });

/** What else is known of an end: objects `location` and `autonomous_system`, and its name. */
function placed({ name, ...place }: DetectionEnd = {}): Fields {
  const { continent, country, region, city, latitude: lat, longitude: long, asn, asOrganization } = place;
  const location = known({ continent, country, region, city, lat, long });
  return known({
    hostname: name,
    location: Object.keys(location).length > 0 ? location : undefined,
    autonomous_system: asn === undefined ? undefined : known({ number: asn, name: asOrganization }),
  });
}

function owner({ pid, name, executable, uid }: DetectionProcess): Fields {
  const file = executable === undefined ? undefined : fileOf(executable);
  return known({ pid, name, file, user: { uid: String(uid) } });
}

/** A regular file is type 1. */
const fileOf = (path: string): Fields => ({ name: path.slice(path.lastIndexOf('/') + 1), path, type_id: 1 });

/** Direction by who opened the flow is not known to be inbound or outbound: 0 is "Unknown". */
function connection(d: Detection): Fields | undefined {
  if (d.src === '') return undefined;
  return known({
    protocol_num: protocolNumber(d.proto),
    protocol_name: d.proto === '' ? undefined : d.proto.toLowerCase(),
    protocol_ver_id: d.ipVersion,
    protocol_ver: d.ipVersion === 4 ? 'Internet Protocol version 4 (IPv4)' : 'Internet Protocol version 6 (IPv6)',
    direction_id: 0,
    community_uid: communityIdOf(d),
    tcp_flags: d.packet.tcp?.flags,
  });
}

function ends(d: Detection): Fields {
  return known({
    src_endpoint: endpoint(d.src, d.sport, { interface_name: d.iface, ...placed(d.enrichment?.src) }),
    dst_endpoint: endpoint(d.dst, d.dport, {
      ...placed(d.enrichment?.dst),
      ...(d.http?.hostname === undefined ? {} : { hostname: d.http.hostname }),
    }),
    connection_info: connection(d),
  });
}

function base(d: Detection, classUid: number, category: number, activity: number): Fields {
  const [severity_id, severity] = SEVERITY[severityOf(d)];
  return known({
    activity_id: activity,
    category_uid: category,
    class_uid: classUid,
    type_uid: classUid * 100 + activity,
    time: timeMs(d),
    severity_id,
    severity,
    message: titleOf(d),
    status_detail: d.reason,
    count: countOf(d),
    start_time: d.repeats && Math.floor(d.repeats.first / 1000),
    end_time: d.repeats && Math.floor(d.repeats.last / 1000),
    metadata: {
      version: '1.4.0',
      profiles: ['security_control'],
      product: { name: PRODUCT, vendor_name: VENDOR, version },
      uid: detectionId(d),
      event_code: signatureOf(d),
      original_time: String(d.timeUs),
    },
    ...CONTROL[outcomeOf(d)],
  });
}

/** The version is needed there: hellos that were not read to it have no object. */
function tls({ tls: one }: Detection): Fields | undefined {
  if (typeof one?.['version'] !== 'string') return undefined;
  return known({ version: one['version'].replace(/^TLS /, ''), sni: one['sni'] });
}

function evidence(d: Detection): Fields {
  const { http } = d;
  return known({
    ...ends(d),
    http_request: http && known({ http_method: http.method, user_agent: http.userAgent, referrer: http.referer }),
    url: http && known({ url_string: http.url, hostname: http.hostname, port: http.port }),
    tls: tls(d),
    process: d.enrichment?.process && owner(d.enrichment.process),
  });
}

function finding(d: Detection): Fields {
  const { rule } = d;
  const title = titleOf(d);
  const evidences = d.src === '' ? {} : { evidences: [evidence(d)] };
  return {
    ...base(d, 2004, 2, 1),
    status_id: 1,
    status: 'New',
    is_alert: d.kind === 'alert',
    finding_info: known({
      uid: detectionId(d),
      title,
      created_time: timeMs(d),
      types: rule && rule.category !== '' ? [rule.category] : undefined,
      src_url: rule?.references.find((one) => one.startsWith('url,'))?.slice('url,'.length),
      analytic: rule && {
        uid: String(rule.sid),
        name: cleanText(rule.msg),
        type_id: 1,
        type: 'Rule',
        version: String(rule.rev),
        ...(rule.category === '' ? {} : { category: rule.category }),
      },
    }),
    ...(rule ? { firewall_rule: { uid: String(rule.sid), name: cleanText(rule.msg) } } : {}),
    ...evidences,
  };
}

/** What was dropped without a rule: a refused connection. */
const REFUSE = 5;
const TRAFFIC = 6;

/** The record as an OCSF event. */
export function toOcsf(d: Detection): Fields {
  if (d.rule || d.engine || d.src === '') return finding(d);
  const blocked = outcomeOf(d) !== 'allowed';
  return {
    ...base(d, 4001, 4, blocked ? REFUSE : TRAFFIC),
    status_id: blocked ? 2 : 1,
    status: blocked ? 'Failure' : 'Success',
    is_alert: false,
    ...ends(d),
    traffic: { bytes: d.packet.len, packets: 1 },
    ...(d.origin === undefined ? {} : { firewall_rule: { uid: d.origin, name: d.origin } }),
  };
}

/** The record as one line of OCSF JSON, without a newline. */
export function ocsfLine(d: Detection): string {
  return jsonLine(toOcsf(d));
}
