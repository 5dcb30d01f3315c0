// SPDX-License-Identifier: Apache-2.0
// Repeats told as one: of a rule between two addresses the first record of a window goes out at once, unless it is held as
// well, the others are counted, and at the end of the window one record tells how many there were.

import type { CollapseConfig } from '../config/gate.js';
import type { Detection } from '../model.js';

interface Window {
  /** When it ends, milliseconds since the epoch. */
  readonly end: number;
  /** The last repeat. */
  last: Detection | undefined;
  count: number;
  first: number;
}

/** Windows at once; what comes beyond them goes out as it is. */
const MAX_WINDOWS = 100_000;

export class Collapse {
  readonly #config: CollapseConfig;
  /** In the order of their end. */
  readonly #windows = new Map<string, Window>();

  constructor(config: CollapseConfig) {
    this.#config = config;
  }

  /** True if the record goes out; false if it is a repeat, which is told later. */
  pass(d: Detection, now: number): boolean {
    if (d.engine || !this.#config.events.some((kind) => kind === d.kind)) return true;
    const key = `${d.kind} ${d.rule ? `${d.rule.gid}:${d.rule.sid}` : d.reason} ${d.src} ${d.dst}`;
    const window = this.#windows.get(key);
    // One that is over takes repeats until it is told, at the next look.
    if (window === undefined || (window.end <= now && window.count === 0)) {
      this.#windows.delete(key);
      if (this.#windows.size >= MAX_WINDOWS) return true;
      const opened: Window = { end: now + this.#config.window, last: undefined, count: 0, first: d.timeUs };
      this.#windows.set(key, opened);
      return this.#config.first === 'now' || this.#count(opened, d);
    }
    return this.#count(window, d);
  }

  /** Records of the windows that are over, or of all. */
  due(now: number, all = false): Detection[] {
    const records: Detection[] = [];
    for (const [key, { end, last, count, first }] of this.#windows) {
      if (end > now && !all) break;
      this.#windows.delete(key);
      if (last) records.push({ ...last, repeats: { count, first, last: last.timeUs } });
    }
    return records;
  }

  #count(window: Window, d: Detection): false {
    if (window.count === 0) window.first = d.timeUs;
    window.last = d;
    window.count++;
    return false;
  }
}
