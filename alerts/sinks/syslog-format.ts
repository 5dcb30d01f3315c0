// SPDX-License-Identifier: Apache-2.0
// RFC 5424 messages whose text is the record, and RFC 6587 frames.

import { hostname } from 'node:os';
import type { Sendable } from '../entry.js';
import { eveTime, type EveRecord } from '../eve.js';
import type { Format } from '../formats/index.js';
import { shortIn } from '../formats/short.js';
import type { Detection } from '../model.js';
import { shortRecord } from '../shorten.js';

/** Facility names by number. */
export const facilities = [
  ...['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp', 'ntp'],
  ...['audit', 'alert', 'clock', 'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'],
] as const;
export type Facility = (typeof facilities)[number];

/** Severity names by number. */
export const severities = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'] as const;
export type SyslogSeverity = (typeof severities)[number];

const ERROR = 3;
const WARNING = 4;
const NOTICE = 5;
const INFO = 6;

/** A rule's severity 1 is critical, 2 an error, 3 a warning, others a notice, as are drops without a rule. */
export function severityOf(d: Detection): number {
  if (d.engine) return { Error: ERROR, Warning: WARNING, Info: INFO }[d.engine.level];
  const severity = d.rule?.severity;
  return severity === undefined ? NOTICE : Math.min(NOTICE, Math.max(1, severity) + 1);
}

export interface SyslogOptions {
  readonly facility: Facility;
  readonly severity: SyslogSeverity | 'auto';
  readonly app_name: string;
  readonly hostname?: string | undefined;
  readonly structured_data?: string | undefined;
  /** EVE if absent. */
  readonly format?: Format;
  /** Longest message in bytes. */
  readonly max_bytes: number;
}

/** Header fields are printable ASCII without spaces; `-` stands for none. */
function headerField(text: string, max: number): string {
  return text.replace(/[^!-~]/g, '').slice(0, max) || '-';
}

function structuredData(id: string, d: Detection): string {
  const value = (text: string | number): string => String(text).replace(/["\\\]]/g, '\\$&');
  if (d.engine) {
    const origin = d.origin === undefined ? '' : ` origin="${value(d.origin)}"`;
    return `[${id} reason="${value(d.reason)}"${origin}]`;
  }
  const rule = d.rule ? ` gid="${d.rule.gid}" sid="${d.rule.sid}" rev="${d.rule.rev}"` : '';
  return `[${id}${rule} src="${value(d.src)}" dst="${value(d.dst)}" verdict="${d.verdict}" reason="${value(d.reason)}"]`;
}

/** Makes messages for one receiver. */
export function syslogFormatter(options: SyslogOptions): (entry: Sendable) => string {
  const { format = 'eve' } = options;
  const facility = facilities.indexOf(options.facility) * 8;
  const fixed = options.severity === 'auto' ? undefined : severities.indexOf(options.severity);
  const host = headerField(options.hostname ?? hostname(), 64);
  const tail = `${host} ${headerField(options.app_name, 48)} ${process.pid}`;
  return (entry) => {
    const d = entry.detection;
    if (d === undefined) {
      // A log line begins with its time: {"timestamp":"2026-01-02T03:04:05.678901+0000"
      const stamp = `${entry.line.slice(14, 40)}Z`;
      const head = `<${facility + (fixed ?? INFO)}>1 ${stamp} ${tail} ${entry.kind} - `;
      const room = options.max_bytes - Buffer.byteLength(head);
      return head + (entry.bytes <= room ? entry.line : shortRecord(JSON.parse(entry.line) as EveRecord, room));
    }
    const time = `${eveTime(d.timeUs).slice(0, 26)}Z`;
    const data = options.structured_data === undefined ? '-' : structuredData(options.structured_data, d);
    const head = `<${facility + (fixed ?? severityOf(d))}>1 ${time} ${tail} ${d.kind} ${data} `;
    const room = options.max_bytes - Buffer.byteLength(head);
    if (entry.bytes <= room) return head + entry.line;
    const line = shortIn(format, d, room);
    // Structured data is the first to go where even the shortest record does not fit.
    if (data === '-' || Buffer.byteLength(line) <= room) return head + line;
    const bare = `${head.slice(0, head.indexOf(' [', tail.length))} - `;
    return bare + shortIn(format, d, options.max_bytes - Buffer.byteLength(bare));
  };
}

/** A message as it goes over TCP: with its length in front (RFC 6587, 3.4.1) or a newline behind (3.4.2). */
export function frame(message: string, framing: 'octet' | 'lf'): string {
  return framing === 'lf' ? `${message}\n` : `${Buffer.byteLength(message)} ${message}`;
}
