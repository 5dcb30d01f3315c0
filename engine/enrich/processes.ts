// SPDX-License-Identifier: Apache-2.0
// The process of this host at one end of a connection: the kernel names the socket, /proc who holds it.

import { networkInterfaces } from 'node:os';
import type { Detection, DetectionProcess } from '../../alerts/index.js';
import { formatAddress, parseAddress } from '../../common/address.js';
import type { KernelSocket, SocketEnds } from '../bpf/index.js';
import type { Owner, SocketOwners } from './socket-owners.js';

/** Ends that are asked for in a second. */
const LOOKUPS = 2000;
/** Milliseconds that addresses of this host are taken to stay the same. */
const ADDRESSES_MS = 5000;

const TCP = 6;
const NOBODY = parseAddress('::');
const protocols: Readonly<Record<string, 6 | 17 | undefined>> = { TCP: 6, UDP: 17 };

export interface ProcessesOptions {
  readonly sockets: { find(ends: SocketEnds): KernelSocket | undefined };
  readonly owners: Pick<SocketOwners, 'ownerOf' | 'counts'>;
  /** Addresses of this host in canonical text. */
  readonly addresses?: () => ReadonlySet<string>;
  /** Milliseconds. */
  readonly now?: () => number;
}

function ownAddresses(): ReadonlySet<string> {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return new Set(all.map(({ address }) => formatAddress(parseAddress(address.split('%')[0] ?? address))));
}

export class Processes {
  readonly #options: ProcessesOptions;
  readonly #now: () => number;
  #addresses: ReadonlySet<string> = new Set();
  #refreshed = -Infinity;
  #second = NaN;
  #left = 0;
  /** `process_skipped`: more ends were to be asked for in a second than that. */
  readonly counts = { process_lookups: 0, process_found: 0, process_skipped: 0 };

  constructor(options: ProcessesOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Of an alert between this host and another the own end; within the host the one that the packet is for. */
  of(d: Detection): DetectionProcess | undefined {
    const proto = protocols[d.proto];
    if (proto === undefined || d.sport === undefined || d.dport === undefined) return undefined;
    const own = this.#own();
    return (
      (own.has(d.dst) ? this.#at(d, proto, 'dst') : undefined) ??
      (own.has(d.src) ? this.#at(d, proto, 'src') : undefined)
    );
  }

  #own(): ReadonlySet<string> {
    const now = this.#now();
    if (now - this.#refreshed >= ADDRESSES_MS) {
      this.#addresses = (this.#options.addresses ?? ownAddresses)();
      this.#refreshed = now;
    }
    return this.#addresses;
  }

  #may(): boolean {
    const second = Math.floor(this.#now() / 1000);
    if (second !== this.#second) [this.#second, this.#left] = [second, LOOKUPS];
    if (this.#left === 0) {
      this.counts.process_skipped++;
      return false;
    }
    this.#left--;
    return true;
  }

  #at(d: Detection, proto: 6 | 17, end: 'src' | 'dst'): DetectionProcess | undefined {
    if (!this.#may()) return undefined;
    const { src, dst, sport = 0, dport = 0, ipVersion } = d;
    const [local, localPort, remote, remotePort] = end === 'src' ? [src, sport, dst, dport] : [dst, dport, src, sport];
    const own = { proto, ipVersion, local: parseAddress(local), localPort };
    const found =
      this.#ask({ ...own, remote: parseAddress(remote), remotePort }) ??
      // A connection that was closed by now, or so new that nobody was seen to hold it: whoever takes such connections.
      (end === 'dst' && proto === TCP ? this.#ask({ ...own, remote: NOBODY, remotePort: 0 }) : undefined);
    if (found) this.counts.process_found++;
    return found && { end, ...found };
  }

  #ask(ends: SocketEnds): (Owner & { readonly uid: number }) | undefined {
    this.counts.process_lookups++;
    const socket = this.#options.sockets.find(ends);
    const owner = socket && this.#options.owners.ownerOf(socket.inode);
    return owner && { ...owner, uid: socket.uid };
  }
}
