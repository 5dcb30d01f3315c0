// SPDX-License-Identifier: Apache-2.0
// The interfaces that the program is attached to, and what is known about each.

import { InterfaceFlag, InterfaceLayout } from '../../common/abi.gen.js';
import { IdsError } from '../../common/errors.js';
import { type BpfMap, indexKey } from './bpf-map.js';
import { closeFds } from './check.js';
import { type AttachMode, attachLink, detachLinks, type LinkPlace, pinnedLinks } from './links.js';
import { stripsVlan, xdpState } from './netdev.js';
import { transmits } from './tx-probe.js';

export interface Attachment {
  readonly name: string;
  readonly ifindex: number;
  readonly mode: 'native' | 'generic';
  /** XDP_TX reaches the peer. */
  readonly tx: boolean;
  /** The interface takes VLAN tags off before the program sees them; undefined: unknown. */
  readonly vlanStripped: boolean | undefined;
  /** Why native mode was not to be had, when it was tried. */
  readonly fallback?: string;
}

export class Attachments {
  readonly #program: number;
  readonly #place: LinkPlace | undefined;
  readonly #interfaces: BpfMap;
  readonly #attached = new Map<string, { attachment: Attachment; fd: number }>();

  /** @param interfaces ids_interfaces, which tells the program where XDP_TX works. */
  constructor(program: number, place: LinkPlace | undefined, interfaces: BpfMap) {
    this.#program = program;
    this.#place = place;
    this.#interfaces = interfaces;
  }

  /** Attaches, or takes over the link of an earlier run. @throws IdsError INTERFACE_MISSING, INTERFACE_BUSY */
  attach(name: string, mode: AttachMode): Attachment {
    const before = this.#attached.get(name);
    if (before !== undefined) closeFds([before.fd]);
    this.#attached.delete(name);
    const link = attachLink(name, mode, this.#program, this.#place);
    const tx = transmits(name, link.ifindex, link.mode);
    const attachment: Attachment = {
      name,
      ifindex: link.ifindex,
      mode: link.mode,
      tx,
      vlanStripped: stripsVlan(name),
      ...(link.fallback ? { fallback: link.fallback.message } : {}),
    };
    this.#attached.set(name, { attachment, fd: link.fd });
    const value = new Uint8Array(InterfaceLayout.SIZE);
    new DataView(value.buffer).setUint32(InterfaceLayout.flags, tx ? InterfaceFlag.INTERFACE_TX : 0, true);
    this.#interfaces.put(indexKey(link.ifindex), value);
    return attachment;
  }

  /** By this or an earlier run; interfaces that are gone are left out. */
  list(): Attachment[] {
    if (this.#place === undefined) return [...this.#attached.values()].map(({ attachment }) => attachment);
    return pinnedLinks(this.#place.path).map(({ name, ifindex }) => {
      const known = this.#attached.get(name)?.attachment;
      if (known !== undefined && known.ifindex === ifindex) return known;
      const flags = this.#interfaces.get(indexKey(ifindex))?.[InterfaceLayout.flags] ?? 0;
      const mode = xdpState(ifindex).mode === 'native' ? 'native' : 'generic';
      return { name, ifindex, mode, tx: (flags & InterfaceFlag.INTERFACE_TX) !== 0, vlanStripped: stripsVlan(name) };
    });
  }

  /** @throws IdsError NOT_FOUND if nothing of ours is attached there. */
  detach(name: string): void {
    const attached = this.#attached.get(name);
    this.#attached.delete(name);
    if (attached !== undefined) {
      closeFds([attached.fd]);
      this.#interfaces.delete(indexKey(attached.attachment.ifindex));
    }
    const detached = this.#place === undefined ? [] : detachLinks([this.#place.path], name);
    if (attached === undefined && detached.length === 0) {
      throw new IdsError('NOT_FOUND', `nothing is attached to interface ${name}`);
    }
  }

  /** Private links end here; pinned ones stay. */
  close(): void {
    closeFds([...this.#attached.values()].map(({ fd }) => fd));
    this.#attached.clear();
  }
}
