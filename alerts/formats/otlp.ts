// SPDX-License-Identifier: Apache-2.0
// OpenTelemetry's log records as OTLP has them in JSON (opentelemetry-proto: docs/specification.md, logs/v1/logs.proto),
// with the attributes of its semantic conventions; what they have no name for stands under `ids.`.

import { detectionId } from '../detection-id.js';
import { appOf } from '../eve.js';
import type { Detection } from '../model.js';
import { cleanText } from '../text.js';
import { communityIdOf, countOf, outcomeOf, severityOf } from './facts.js';

type Value = { readonly stringValue: string } | { readonly intValue: string } | { readonly boolValue: boolean };

export interface Attribute {
  readonly key: string;
  readonly value: Value;
}

/** Without what is undefined. */
export function attributes(all: Readonly<Record<string, string | number | boolean | undefined>>): Attribute[] {
  return Object.entries(all).flatMap(([key, value]): Attribute[] => {
    if (value === undefined) return [];
    if (typeof value === 'string') return [{ key, value: { stringValue: cleanText(value) } }];
    // 64-bit numbers are texts in JSON.
    return [{ key, value: typeof value === 'number' ? { intValue: String(value) } : { boolValue: value } }];
  });
}

/** ERROR, WARN, INFO2 and INFO: nothing here ends the program that tells it. */
const severities = {
  1: { severityNumber: 17, severityText: 'High' },
  2: { severityNumber: 13, severityText: 'Medium' },
  3: { severityNumber: 10, severityText: 'Low' },
  4: { severityNumber: 9, severityText: 'Informational' },
} as const;

export function otlpSeverity(d: Detection | undefined): (typeof severities)[1 | 2 | 3 | 4] {
  return severities[d ? severityOf(d) : 4];
}

export function otlpAttributes(d: Detection): Attribute[] {
  const { rule, http } = d;
  const [path, query] = http?.url?.split(/\?(.*)/s, 2) ?? [];
  const tls = (key: string): string | undefined => (typeof d.tls?.[key] === 'string' ? d.tls[key] : undefined);
  const full = (text: string): string | undefined => (text === '' ? undefined : text);
  return attributes({
    'source.address': full(d.src),
    'source.port': d.sport,
    'destination.address': full(d.dst),
    'destination.port': d.dport,
    'network.type': d.src === '' ? undefined : d.ipVersion === 4 ? 'ipv4' : 'ipv6',
    'network.transport': full(d.proto.toLowerCase()),
    'network.protocol.name': appOf(d),
    'network.interface.name': d.iface,
    'security_rule.uuid': rule && `${rule.gid}:${rule.sid}`,
    'security_rule.name': rule?.msg,
    'security_rule.version': rule && String(rule.rev),
    'security_rule.category': rule && full(rule.category),
    'security_rule.reference': rule?.references[0],
    'http.request.method': http?.method,
    'http.response.status_code': http?.status,
    'server.address': http?.hostname ?? tls('sni'),
    'url.path': path,
    'url.query': query,
    'user_agent.original': http?.userAgent,
    'tls.client.server_name': tls('sni'),
    'ids.detection_id': detectionId(d),
    'ids.action': outcomeOf(d),
    'ids.reason': d.reason,
    'ids.severity': rule?.severity,
    'ids.classtype': rule?.classtype,
    'ids.community_id': communityIdOf(d),
    'ids.count': countOf(d),
    'ids.origin': d.origin,
    'ids.would': d.would ? true : undefined,
  });
}
