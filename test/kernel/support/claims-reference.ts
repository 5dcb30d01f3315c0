// SPDX-License-Identifier: Apache-2.0
// What a blocklist with origins, an allowlist and exemptions comes to, as one would write it down: every claim is asked.

import { covers, formatPrefix, isPrefix4, type Prefix } from '../../../common/address.js';

export interface NaiveClaim {
  readonly prefix: Prefix;
  readonly origin: string;
  /** Wall clock seconds; Infinity = for ever. */
  readonly expires: number;
  readonly forced: boolean;
  readonly alert: boolean;
}

export class ClaimsReference {
  readonly claims = new Map<string, NaiveClaim>();
  readonly allowed = new Map<string, Prefix>();
  exempt: readonly Prefix[] = [];

  put(claim: NaiveClaim): void {
    this.claims.set(keyOf(claim.prefix, claim.origin), claim);
  }

  get(prefix: Prefix, origin: string): NaiveClaim | undefined {
    return this.claims.get(keyOf(prefix, origin));
  }

  deleteWhere(gone: (claim: NaiveClaim) => boolean): void {
    for (const [key, claim] of this.claims) if (gone(claim)) this.claims.delete(key);
  }

  /** Whether the guard lets somebody list a prefix without force. */
  mayList(prefix: Prefix): boolean {
    if (isPrefix4(prefix) ? prefix.length - 96 < 8 : prefix.length < 16) return false;
    return [...this.allowed.values(), ...this.exempt].every((kept) => !covers(kept, prefix) && !covers(prefix, kept));
  }

  /**
   * Whether packets from an address are dropped. Undefined where that is left open: an exemption that a forced claim
   * overrode counts again when the claim is swept, not at the second of its end.
   */
  drops(address: Uint8Array, now: number): boolean | undefined {
    const host = { bytes: address, length: 128 };
    const on = ({ prefix, alert }: NaiveClaim): boolean => !alert && covers(prefix, host);
    const acting = [...this.claims.values()].filter(on);
    const live = acting.filter(({ expires }) => expires > now);
    if ([...this.allowed.values()].some((kept) => covers(kept, host))) return false;
    if (!this.exempt.some((kept) => covers(kept, host))) return live.length > 0;
    if (live.some(({ forced }) => forced)) return true;
    return acting.some(({ forced }) => forced) && live.length > 0 ? undefined : false;
  }

  /** Prefixes that somebody claims. */
  get distinct(): number {
    return new Set([...this.claims.values()].map(({ prefix }) => formatPrefix(prefix))).size;
  }
}

const keyOf = (prefix: Prefix, origin: string): string => `${formatPrefix(prefix)} ${origin}`;
