// SPDX-License-Identifier: Apache-2.0
// The interfaces that the programs are attached to, and what is known about each.

import { InterfaceFlag, InterfaceLayout } from '../../common/abi.gen.js';
import { IdsError } from '../../common/errors.js';
import { type BpfMap, indexKey } from './bpf-map.js';
import { closeFds } from './check.js';
import { attachEgress, detachEgress, type EgressHook, egressOf } from './egress-link.js';
import { detachLinks, type LinkPlace, pinnedLinks } from './links.js';
import { stripsVlan, xdpState } from './netdev.js';
import { transmits } from './tx-probe.js';
import { type AttachMode, attachXdp } from './xdp-link.js';

export interface Attachment {
  readonly name: string;
  readonly ifindex: number;
  readonly mode: 'native' | 'generic';
  /** By what the program that judges what leaves is attached; undefined: what leaves is not judged. */
  readonly egress: EgressHook | undefined;
  /** XDP_TX reaches the peer. */
  readonly tx: boolean;
  /** The interface takes VLAN tags off before the program sees them; undefined: unknown. */
  readonly vlanStripped: boolean | undefined;
  /** Why native mode was not to be had, when it was tried. */
  readonly fallback?: string;
}

interface Attached {
  readonly attachment: Attachment;
  /** Ends what is not pinned. */
  readonly release: () => void;
}

export class Attachments {
  readonly #programs: { readonly ingress: number; readonly egress: number | undefined };
  readonly #place: LinkPlace | undefined;
  readonly #interfaces: BpfMap;
  readonly #attached = new Map<string, Attached>();

  /** @param interfaces ids_interfaces, which tells the programs where XDP_TX works and what was judged coming in. */
  constructor(
    programs: { ingress: number; egress: number | undefined },
    place: LinkPlace | undefined,
    interfaces: BpfMap,
  ) {
    this.#programs = programs;
    this.#place = place;
    this.#interfaces = interfaces;
  }

  /** Attaches, or takes over the links of an earlier run. @throws IdsError INTERFACE_MISSING, INTERFACE_BUSY */
  attach(name: string, mode: AttachMode, egress: boolean | EgressHook): Attachment {
    this.#attached.get(name)?.release();
    this.#attached.delete(name);
    const link = attachXdp(name, mode, this.#programs.ingress, this.#place);
    const release = [() => closeFds([link.fd])];
    const undo = (): void => release.forEach((one) => one());
    try {
      const tx = transmits(name, link.ifindex, link.mode);
      const value = new Uint8Array(InterfaceLayout.SIZE);
      new DataView(value.buffer).setUint32(InterfaceLayout.flags, tx ? InterfaceFlag.INTERFACE_TX : 0, true);
      // Before anything is forwarded from here: it has been judged.
      this.#interfaces.put(indexKey(link.ifindex), value);
      const attachment: Attachment = {
        name,
        ifindex: link.ifindex,
        mode: link.mode,
        egress: this.#attachEgress(name, link.ifindex, egress, release),
        tx,
        vlanStripped: stripsVlan(name),
        ...(link.fallback ? { fallback: link.fallback.message } : {}),
      };
      this.#attached.set(name, { attachment, release: undo });
      return attachment;
    } catch (error) {
      undo();
      throw error;
    }
  }

  #attachEgress(
    name: string,
    ifindex: number,
    wanted: boolean | EgressHook,
    release: (() => void)[],
  ): EgressHook | undefined {
    const { egress } = this.#programs;
    if (wanted === false || egress === undefined) {
      if (this.#place !== undefined) detachEgress(this.#place, ifindex);
      return undefined;
    }
    const made = attachEgress(name, egress, this.#place, wanted === true ? undefined : wanted);
    release.push(made.release);
    return made.hook;
  }

  /** By this or an earlier run; interfaces that are gone are left out. */
  list(): Attachment[] {
    if (this.#place === undefined) return [...this.#attached.values()].map(({ attachment }) => attachment);
    const { path } = this.#place;
    return pinnedLinks(path).map(({ name, ifindex }) => {
      const known = this.#attached.get(name)?.attachment;
      // A filter can be taken away by anybody.
      const egress = egressOf(path, ifindex);
      if (known !== undefined && known.ifindex === ifindex) return { ...known, egress };
      const flags = this.#interfaces.get(indexKey(ifindex))?.[InterfaceLayout.flags] ?? 0;
      const mode = xdpState(ifindex).mode === 'native' ? 'native' : 'generic';
      const tx = (flags & InterfaceFlag.INTERFACE_TX) !== 0;
      return { name, ifindex, mode, egress, tx, vlanStripped: stripsVlan(name) };
    });
  }

  /** @throws IdsError NOT_FOUND if nothing of ours is attached there. */
  detach(name: string): void {
    const attached = this.#attached.get(name);
    this.#attached.delete(name);
    if (attached !== undefined) {
      attached.release();
      this.#interfaces.delete(indexKey(attached.attachment.ifindex));
    }
    const detached = this.#place === undefined ? [] : detachLinks([this.#place.path], name);
    if (attached === undefined && detached.length === 0) {
      throw new IdsError('NOT_FOUND', `nothing is attached to interface ${name}`);
    }
  }

  /** Private links end here; pinned ones stay. */
  close(): void {
    for (const { release } of this.#attached.values()) release();
    this.#attached.clear();
  }
}
