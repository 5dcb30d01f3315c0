// SPDX-License-Identifier: Apache-2.0
// Records for receivers with a size limit: fields get shorter or go, the JSON is never cut.

import type { EveRecord } from './eve.js';
import { jsonLine, toEve } from './eve.js';
import type { Detection } from './model.js';
import { cutText } from './text.js';

/** Cuts every text in `value` to at most `max` code points, in place where it can. */
function cutTexts(value: unknown, max: number): unknown {
  if (typeof value === 'string') return cutText(value, max);
  if (Array.isArray(value)) return value.map((item) => cutTexts(item, max));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, cutTexts(item, max)]));
}

function without(record: EveRecord, parent: string, ...keys: string[]): void {
  const object = record[parent];
  if (typeof object !== 'object' || object === null) return;
  record[parent] = Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

const cutIn = (record: EveRecord, max: number): void => {
  for (const parent of ['http', 'tls', 'dns', 'alert', 'engine', 'ids'])
    if (record[parent]) record[parent] = cutTexts(record[parent], max);
};

// In the order in which they hurt least.
const steps: readonly ((record: EveRecord) => void)[] = [
  (record) => ['packet', 'packet_info'].forEach((key) => delete record[key]),
  (record) => without(record, 'http', 'request_headers', 'response_headers'),
  (record) => without(record, 'alert', 'rule'),
  (record) => without(record, 'ids', 'enrichment'),
  (record) => cutIn(record, 200),
  (record) => without(record, 'alert', 'references', 'metadata', 'source', 'target'),
  (record) => cutIn(record, 60),
  (record) => ['http', 'tls', 'dns', 'drop', 'app_proto', 'direction', 'pkt_src'].forEach((key) => delete record[key]),
  (record) => (record['ids'] = {}),
  (record) => cutIn(record, 24),
];

const core = [
  ...['timestamp', 'log_level', 'event_type', 'src_ip', 'src_port', 'dest_ip', 'dest_port', 'proto'],
  ...['alert', 'engine', 'ids'],
];

/**
 * The EVE line of a detection in at most `limit` UTF-8 bytes; a shortened record has `ids.shortened`. About 330 bytes
 * are the least that is left: the addresses, the time and the rule's numbers.
 */
export function shortLine(d: Detection, limit: number): string {
  return shortRecord(toEve(d), limit);
}

/** As `shortLine`, of a record that is there already: it is changed. */
export function shortRecord(record: EveRecord, limit: number): string {
  const render = (): string => {
    record['ids'] = { ...(record['ids'] as EveRecord), shortened: true };
    return jsonLine(record);
  };
  for (const step of steps) {
    step(record);
    const line = render();
    if (Buffer.byteLength(line) <= limit) return line;
  }
  for (const key of Object.keys(record)) if (!core.includes(key)) delete record[key];
  without(record, 'alert', 'signature', 'category');
  return render();
}
