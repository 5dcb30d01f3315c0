// SPDX-License-Identifier: Apache-2.0
// Transactions of HTTP on a rig whose log selects as the daemon would have it.

import { ControlFlag, HttpFlag, L7Setting, Stat } from '../../../common/abi.gen.js';
import { indexKey } from '../../../engine/bpf/index.js';
import { keptHeaders, writeSelection, type HttpSelection } from '../../../engine/layer7/selection.js';
import { defaultRedaction } from '../../../engine/layer7/structure/names.js';
import { structureTable } from '../../../engine/layer7/structure/structure-table.js';
import { Conversation } from './conversation.js';
import { setLayer7 } from './layer7-rig.js';
import { Rig, type SeenHttp } from './rig.js';

export class HttpBench {
  readonly rig: Rig;
  #flags = 0;
  #kept: string | undefined;

  constructor(t: Parameters<typeof Rig.open>[0]) {
    this.rig = Rig.open(t, { sizes: { ids_bulk: 1 << 20 } });
    this.rig.kernel.control.update({ flags: ControlFlag.CONTROL_UNLIMITED | ControlFlag.CONTROL_REDACT });
    this.select({});
  }

  /** As the daemon does it. @param more enum ids_l7_setting */
  select(selection: HttpSelection | 'off', more = 0): void {
    const wanted = selection === 'off' ? {} : selection;
    const kept = keptHeaders(wanted);
    if (kept.join() !== this.#kept) this.rig.kernel.writeStructure(structureTable({ ...defaultRedaction, kept }));
    this.#kept = kept.join();
    const log = selection === 'off' ? 0 : L7Setting.L7_LOG_HTTP;
    const put = (slot: number, value: Uint8Array): void => this.rig.kernel.map('ids_log').put(indexKey(slot), value);
    this.#flags = L7Setting.L7_HTTP | log | more | writeSelection(wanted, this.#flags, put);
    setLayer7(this.rig, this.#flags);
    this.rig.settle();
  }

  talk(dport = 80): Talk {
    return new Talk(this.rig, dport);
  }

  /** What is handed over of one transaction on a connection of its own. */
  one(
    target: string,
    o: { host?: string; method?: string; port?: number; status?: number; ms?: number } = {},
  ): string[] {
    const { host = 'www.example.org', method = 'GET', port = 80, status = 200, ms = 1 } = o;
    const talk = this.talk(port);
    const asked = talk.asks(`${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    this.rig.advance(ms / 1000);
    return [...asked, ...talk.answers(status)];
  }

  count(name: keyof typeof Stat, work: () => void): number {
    const before = this.#stat(name);
    work();
    return this.#stat(name) - before;
  }

  #stat(name: keyof typeof Stat): number {
    return this.rig.kernel.stats()[Stat[name]] ?? 0;
  }
}

export class Talk {
  readonly #talk: Conversation;

  constructor(rig: Rig, dport: number) {
    this.#talk = Conversation.open(rig, { dport });
  }

  asks(text: string): string[] {
    return this.#talk.send(0, Buffer.from(text, 'latin1')).http.map(shortOf);
  }

  answers(status: number, more = 'Content-Length: 0\r\n'): string[] {
    return this.#talk.send(1, Buffer.from(`HTTP/1.1 ${status} X\r\n${more}\r\n`)).http.map(shortOf);
  }

  /** The same, a byte a segment. */
  bytewise(side: 0 | 1, text: string): SeenHttp[] {
    const cuts = Array.from({ length: text.length - 1 }, (_, n) => n + 1);
    return [...this.#talk.send(side, Buffer.from(text, 'latin1'), cuts).http];
  }

  /** Whole sections, as they were handed over. */
  sections(side: 0 | 1, text: string): SeenHttp[] {
    return [...this.#talk.send(side, Buffer.from(text, 'latin1')).http];
  }
}

/** The second word of the first line, and whether the kernel has selected it (!), or leaves that to the engine (?), or not for the log at all. */
function shortOf({ record, section }: SeenHttp): string {
  const [, word = ''] = Buffer.from(section).toString('latin1').split(' ');
  const { flags } = record;
  return word + ((flags & HttpFlag.HTTP_LOGGED) === 0 ? '' : (flags & HttpFlag.HTTP_SELECTED) !== 0 ? '!' : '?');
}
