// SPDX-License-Identifier: Apache-2.0
// Threshold state of engine-placed rules: Suricata 8's semantics, exact, on the time of events. What an attacker can
// make is bounded: when the table is full, the rule that fills it most gives up its oldest window, and that is counted.

import { Threshold, Track, Unique } from '../../common/abi.gen.js';
import type { Suppression } from '../ast.js';
import type { EngineThreshold } from './program.js';
import { holdsAddress } from './tests.js';

/** Addresses and ports of the packet that carried the request. */
export interface PacketTuple {
  readonly src: bigint;
  readonly dst: bigint;
  /** Both 0 if it has none. */
  readonly sport: number;
  readonly dport: number;
  /** IP protocol number. */
  readonly proto: number;
}

/**
 * `no`: as if the rule had not matched; `silent`: it acts without alerting; `alert`: it acts and alerts; `rated`: it does
 * what its rate_filter says, and alerts.
 */
export type Outcome = 'no' | 'silent' | 'alert' | 'rated';

export interface Checked {
  readonly outcome: Outcome;
  /** Matches (or distinct values) of this window so far. */
  readonly count: number;
}

interface Window {
  /** Event time in nanoseconds at which it began. */
  start: number;
  count: number;
  /** Next count that alerts (backoff). */
  next: number;
  seen: Set<number | bigint> | undefined;
  /** Whole seconds at which a rate_filter came into force. */
  rated?: number | undefined;
}

export interface ThresholdLimits {
  readonly windows: number;
  /** Distinct values remembered in all windows together. */
  readonly values: number;
}

const DEFAULT_LIMITS: ThresholdLimits = { windows: 65536, values: 1048576 };
const NANOSECONDS = 1e9;
const MAX_COUNT = 0xffffffff;

/** Two addresses as one key, in either order. */
export function pair(a: bigint, b: bigint): bigint {
  return a < b ? (a << 128n) | b : (b << 128n) | a;
}

function trackKey(track: Track, packet: PacketTuple): bigint {
  switch (track) {
    case Track.SRC:
      return packet.src;
    case Track.DST:
      return packet.dst;
    case Track.BOTH:
      return pair(packet.src, packet.dst);
    case Track.RULE:
      return 0n;
    case Track.FLOW: {
      const swap = packet.src > packet.dst || (packet.src === packet.dst && packet.sport > packet.dport);
      const [low, high] = swap ? [packet.dport, packet.sport] : [packet.sport, packet.dport];
      return (pair(packet.src, packet.dst) << 40n) | BigInt(low * 2 ** 24 + high * 256 + packet.proto);
    }
  }
}

function uniqueValue(unique: Unique, packet: PacketTuple): number | bigint | undefined {
  switch (unique) {
    case Unique.SRC_PORT:
      return packet.sport;
    case Unique.DST_PORT:
      return packet.dport;
    case Unique.SRC_IP:
      return packet.src;
    case Unique.DST_IP:
      return packet.dst;
    case Unique.NONE:
      return undefined;
  }
}

/** The windows of all rules; rules are known by EngineThreshold.name, so that state outlives a reload. */
export class ThresholdTable {
  readonly #limits: ThresholdLimits;
  readonly #rules = new Map<string, Map<bigint, Window>>();
  #windows = 0;
  #values = 0;
  #evicted = 0;

  constructor(limits: ThresholdLimits = DEFAULT_LIMITS) {
    this.#limits = limits;
  }

  /** Windows held, distinct values held, windows given up because the table was full. */
  get stats(): { readonly windows: number; readonly values: number; readonly evicted: number } {
    return { windows: this.#windows, values: this.#values, evicted: this.#evicted };
  }

  /** Forgets rules that are not among `names`. */
  retain(names: ReadonlySet<string>): void {
    for (const [name, windows] of this.#rules) {
      if (names.has(name)) continue;
      for (const window of windows.values()) this.#forget(window);
      this.#rules.delete(name);
    }
  }

  /** Counts one match of a rule. */
  check(spec: EngineThreshold, packet: PacketTuple, timeNs: number): Checked {
    const windows = this.#of(spec.name);
    const key = trackKey(spec.track, packet);
    let window = windows.get(key);
    if (window && spec.rate) return rateFilter(spec, spec.rate.timeout, window, timeNs);
    const value = uniqueValue(spec.unique, packet);
    const fresh = window === undefined;
    if (window === undefined) {
      this.#makeRoom();
      window = { start: timeNs, count: 0, next: spec.count, seen: undefined };
      windows.set(key, window);
      this.#windows++;
    } else if (spec.type !== Threshold.BACKOFF && timeNs > window.start + spec.seconds * NANOSECONDS) {
      // A window that began anew moves to the end: the first one of a rule is always its oldest.
      windows.delete(key);
      windows.set(key, window);
      this.#values -= window.seen?.size ?? 0;
      window.seen = undefined;
      window.start = timeNs;
      window.count = 0;
    }
    this.#count(spec, window, value);
    return decide(spec, window, fresh);
  }

  #of(name: string): Map<bigint, Window> {
    let windows = this.#rules.get(name);
    if (windows === undefined) this.#rules.set(name, (windows = new Map<bigint, Window>()));
    return windows;
  }

