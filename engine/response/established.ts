// SPDX-License-Identifier: Apache-2.0
// Addresses that this host has TCP connections with, from the kernel's own tables: a forged packet cannot get in there.

import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { isMapped4 } from '../../common/address.js';

export interface EstablishedOptions {
  /** Default /proc. */
  readonly proc?: string;
  /** A reading is trusted for this many milliseconds. */
  readonly maxAge?: number;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

/** A reading may take at most this share of the time: with many sockets it is kept longer. */
const SHARE = 20;

/** ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT, LAST_ACK, CLOSING: the handshake is behind it. */
const proven = new Set(['01', '04', '05', '08', '09', '0B']);

/**
 * Adds the remote addresses of a /proc/net/tcp or tcp6 text to `found`, as the kernel prints them: words of 32 bits in
 * host order. The columns stand at fixed distances behind the first colon of a line.
 */
export function readRemotes(text: string, digits: 8 | 32, found: Set<string>): void {
  const remote = digits + 8; // from the colon: space, local address, colon, port of four digits, space
  const state = 2 * digits + 14;
  for (let end = text.indexOf('\n'), start = end + 1; start > 0 && start < text.length; start = end + 1) {
    end = text.indexOf('\n', start);
    if (end < 0) end = text.length;
    const colon = text.indexOf(':', start);
    if (colon < 0 || colon + state + 2 > end) continue;
    if (proven.has(text.slice(colon + state, colon + state + 2))) {
      found.add(text.slice(colon + remote, colon + remote + digits));
    }
  }
}

/** The text that /proc uses for an address, IPv4 without its mapping. */
function kernelText(address: Uint8Array): string {
  let text = '';
  for (let word = isMapped4(address) ? 12 : 0; word < 16; word += 4) {
    for (let i = 3; i >= 0; i--) text += (address[word + i] ?? 0).toString(16).padStart(2, '0');
  }
  return text.toUpperCase();
}

/** An IPv4 peer of a dual-stack socket, as tcp6 prints it. */
const MAPPED = '0000000000000000FFFF0000';

/** Answers whether an address has an established flow with this host, from a reading that is at most a second old. */
export class EstablishedFlows {
  readonly #proc: string;
  readonly #maxAge: number;
  readonly #now: () => number;
  #found = new Set<string>();
  #fresh = -Infinity;

  constructor(options: EstablishedOptions = {}) {
    this.#proc = options.proc ?? '/proc';
    this.#maxAge = options.maxAge ?? 1000;
    this.#now = options.now ?? (() => performance.now());
  }

  has(address: Uint8Array): boolean {
    if (this.#now() >= this.#fresh) this.#read();
    const text = kernelText(address);
    return this.#found.has(text) || (text.length === 8 && this.#found.has(MAPPED + text));
  }

  #read(): void {
    const begun = this.#now();
    const found = new Set<string>();
    for (const [name, digits] of [['tcp', 8] as const, ['tcp6', 32] as const]) {
      try {
        readRemotes(readFileSync(`${this.#proc}/self/net/${name}`, 'latin1'), digits, found);
      } catch {
        // IPv6 is off
      }
    }
    const end = this.#now();
    this.#found = found;
    this.#fresh = end + Math.max(this.#maxAge, SHARE * (end - begun));
  }
}
