// SPDX-License-Identifier: Apache-2.0
// RFC 5424 and RFC 3164 messages whose text is the record, and RFC 6587 frames.

import { hostname } from 'node:os';
import type { Sendable } from '../entry.js';
import { eveTime } from '../eve.js';
import type { Format } from '../formats/index.js';
import type { Detection } from '../model.js';
import { lineWithin } from './line-within.js';

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
  /** RFC 5424 if absent; to a unix socket RFC 3164, as every program of a host writes. */
  readonly protocol?: 'rfc5424' | 'rfc3164' | undefined;
  readonly transport?: 'udp' | 'tcp' | 'tls' | 'unix';
  readonly facility: Facility;
  readonly severity: SyslogSeverity | 'auto';
  readonly app_name: string;
  readonly hostname?: string | undefined;
  readonly structured_data?: string | undefined;
  /** EVE if absent. */
  readonly format?: Format;
  /** Longest message in bytes; what the protocol and the transport have if absent. */
  readonly max_bytes?: number | undefined;
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

/** What stands before the record. @param time ISO 8601 in UTC with microseconds, without a zone */
type Header = (priority: number, time: string, kind: string, data: string) => string;

function header5424(host: string, app: string): Header {
  const tail = `${host} ${headerField(app, 48)} ${process.pid}`;
  return (priority, time, kind, data) => `<${priority}>1 ${time}Z ${tail} ${kind} ${data} `;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Jan  2 03:04:05` in the time of this host (RFC 3164, 4.1.2). @param second of `2026-01-02T03:04:05` in UTC */
export function bsdTime(second: string): string {
  const date = new Date(`${second}Z`);
  const two = (n: number): string => String(n).padStart(2, '0');
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${months[date.getMonth()]} ${String(date.getDate()).padStart(2)} ${clock}`;
}

/** RFC 3164, 4.1: the name of the host is without its domain, and none at all on it; the tag has up to 32 characters. */
function header3164(host: string | undefined, app: string): Header {
  const short = host === undefined || /^[\d.]+$|:/.test(host) ? host : host.split('.')[0];
  const tail = `${short === undefined ? '' : `${short} `}${headerField(app.replace(/[[\]:]/g, ''), 32)}[${process.pid}]: `;
  let [second, stamp] = ['', ''];
  return (priority, time) => {
    if (!time.startsWith(second) || second === '') {
      second = time.slice(0, 19);
      stamp = bsdTime(second);
    }
    return `<${priority}>${stamp} ${tail}`;
  };
}

/** Makes messages for one receiver. */
export function syslogFormatter(options: SyslogOptions): (entry: Sendable) => string {
  const { format = 'eve' } = options;
  const facility = facilities.indexOf(options.facility) * 8;
  const fixed = options.severity === 'auto' ? undefined : severities.indexOf(options.severity);
  const host = headerField(options.hostname ?? hostname(), 64);
  const local = options.transport === 'unix';
  const bsd = (options.protocol ?? (local ? 'rfc3164' : 'rfc5424')) === 'rfc3164';
  const header = bsd ? header3164(local ? undefined : host, options.app_name) : header5424(host, options.app_name);
  // RFC 3164 has 1024 (4.1), RFC 5426 wants receivers to take 2048 (3.2).
  const limit = options.max_bytes ?? (bsd && !local ? 1024 : options.transport === 'udp' ? 2048 : 8192);
  return (entry) => {
    const d = entry.detection;
    const level = fixed ?? (d === undefined ? INFO : severityOf(d));
    // A log line begins with its time: {"timestamp":"2026-01-02T03:04:05.678901+0000"
    const time = d === undefined ? entry.line.slice(14, 40) : eveTime(d.timeUs).slice(0, 26);
    const bare = header(facility + level, time, entry.kind, '-');
    if (d === undefined || options.structured_data === undefined) {
      return bare + lineWithin(entry, format, limit - Buffer.byteLength(bare));
    }
    const head = header(facility + level, time, entry.kind, structuredData(options.structured_data, d));
    const room = limit - Buffer.byteLength(head);
    const line = lineWithin(entry, format, room);
    // Structured data is the first to go where even the shortest record does not fit.
    if (Buffer.byteLength(line) <= room) return head + line;
    return bare + lineWithin(entry, format, limit - Buffer.byteLength(bare));
  };
}

/** A message as it goes over a stream: with its length in front (RFC 6587, 3.4.1) or a newline behind (3.4.2). */
export function frame(message: string, framing: 'octet' | 'lf'): string {
  return framing === 'lf' ? `${message}\n` : `${Buffer.byteLength(message)} ${message}`;
}
