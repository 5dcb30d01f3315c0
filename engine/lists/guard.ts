// SPDX-License-Identifier: Apache-2.0
// Nobody is locked out: what a list may not cover, and the exemptions that keep it so in the kernel.

import { covers, formatPrefix, isPrefix4, parseAddress, parsePrefix, type Prefix } from '../../common/address.js';
import type { Allowlist } from './allowlist.js';
import { readExemptions, type Exemption } from './exemptions.js';
import type { PrefixBatch } from './prefix-batch.js';
import { refuseBatch, type BatchRefusal } from './refuse-batch.js';
import type { Clock } from './tables.js';

/** Prefixes shorter than these take more of the Internet than one decision should. */
const FLOOR4 = 8;
const FLOOR6 = 16;

/** An SSH peer stays exempt for this long after the last sign of its session. */
const SESSION_MS = 3_600_000;

const all4 = parsePrefix('0.0.0.0/0');

export interface GuardOptions {
  readonly allowlist: Allowlist;
  readonly clock: Clock;
  /** Facts about this host; default: read from the system. Replay has none. */
  readonly exemptions?: () => readonly Exemption[];
  /** Peer of the SSH session that this process was started from. */
  readonly sshPeer?: string | undefined;
  /** True if this host has an established flow with the address: its SSH session still lives. */
  readonly established?: (address: Uint8Array) => boolean;
}

/** Refuses dangerous prefixes and keeps the built-in exemptions fresh. */
export class Guard {
  readonly #options: GuardOptions;
  readonly #sessions = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: GuardOptions) {
    this.#options = options;
    if (options.sshPeer !== undefined) this.#sessions.set(options.sshPeer, options.clock.wallMs());
    this.refresh();
  }

  /** Reads the facts again; true if an exemption came or went. */
  refresh(): boolean {
    const { allowlist, clock, exemptions = readExemptions, established } = this.#options;
    const now = clock.wallMs();
    const found = [...exemptions()];
    for (const [address, seen] of this.#sessions) {
      const bytes = parseAddress(address);
      if (established?.(bytes)) this.#sessions.set(address, now);
      else if (now - seen > SESSION_MS) this.#sessions.delete(address);
      if (!this.#sessions.has(address)) continue;
      found.push({ prefix: { bytes, length: 128 }, label: 'peer of an SSH session' });
    }
    return allowlist.setExemptions(found);
  }

  /** Exempts the peer of the SSH session that a caller of the control socket sits behind. */
  noteSession(peer: string | undefined): void {
    if (peer === undefined) return;
    parseAddress(peer);
    const fresh = !this.#sessions.has(peer);
    this.#sessions.set(peer, this.#options.clock.wallMs());
    if (fresh) this.refresh();
  }

  /** Why a prefix may not be blocked without force, as one line with the remedy; undefined if it may. */
  refusal(prefix: Prefix): string | undefined {
    const text = formatPrefix(prefix);
    const four = isPrefix4(prefix);
    if (!four && covers(prefix, all4)) {
      return `${text} covers all of IPv4 (::ffff:0:0/96): list a narrower prefix, or say --force`;
    }
    const [length, floor] = four ? [prefix.length - 96, FLOOR4] : [prefix.length, FLOOR6];
    if (length < floor) {
      return `${text} is shorter than /${floor}, more than one entry should block: list narrower prefixes, or say --force`;
    }
    const kept = this.#options.allowlist.overlap(prefix);
    if (!kept) return undefined;
    const other = formatPrefix(kept.prefix);
    const how = other === text ? 'is' : covers(kept.prefix, prefix) ? `lies in ${other},` : `covers ${other},`;
    if (kept.kind === 'allowlist') {
      return `${text} ${how} on the allowlist and would still pass: take it off the allowlist first, or say --force`;
    }
    return `${text} ${how} a built-in exemption (${kept.reason}), this host could be cut off: list a narrower prefix, or say --force`;
  }

  /** The same for a whole batch: what is refused is taken out and told, the others go on. */
  refuseBatch(batch: PrefixBatch): BatchRefusal {
    const floors = { floor4: FLOOR4, floor6: FLOOR6 };
    return refuseBatch(batch, this.#options.allowlist.prefixes(), floors, (prefix) => this.refusal(prefix));
  }

  /** Refreshes every `seconds` from now on; the timer keeps no process alive. */
  start(seconds = 5): void {
    this.#timer ??= setInterval(() => this.refresh(), seconds * 1000).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
