// SPDX-License-Identifier: Apache-2.0
// Elastic Common Schema 8.17: one JSON object a record; what it has no field for stands under `ids`.

import { version } from '../../common/version.js';
import { appOf, jsonLine } from '../eve.js';
import { endObject, processObject } from '../enrichment.js';
import type { Detection, DetectionEnd } from '../model.js';
import { protocolNumber } from '../protocols.js';
import { cleanText } from '../text.js';
import { communityIdOf, countOf, isoOf, isoTime, outcomeOf, PRODUCT, titleOf, VENDOR } from './facts.js';
import { detectionId } from '../detection-id.js';

type Fields = Record<string, unknown>;

/** Without what is undefined, and undefined if nothing is left. */
function fields(all: Fields): Fields | undefined {
  const known = Object.entries(all).filter(([, value]) => value !== undefined);
  return known.length === 0 ? undefined : Object.fromEntries(known);
}

const end = (ip: string, port: number | undefined, more: DetectionEnd | undefined): Fields | undefined =>
  ip === '' ? undefined : fields({ ip, port, ...(more && endObject(more)) });

function event(d: Detection): Fields | undefined {
  const blocked = outcomeOf(d) !== 'allowed';
  return fields({
    kind: d.kind === 'alert' ? 'alert' : 'event',
    category: d.engine ? ['configuration'] : d.rule ? ['intrusion_detection', 'network'] : ['network'],
    type: d.engine ? ['info'] : [blocked ? 'denied' : 'allowed'],
    action: outcomeOf(d),
    reason: d.reason,
    id: detectionId(d),
    severity: d.rule?.severity,
    module: 'ids',
    dataset: `ids.${d.kind}`,
    provider: d.origin,
    start: d.repeats && isoOf(d.repeats.first),
    end: d.repeats && isoOf(d.repeats.last),
  });
}

function network(d: Detection): Fields | undefined {
  if (d.src === '') return undefined;
  const number = protocolNumber(d.proto);
  const { flow } = d;
  return fields({
    type: d.ipVersion === 4 ? 'ipv4' : 'ipv6',
    transport: d.proto === '' ? undefined : d.proto.toLowerCase(),
    iana_number: number === undefined ? undefined : String(number),
    protocol: appOf(d),
    community_id: communityIdOf(d),
    vlan: d.vlan?.[0] === undefined ? undefined : { id: String(d.vlan[0]) },
    inner: d.vlan?.[1] === undefined ? undefined : { vlan: { id: String(d.vlan[1]) } },
    bytes: flow && flow.toServer.bytes + flow.toClient.bytes,
    packets: flow && flow.toServer.packets + flow.toClient.packets,
  });
}

function rule({ rule: one }: Detection): Fields | undefined {
  if (!one) return undefined;
  return fields({
    id: String(one.sid),
    name: cleanText(one.msg),
    version: String(one.rev),
    category: one.category === '' ? undefined : one.category,
    ruleset: String(one.gid),
    reference: one.references.length === 0 ? undefined : one.references.join(' '),
  });
}

/** Bytes and status of the response where they are known. */
function http({ http: one }: Detection): Fields | undefined {
  if (!one) return undefined;
  return fields({
    version: one.protocol?.replace(/^HTTP\//, ''),
    request: fields({ method: one.method, referrer: one.referer }),
    response: fields({
      status_code: one.status,
      mime_type: one.contentType,
      body: one.length === undefined ? undefined : { bytes: one.length },
    }),
  });
}

function url({ http: one }: Detection): Fields | undefined {
  if (!one) return undefined;
  const [path, query] = one.url?.split(/\?(.*)/s, 2) ?? [];
  return fields({ original: one.url, domain: one.hostname, port: one.port, path, query });
}

function tls({ tls: one }: Detection): Fields | undefined {
  if (!one) return undefined;
  const text = (key: string): string | undefined => (typeof one[key] === 'string' ? one[key] : undefined);
  return fields({
    version: text('version')?.replace(/^TLS /, ''),
    client: fields({ server_name: text('sni'), ja3: (one['ja3'] as { hash?: string } | undefined)?.hash }),
    server: fields({
      subject: text('subject'),
      issuer: text('issuerdn'),
      ja3s: (one['ja3s'] as { hash?: string } | undefined)?.hash,
    }),
  });
}

/** The record as an ECS object. */
export function toEcs(d: Detection): Fields {
  const would = d.would ? true : undefined;
  const count = countOf(d);
  const { generation, reason } = d;
  const owner = d.enrichment?.process && processObject(d.enrichment.process);
  return (
    fields({
      '@timestamp': isoTime(d),
      ecs: { version: '8.17.0' },
      message: titleOf(d),
      event: event(d),
      observer: fields({
        vendor: VENDOR,
        product: PRODUCT,
        version,
        type: 'ids',
        ingress: d.iface === undefined ? undefined : { interface: { name: d.iface } },
      }),
      source: end(d.src, d.sport, d.enrichment?.src),
      destination: end(d.dst, d.dport, d.enrichment?.dst),
      network: network(d),
      process: owner && fields({ pid: owner['pid'], name: owner['name'], executable: owner['executable'] }),
      rule: rule(d),
      http: http(d),
      url: url(d),
      user_agent: d.http?.userAgent === undefined ? undefined : { original: d.http.userAgent },
      tls: tls(d),
      log: d.engine ? { level: d.engine.level.toLowerCase(), logger: d.engine.module } : undefined,
      ids: fields({
        ...{ generation, reason, would, count, classtype: d.rule?.classtype, metadata: d.rule?.metadata },
        process: owner && fields({ cgroup: owner['cgroup'], user_id: owner['user_id'], end: owner['end'] }),
      }),
    }) ?? {}
  );
}

/** The record as one line of ECS JSON, without a newline. */
export function ecsLine(d: Detection): string {
  return jsonLine(toEcs(d));
}
