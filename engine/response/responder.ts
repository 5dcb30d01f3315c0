// SPDX-License-Identifier: Apache-2.0
// From a detection to a block, or to a counted reason why not. A source that may be forged is not blocked on its word.

import type { Detection } from '../../alerts/index.js';
import { isMapped4, parseAddress } from '../../common/address.js';
import { IdsError } from '../../common/errors.js';
import type { ResponseConfig, ResponseRule } from '../config/index.js';
import type { Allowlist, Blocklist, Clock } from '../lists/index.js';
import { Escalation } from './escalation.js';
import { matchResponse } from './match.js';
import { AddressMemory } from './address-memory.js';

/** Why a matching detection blocked nobody. */
export const withheldReasons = [
  'not-unicast', // nobody is behind that address
  'allowlisted', // the operator's allowlist holds it
  'exempt', // a built-in exemption holds it
  'already-blocked', // a packet that was under way when the block was placed
  'unproven', // no handshake has proven the source, and response.unproven.ttl is 0
  'established', // unproven, and this host has a connection with the address: it may be a forgery
  'recently-proven', // likewise, with a connection of the last minutes
  'unproven-cap', // response.unproven.max sources are blocked unproven already
  'list-full', // the blocklist has no room
] as const;

export type WithheldReason = (typeof withheldReasons)[number];

export type Decision =
  | { readonly kind: 'none' }
  | { readonly kind: 'withheld'; readonly reason: WithheldReason }
  | {
      readonly kind: 'block';
      readonly address: string;
      readonly origin: string;
      readonly seconds: number;
      readonly trust: 'proven' | 'unproven';
      /** Earlier blocks of this source that are remembered. */
      readonly repeats: number;
      /** Monitor mode: counted, not done. */
      readonly would: boolean;
    };

export interface Facts {
  /** The kernel saw an established socket with this peer and the packet in its window. */
  readonly established: boolean;
}

export interface ResponderOptions {
  readonly config: ResponseConfig;
  readonly mode: 'prevent' | 'monitor';
  readonly blocklist: Pick<Blocklist, 'block' | 'blockedUntil' | 'offences' | 'noteOffence'>;
  readonly allowlist: Pick<Allowlist, 'check'>;
  /** Addresses that this host has connections with. */
  readonly established: { has(address: Uint8Array): boolean };
  readonly clock: Clock;
}

/** Proven addresses are remembered this long and this many at most. */
const PROVEN_MS = 600_000;
const PROVEN_MAX = 65_536;

/** False for addresses that no host sends from: unspecified, 0/8, multicast, broadcast and the reserved 240/4. */
function isUnicast(address: Uint8Array): boolean {
  if (isMapped4(address)) return address[12] !== 0 && (address[12] ?? 0) < 224;
  return address[0] !== 0xff && address.some((byte) => byte !== 0);
}

/** Decides on every alert whether its source goes onto the blocklist. */
export class Responder {
  readonly #options: ResponderOptions;
  readonly #escalation: Escalation;
  readonly #proven = new AddressMemory(PROVEN_MAX);
  /** Sources that are blocked though nothing proves them. */
  readonly #unproven: AddressMemory;
  /** Monitor mode: the blocks that would be in force. */
  readonly #would = new AddressMemory(PROVEN_MAX);
  readonly #counts = new Map<string, number>();

  constructor(options: ResponderOptions) {
    this.#options = options;
    this.#escalation = new Escalation(options.blocklist);
    this.#unproven = new AddressMemory(options.config.unproven.max);
  }

  /** Remembers that a handshake has proven an address: unproven packets in its name do not block it for ten minutes. */
  noteProven(address: string): void {
    this.#proven.note(address, this.#options.clock.wallMs() + PROVEN_MS);
  }

  /** Whether any detection may block its source. */
  get answers(): boolean {
    return this.#options.config.rules.length > 0;
  }

