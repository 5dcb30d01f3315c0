// SPDX-License-Identifier: Apache-2.0
// The configured interfaces: attached at start, and again when one of them comes back with another index.

import type { Logger } from 'pino';
import { messageOf } from '../../common/errors.js';
import { type Attachment, interfaceIndex, type Kernel } from '../bpf/index.js';
import type { InterfaceConfig } from '../config/index.js';
import type { RingThread } from '../ring/ring-thread.js';

export interface InterfacesOptions {
  readonly configured: readonly InterfaceConfig[];
  readonly kernel: Kernel;
  readonly ring: RingThread;
  readonly log: Logger;
  /** Told what was attached or let go. */
  readonly onChange?: (action: 'attach' | 'detach', what: Readonly<Record<string, unknown>>) => void;
}

export class Interfaces {
  /**
   * A name that does not exist is found before programs are loaded, which takes seconds, and before one is touched.
   * @throws IdsError INTERFACE_MISSING
   */
  static look(configured: InterfacesOptions['configured']): void {
    for (const { name } of configured) interfaceIndex(name);
  }

  readonly #options: InterfacesOptions;
  /** Interfaces that are gone or cannot be attached, with why: told once each. */
  readonly #missing = new Map<string, string>();

  constructor(options: InterfacesOptions) {
    this.#options = options;
    // What an earlier daemon left in the rings is read before anything is attached.
    this.#tell();
  }

  /**
   * Takes the links of an earlier run over, attaches the rest, and lets go of interfaces that are not configured any
   * more. On failure what was newly attached is let go again.
   * @throws IdsError INTERFACE_MISSING, INTERFACE_BUSY
   */
  attach(): void {
    const { configured, kernel } = this.#options;
    const before = new Set(kernel.attachments().map(({ name }) => name));
    const fresh: string[] = [];
    try {
      for (const { name, mode, egress } of configured) {
        this.#attached(kernel.attach(name, mode, egress), before.has(name) ? 'taken over' : 'start');
        if (!before.has(name)) fresh.push(name);
      }
    } catch (error) {
      for (const name of fresh) {
        kernel.detach(name);
        this.#options.onChange?.('detach', { interface: name, cause: 'the start failed' });
      }
      throw error;
    }
    const wanted = new Set(configured.map(({ name }) => name));
    for (const name of before) {
      if (wanted.has(name)) continue;
      kernel.detach(name);
      this.#options.onChange?.('detach', { interface: name, cause: 'not configured any more' });
    }
    kernel.removePrevious();
    this.#tell();
  }

  /** Attaches to interfaces that were made anew (a VPN, a hot-plugged card). */
  refresh(): void {
    const { configured, kernel, log } = this.#options;
    const attached = new Map(kernel.attachments().map((one) => [one.name, one] as const));
    let changed = false;
    for (const { name, mode, egress } of configured) {
      try {
        const one = attached.get(name);
        if (one?.ifindex === interfaceIndex(name) && (one.egress !== undefined) === egress) {
          // Renamed or moved away, and back: its programs were never off.
          this.#missing.delete(name);
          continue;
        }
        this.#attached(kernel.attach(name, mode, egress), 'made anew');
        this.#missing.delete(name);
        changed = true;
      } catch (error) {
        const cause = messageOf(error);
        if (this.#missing.get(name) !== cause) log.warn({ interface: name, cause }, 'interface is not judged');
        this.#missing.set(name, cause);
      }
    }
    if (changed) this.#tell();
  }

  #attached(one: Attachment, cause: string): void {
    const { log, onChange } = this.#options;
    log.info(one, cause === 'made anew' ? 'attached again' : 'attached');
    const { name, ifindex, mode, egress = 'off' } = one;
    onChange?.('attach', { interface: name, ifindex, mode, egress, cause });
  }

  /** A sentence for each interface that is not judged. */
  notes(): string[] {
    return [...this.#missing].map(([name, cause]) => `${name} is not judged: ${cause}`);
  }

  #tell(): void {
    const { kernel, ring } = this.#options;
    ring.setInterfaces(
      Object.fromEntries(kernel.attachments().map(({ ifindex, name, tx }) => [ifindex, { name, tx }])),
    );
  }
}