  #count(spec: EngineThreshold, window: Window, value: number | bigint | undefined): void {
    if (value === undefined) {
      window.count = Math.min(window.count + 1, MAX_COUNT);
      return;
    }
    // Beyond count + 1 distinct values the outcome cannot change any more.
    if (window.count > spec.count || window.seen?.has(value)) return;
    (window.seen ??= new Set<number | bigint>()).add(value);
    window.count++;
    if (++this.#values > this.#limits.values) this.#evict(window);
  }

  #makeRoom(): void {
    if (this.#windows >= this.#limits.windows) this.#evict(undefined);
  }

  /** Gives up the oldest window of the rule that holds the most, never `keep`. */
  #evict(keep: Window | undefined): void {
    let fullest: Map<bigint, Window> | undefined;
    for (const windows of this.#rules.values()) if (windows.size > (fullest?.size ?? 0)) fullest = windows;
    for (const [key, window] of fullest ?? []) {
      if (window === keep) continue;
      fullest?.delete(key);
      this.#forget(window);
      this.#evicted++;
      return;
    }
  }

  #forget(window: Window): void {
    this.#windows--;
    this.#values -= window.seen?.size ?? 0;
  }
}

function decide(spec: EngineThreshold, window: Window, fresh: boolean): Checked {
  const { count } = window;
  switch (spec.type) {
    case Threshold.LIMIT:
      return { outcome: count <= spec.count ? 'alert' : 'silent', count };
    case Threshold.THRESHOLD:
      if (count < spec.count) return { outcome: 'no', count };
      window.count = 0;
      return { outcome: 'alert', count };
    case Threshold.BOTH:
      return { outcome: count < spec.count ? 'no' : count === spec.count ? 'alert' : 'silent', count };
    case Threshold.DETECTION:
      return { outcome: count > spec.count ? 'alert' : 'no', count };
    case Threshold.BACKOFF:
      if (count === window.next) {
        window.next = Math.min(window.next * spec.multiplier, MAX_COUNT);
        return { outcome: 'alert', count };
      }
      return { outcome: fresh ? 'no' : 'silent', count };
    case Threshold.NONE:
    case Threshold.RATE:
      return { outcome: 'alert', count };
  }
}

/** A further match of a rule with a rate_filter. */
function rateFilter(spec: EngineThreshold, timeout: number, window: Window, timeNs: number): Checked {
  const seconds = Math.floor(timeNs / NANOSECONDS);
  if (window.rated !== undefined) {
    // The match that ends it is not counted.
    if (seconds - window.rated > timeout) window.rated = undefined;
    return { outcome: window.rated === undefined ? 'alert' : 'rated', count: window.count };
  }
  if (timeNs > window.start + spec.seconds * NANOSECONDS) {
    window.start = timeNs;
    window.count = 1;
  } else window.count = Math.min(window.count + 1, MAX_COUNT);
  if (window.count > spec.count) window.rated = seconds;
  return { outcome: window.rated === undefined ? 'alert' : 'rated', count: window.count };
}

/** True if a threshold file keeps the packet from raising an alert. */
export function isSuppressed(suppress: readonly Suppression[] | undefined, packet: PacketTuple): boolean {
  if (suppress === undefined) return false;
  return suppress.some(
    ({ track, addresses }) =>
      (track !== 'dst' && holdsAddress(addresses, packet.src)) ||
      (track !== 'src' && holdsAddress(addresses, packet.dst)),
  );
}
