// SPDX-License-Identifier: Apache-2.0
// Which process holds a socket, from /proc/PID/fd (proc_pid_fd(5)): looked through at most once a second, and only for
// so long; what was not got to has its turn the next time.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface Owner {
  readonly pid: number;
  readonly name: string;
  readonly executable?: string;
  readonly cgroup?: string;
}

export interface SocketOwnersOptions {
  readonly proc?: string;
  /** Milliseconds between two looks, and that one may take. */
  readonly interval?: number;
  readonly budget?: number;
  /** Milliseconds. */
  readonly now?: () => number;
}

/** Sockets that are remembered. */
const SOCKETS = 262_144;
/** Processes of which facts are kept. */
const FACTS = 4096;

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    // The process, or what was to be read of it, is gone.
    return undefined;
  }
}

export class SocketOwners {
  readonly #proc: string;
  readonly #interval: number;
  readonly #budget: number;
  readonly #now: () => number;
  #last = -Infinity;
  /** Sockets by inode; processes by the number of the look that got to them. */
  #sockets = new Map<number, number>();
  #looked = new Map<number, number>();
  /** What was read of processes, and when. */
  readonly #facts = new Map<number, { readonly at: number; readonly owner: Owner | undefined }>();
  /** `process_cut`: looks that ran out of time. */
  readonly counts = { process_scans: 0, process_cut: 0 };

  constructor({
    proc = '/proc',
    interval = 1000,
    budget = 20,
    now = () => performance.now(),
  }: SocketOwnersOptions = {}) {
    this.#proc = proc;
    this.#interval = interval;
    this.#budget = budget;
    this.#now = now;
  }

  /** Looks before anybody asks, for `budget` milliseconds at most. */
  prepare(budget: number): void {
    this.#look(budget);
  }

  /** The process that holds the socket of this inode; of several that share it, one. */
  ownerOf(inode: number): Owner | undefined {
    if (!this.#sockets.has(inode) && this.#now() - this.#last >= this.#interval) this.#look(this.#budget);
    const pid = this.#sockets.get(inode);
    if (pid === undefined) return undefined;
    const now = this.#now();
    const known = this.#facts.get(pid);
    if (known && now - known.at < this.#interval) return known.owner;
    const owner = this.#read(pid);
    if (this.#facts.size >= FACTS) this.#facts.clear();
    this.#facts.set(pid, { at: now, owner });
    return owner;
  }

  /**
   * Processes that were not there the last time first, the newest of them first; then those that had sockets, and the
   * others, looked at longest ago first.
   */
  #order(): number[] {
    const pids = (attempt(() => readdirSync(this.#proc)) ?? []).filter((name) => /^\d+$/.test(name)).map(Number);
    const holders = new Set(this.#sockets.values());
    const rank = (pid: number): number => {
      const looked = this.#looked.get(pid);
      return looked === undefined ? -1 : holders.has(pid) ? looked : looked + this.counts.process_scans;
    };
    const ranks = new Map(pids.map((pid) => [pid, rank(pid)]));
    return pids.sort((a, b) => (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0) || b - a);
  }

  #look(budget: number): void {
    const started = this.#now();
    const order = this.#order();
    const look = ++this.counts.process_scans;
    const sockets = new Map<number, number>();
    const looked = new Map<number, number>();
    let cut = false;
    for (const pid of order) {
      cut ||= this.#now() - started > budget || sockets.size >= SOCKETS;
      if (cut) {
        const before = this.#looked.get(pid);
        if (before !== undefined) looked.set(pid, before);
        continue;
      }
      looked.set(pid, look);
      for (const inode of this.#inodes(pid)) sockets.set(inode, pid);
    }
    if (cut) {
      this.counts.process_cut++;
      for (const [inode, pid] of this.#sockets) {
        const stale = looked.get(pid) === look || !looked.has(pid) || sockets.size >= SOCKETS;
        if (!stale && !sockets.has(inode)) sockets.set(inode, pid);
      }
    }
    this.#sockets = sockets;
    this.#looked = looked;
    this.#last = this.#now();
  }

  #inodes(pid: number): number[] {
    const folder = `${this.#proc}/${pid}/fd`;
    return (attempt(() => readdirSync(folder)) ?? []).flatMap((fd) => {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(attempt(() => readlinkSync(`${folder}/${fd}`)) ?? '') ?? [];
      return inode === undefined ? [] : [Number(inode)];
    });
  }

  #read(pid: number): Owner | undefined {
    const folder = `${this.#proc}/${pid}`;
    const name = attempt(() => readFileSync(`${folder}/comm`, 'utf8').trimEnd());
    if (name === undefined) return undefined;
    const executable = attempt(() => readlinkSync(`${folder}/exe`));
    // The unified hierarchy's line: cgroups(7).
    const [, cgroup] = /^0::(.*)$/m.exec(attempt(() => readFileSync(`${folder}/cgroup`, 'utf8')) ?? '') ?? [];
    return {
      pid,
      name,
      ...(executable === undefined ? {} : { executable }),
      ...(cgroup === undefined ? {} : { cgroup }),
    };
  }
}
