// SPDX-License-Identifier: Apache-2.0
// What an alert shows of the message that it is about.

import { printable, type DetectionHttp } from '../../alerts/index.js';
import { readFields } from '../../rules/match/fields.js';
import type { HttpRequest, Message } from '../../rules/index.js';
import type { Flow } from './flow-states.js';

/** The objects of an alert's record. `tls` and `dns` are EVE's own. */
export interface Shown {
  readonly http?: DetectionHttp;
  readonly tls?: Readonly<Record<string, unknown>>;
  readonly dns?: Readonly<Record<string, unknown>>;
}

/** Judges a message of the record at `at`; `show` is asked only if something matched. */
export type Judging = (message: Message, view: DataView, at: number, flow: Flow | undefined, show: () => Shown) => void;

const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : printable(bytes);

function without<T extends object>(entries: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as never;
}

/** The request as alerts show it. @param section its header section, where that is wanted too */
export function requestShown(request: HttpRequest, section?: Uint8Array): DetectionHttp {
  return without({
    headers: text(section),
    hostname: text(request.host),
    url: text(request.rawUri),
    method: text(request.method),
    protocol: text(request.protocol),
    userAgent: text(request.userAgent),
    referer: text(request.referer),
  });
}

/** The response's share: status, type, where it leads, how long it says it is. */
export function responseShown(head: Uint8Array): DetectionHttp {
  const line = head.indexOf(10) + 1;
  const [protocol = '', code = ''] = printable(head.subarray(0, line)).split(' ');
  const fields = readFields(head, line);
  const status = /^\d{3}/.exec(code)?.[0];
  const number = Number(status);
  const length = printable(fields.get('content-length') ?? new Uint8Array(0));
  return without({
    protocol,
    status: status === undefined ? undefined : number,
    contentType: text(fields.get('content-type'))?.split(';')[0]?.trim(),
    redirect: number > 300 && number < 400 ? text(fields.get('location')) : undefined,
    length: /^\d{1,15}$/.test(length) ? Number(length) : undefined,
  });
}