  /** @throws IdsError SYSCALL if the kernel refuses the entry */
  onDetection(detection: Detection, facts: Facts): Decision {
    // The rule's `target` names the victim; the other end is the one to stop.
    const address = detection.rule?.target === 'src_ip' ? detection.dst : detection.src;
    if (facts.established && address !== '') this.noteProven(address);
    const rule = matchResponse(this.#options.config.rules, detection);
    const decision: Decision = rule ? this.#decide(rule, detection, address, facts) : { kind: 'none' };
    if (decision.kind !== 'none') {
      const done =
        decision.kind === 'withheld' ? `withheld ${decision.reason}` : `${decision.would ? 'would-block' : 'blocked'}`;
      this.#counts.set(done, (this.#counts.get(done) ?? 0) + 1);
    }
    return decision;
  }

  #decide(rule: ResponseRule, detection: Detection, address: string, facts: Facts): Decision {
    const { config, mode, allowlist, blocklist, clock } = this.#options;
    const now = clock.wallMs();
    const withheld = (reason: WithheldReason): Decision => ({ kind: 'withheld', reason });
    if (address === '') return withheld('not-unicast');
    const bytes = parseAddress(address);
    if (!isUnicast(bytes)) return withheld('not-unicast');
    const kept = allowlist.check(bytes);
    if (kept) return withheld(kept.kind === 'allowlist' ? 'allowlisted' : 'exempt');

    const sid = detection.rule?.sid ?? 0;
    const origin = `rule:${sid}`;
    const trusted = facts.established || (rule.trust ?? config.trust) === 'unproven';
    const inForce = mode === 'monitor' ? this.#would.until(address, now) : blocklist.blockedUntil(bytes, origin);
    // A short block on suspicion gives way to one on proof; everything else was under way when the block was placed.
    const suspicion = trusted && this.#unproven.until(address, now) !== undefined;
    if (inForce !== undefined && !suspicion) return withheld('already-blocked');

    if (!trusted) {
      const doubt = this.#doubt(address, bytes, now);
      if (doubt) return withheld(doubt);
    }
    const repeats = trusted ? this.#escalation.repeats(bytes, now) : 0;
    const escalated = this.#escalation.seconds(rule, repeats);
    const seconds = trusted ? escalated : Math.min(config.unproven.ttl, escalated);
    const trust = facts.established ? 'proven' : 'unproven';
    const would = mode === 'monitor';
    if (would) {
      this.#would.note(address, now + seconds * 1000);
    } else {
      const again = repeats > 0 ? `, ${repeats + 1}. time` : '';
      try {
        blocklist.block({ bytes, length: 128 }, origin, seconds, `${detection.rule?.msg ?? ''} (${trust}${again})`);
      } catch (error) {
        if (error instanceof IdsError && error.code === 'LIST_FULL') return withheld('list-full');
        throw error;
      }
    }
    if (trusted) {
      this.#unproven.forget(address);
      this.#escalation.note(rule, bytes, seconds, now);
    } else {
      this.#unproven.note(address, now + config.unproven.ttl * 1000);
    }
    return { kind: 'block', address, origin, seconds, trust, repeats, would };
  }

  /** Why a source that nothing proves is left alone. */
  #doubt(address: string, bytes: Uint8Array, now: number): WithheldReason | undefined {
    const { unproven } = this.#options.config;
    if (unproven.ttl === 0) return 'unproven';
    if (this.#proven.until(address, now) !== undefined) return 'recently-proven';
    if (this.#options.established.has(bytes)) return 'established';
    return this.#unproven.alive(now) >= unproven.max ? 'unproven-cap' : undefined;
  }

  /** Decisions by kind since the start, and the unproven blocks in force. */
  counts(): Record<string, number> {
    const live = this.#unproven.alive(this.#options.clock.wallMs());
    return { blocked: 0, ...Object.fromEntries([...this.#counts].sort()), 'unproven in force': live };
  }
}
