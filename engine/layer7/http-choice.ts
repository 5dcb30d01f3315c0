// SPDX-License-Identifier: Apache-2.0
// Whether a transaction is one of those that the log wants: what the operator selects by, asked of the two records. The
// kernel has asked before; what it could not decide, and what a rule wanted, is here all the same.

import { EventLayout, HttpFlag, HttpLayout } from '../../common/abi.gen.js';
import { Header, HeadScan, hostOfTarget } from './head-scan.js';
import type { HeadRecord } from './http-line.js';
import { foldHost, type HttpSelection } from './selection.js';

/** The kernel has taken it as one in so many. */
const isSampled = (record: HeadRecord | undefined): boolean =>
  record !== undefined && (record.view.getUint32(record.at + HttpLayout.flags, true) & HttpFlag.HTTP_SELECTED) !== 0;

const SLASH = 0x2f;

export class HttpChoice {
  readonly #selection: HttpSelection;
  readonly #host: string | undefined;
  readonly #scan = new HeadScan();
  /** Transactions that met everything but the sampling, which the kernel had left to us. */
  #met = 0;

  constructor(selection: HttpSelection) {
    this.#selection = selection;
    this.#host = selection.host === undefined ? undefined : foldHost(selection.host);
  }

  /** One of the two records is there. Without a response, what is selected by it does not hold. */
  takes(asked: HeadRecord | undefined, answered: HeadRecord | undefined): boolean {
    const { sample = 1 } = this.#selection;
    if (!this.#responseHolds(answered) || !this.#portHolds(asked, answered) || !this.#requestHolds(asked)) return false;
    return isSampled(asked) || isSampled(answered) || this.#met++ % sample === 0;
  }

  #responseHolds(answered: HeadRecord | undefined): boolean {
    const { status, slowerMs } = this.#selection;
    if (!status && slowerMs === undefined) return true;
    if (!answered) return false;
    const { view, at } = answered;
    const code = view.getUint16(at + HttpLayout.status, true);
    if (status && (code < status[0] || code > status[1])) return false;
    return slowerMs === undefined || view.getUint32(at + HttpLayout.latencyUs, true) >= slowerMs * 1000;
  }

  #portHolds(asked: HeadRecord | undefined, answered: HeadRecord | undefined): boolean {
    const { port } = this.#selection;
    if (port === undefined) return true;
    if (asked) return asked.view.getUint16(asked.at + EventLayout.dport) === port;
    return answered?.view.getUint16(answered.at + EventLayout.sport) === port;
  }

  #requestHolds(asked: HeadRecord | undefined): boolean {
    const { method, path } = this.#selection;
    if (method === undefined && path === undefined && this.#host === undefined) return true;
    if (!asked) return false;
    const scan = this.#scan;
    const from = asked.at + HttpLayout.SIZE;
    scan.scan(asked.bytes, from, from + asked.view.getUint32(asked.at + HttpLayout.length, true));
    if (method !== undefined && !this.#isText(0, method, true)) return false;
    if (path !== undefined && !this.#isText(2, path, false)) return false;
    return this.#host === undefined || this.#hostHolds(this.#host);
  }

  /** A part of the request line is this text, or begins with it. */
  #isText(part: number, text: string, whole: boolean): boolean {
    const from = this.#scan.part[part] as number;
    const length = (this.#scan.part[part + 1] as number) - from;
    if (whole ? length !== text.length : length < text.length) return false;
    for (let i = 0; i < text.length; i++) if (this.#scan.bytes[from + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  #hostHolds(wanted: string): boolean {
    const { bytes, part } = this.#scan;
    if (bytes[part[2] as number] !== SLASH) {
      const named = hostOfTarget(bytes.subarray(part[0]));
      if (named) return foldHost(Buffer.from(named).toString('latin1')) === wanted;
    }
    const from = this.#scan.value[2 * Header.HOST] as number;
    if (from < 0) return false;
    const sent = Buffer.from(this.#scan.bytes.subarray(from, this.#scan.hostEnd())).toString('latin1');
    return foldHost(sent) === wanted;
  }
}
