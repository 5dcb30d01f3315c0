// SPDX-License-Identifier: Apache-2.0
// Reverse DNS that nobody waits for: an alert takes what is known; what is not known is asked for, for the next one.

import { NODATA, NOTFOUND, promises } from 'node:dns';
import { isIPv4 } from 'node:net';
import { parseAddress } from '../../common/address.js';

export interface ReverseNamesOptions {
  /** Resolvers as `ADDRESS` or `ADDRESS:PORT`; those of the system if empty. */
  readonly servers: readonly string[];
  /** Addresses that are remembered. */
  readonly entries: number;
  /** Questions that may be open at once. */
  readonly parallel: number;
  /** Seconds: for an answer; that a name, and that there is none, are remembered. */
  readonly timeout: number;
  readonly ttl: number;
  readonly negativeTtl: number;
  /** Milliseconds. */
  readonly now?: () => number;
}

interface Known {
  readonly name: string | undefined;
  readonly until: number;
}

/** A name as hosts have it (RFC 952, RFC 1123), with the underscore that many zones use; who owns the address writes it. */
const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*$/;

/** The name of the PTR record of an address (RFC 1035 3.5, RFC 3596 2.5). */
export function pointerName(address: string): string {
  if (isIPv4(address)) return `${address.split('.').reverse().join('.')}.in-addr.arpa`;
  const digits = Buffer.from(parseAddress(address)).toString('hex');
  return `${[...digits].reverse().join('.')}.ip6.arpa`;
}

export class ReverseNames {
  readonly #options: ReverseNamesOptions;
  readonly #resolver: promises.Resolver;
  readonly #now: () => number;
  readonly #known = new Map<string, Known>();
  readonly #asked = new Set<string>();
  /** `dns_skipped`: too many questions were open. `dns_refused`: an answer was no host name. */
  readonly counts = { dns_queries: 0, dns_names: 0, dns_failed: 0, dns_refused: 0, dns_skipped: 0, dns_cached: 0 };

  constructor(options: ReverseNamesOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#resolver = new promises.Resolver({ timeout: options.timeout * 1000, tries: 1 });
    if (options.servers.length > 0) this.#resolver.setServers([...options.servers]);
  }

  /** The name of an address if it is known by now; otherwise it is asked for. */
  nameOf(address: string): string | undefined {
    const known = this.#known.get(address);
    if (known && known.until > this.#now()) return known.name;
    this.#ask(address);
    // What was a name until now still is one while it is asked for again.
    return known?.name;
  }

  #ask(address: string): void {
    if (this.#asked.has(address)) return;
    if (this.#asked.size >= this.#options.parallel) {
      this.counts.dns_skipped++;
      return;
    }
    this.#asked.add(address);
    this.counts.dns_queries++;
    this.#resolver.resolvePtr(pointerName(address)).then(
      ([name]) => this.#answered(address, name),
      (error: unknown) => {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== NOTFOUND && code !== NODATA) this.counts.dns_failed++;
        this.#remember(address, undefined);
      },
    );
  }

  #answered(address: string, name: string | undefined): void {
    const good = name !== undefined && HOST_NAME.test(name);
    this.counts[good ? 'dns_names' : 'dns_refused']++;
    this.#remember(address, good ? name.toLowerCase() : undefined);
  }

  #remember(address: string, name: string | undefined): void {
    this.#asked.delete(address);
    this.#known.delete(address);
    if (this.#known.size >= this.#options.entries) {
      for (const [oldest] of this.#known) if (this.#known.delete(oldest)) break;
    }
    const seconds = name === undefined ? this.#options.negativeTtl : this.#options.ttl;
    this.#known.set(address, { name, until: this.#now() + seconds * 1000 });
    this.counts.dns_cached = this.#known.size;
  }

  close(): void {
    this.#resolver.cancel();
  }
}
