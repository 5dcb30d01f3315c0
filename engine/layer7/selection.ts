// SPDX-License-Identifier: Apache-2.0
// Which HTTP transactions are logged, and with which headers: as the configuration, the CLI and the kernel have it.

import { L7Setting, LogFlag, LogLayout, LogLimit } from '../../common/abi.gen.js';
import { IdsError } from '../../common/errors.js';
import { foldNameByte } from './structure/names.js';

/** What is not named is not asked for. All that is named has to hold. */
export interface HttpSelection {
  readonly method?: string;
  /** Without port, in lower case. */
  readonly host?: string;
  /** What the request target begins with. */
  readonly path?: string;
  /** Of the server. */
  readonly port?: number;
  /** First and last status. */
  readonly status?: readonly [number, number];
  /** Milliseconds from the request's to the response's header section, at least. */
  readonly slowerMs?: number;
  /** One in so many. */
  readonly sample?: number;
  /** Header lines that are logged as they are; `all` for every one. */
  readonly headers?: readonly string[] | 'all';
}

/** Names whose values have fields of their own: they are handed over whatever else is kept. */
export const FIELD_HEADERS = [
  ...['Host', 'User-Agent', 'X-Forwarded-For', 'Referer'],
  ...['Content-Type', 'Content-Length', 'Location'],
] as const;

export const SELECTION_LIMITS = { method: 16, host: 64, path: 64, headers: LogLimit.LOG_NAMES } as const;

/** `500-599`, `404`. @throws IdsError USAGE */
export function parseStatusRange(text: string): [number, number] {
  const [, first, last = first] = /^([1-9]\d\d)(?:-([1-9]\d\d))?$/.exec(text) ?? [];
  if (first === undefined || Number(last) < Number(first)) {
    throw new IdsError('USAGE', `"${text}" is no range of statuses: write for example 404 or 500-599`);
  }
  return [Number(first), Number(last)];
}

/** `300ms`, `1s`, `1500`: milliseconds. @throws IdsError USAGE */
export function parseMilliseconds(text: string): number {
  const [, number, unit = 'ms'] = /^(\d{1,7})(ms|s)?$/.exec(text) ?? [];
  const value = Number(number) * (unit === 's' ? 1000 : 1);
  if (!Number.isSafeInteger(value) || value < 1 || value > 3_600_000) {
    throw new IdsError('USAGE', `"${text}" is no latency: write for example 300ms or 2s, up to an hour`);
  }
  return value;
}

/** What the kernel knows a header by whose values it counts: FNV-1a over the folded name. */
export function headerNumber(name: string): number {
  let hash = 2_166_136_261;
  for (const byte of Buffer.from(name, 'latin1')) hash = Math.imul(hash ^ foldNameByte(byte), 16_777_619);
  return hash >>> 0;
}

/** A host as it is compared: letters folded, without a port and the root's dot. */
export function foldHost(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
}

/** A value of ids_log. */
export function logBytes(selection: HttpSelection): Uint8Array {
  const { method, host, path, port, status, slowerMs, sample = 1, headers } = selection;
  const bytes = new Uint8Array(LogLayout.SIZE);
  const view = new DataView(bytes.buffer);
  let flags = 0;
  const text = (flag: number, value: string | undefined, at: number, lengthAt: number, room: number): void => {
    if (value === undefined) return;
    const raw = Buffer.from(value, 'latin1');
    if (raw.length > room) throw new IdsError('USAGE', `"${value}" is too long to select by: at most ${room} bytes`);
    flags |= flag;
    bytes.set(raw, at);
    bytes[lengthAt] = raw.length;
  };
  text(LogFlag.LOG_METHOD, method, LogLayout.method, LogLayout.methodLen, SELECTION_LIMITS.method);
  text(LogFlag.LOG_HOST, host && foldHost(host), LogLayout.host, LogLayout.hostLen, SELECTION_LIMITS.host);
  text(LogFlag.LOG_PATH, path, LogLayout.path, LogLayout.pathLen, SELECTION_LIMITS.path);
  if (port !== undefined) {
    flags |= LogFlag.LOG_PORT;
    view.setUint16(LogLayout.port, port);
  }
  if (status) {
    flags |= LogFlag.LOG_STATUS;
    view.setUint16(LogLayout.statusMin, status[0], true);
    view.setUint16(LogLayout.statusMax, status[1], true);
  }
  if (slowerMs !== undefined) {
    flags |= LogFlag.LOG_SLOW;
    view.setUint32(LogLayout.slowUs, slowerMs * 1000, true);
  }
  if (Array.isArray(headers)) {
    flags |= LogFlag.LOG_HEADERS;
    bytes[LogLayout.names] = headers.length;
    headers.forEach((name: string, i) => view.setUint32(LogLayout.name + 4 * i, headerNumber(name), true));
  }
  view.setUint32(LogLayout.sample, sample, true);
  view.setUint32(LogLayout.flags, flags, true);
  return bytes;
}

/**
 * Brings a selection into force in the kernel, where nothing is selected by until its flags are: the value of ids_log that
 * is not in force is written, and the flags for ids_l7_settings turn to it.
 * @param flags enum ids_l7_setting in force
 * @returns bits of L7_SELECT and L7_LOG_SLOT
 */
export function writeSelection(
  selection: HttpSelection,
  flags: number,
  put: (slot: number, value: Uint8Array) => void,
): number {
  const { sample = 1, headers, ...rest } = selection;
  const asks = sample > 1 || Array.isArray(headers) || Object.values(rest).some((value) => value !== undefined);
  if (!asks) return flags & L7Setting.L7_LOG_SLOT;
  const slot = (flags & L7Setting.L7_LOG_SLOT) === 0 ? 1 : 0;
  put(slot, logBytes(selection));
  return L7Setting.L7_SELECT | (slot === 1 ? L7Setting.L7_LOG_SLOT : 0);
}

/** The names of the lines that are kept, if only some are. */
export function keptHeaders({ headers }: HttpSelection): readonly string[] {
  return Array.isArray(headers) ? [...FIELD_HEADERS, ...(headers as readonly string[])] : [];
}
