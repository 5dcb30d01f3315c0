// SPDX-License-Identifier: Apache-2.0
// The structure automaton in TypeScript: what each byte of a section is.

import { Region, StructureBit as Bit } from '../../common/abi.gen.js';
import { buildStructure, type Structure, type StructureNames } from '../../engine/layer7/structure/automaton.js';
import { byteClasses } from '../../engine/layer7/structure/byte-classes.js';

export interface Labelled {
  /** Region of each byte, with the bit of masked ones, up to the end of the section. */
  readonly labels: Uint8Array;
  readonly ended: boolean;
  /** IDS_STRUCTURE_BARE, IDS_STRUCTURE_ODD_LINE, IDS_STRUCTURE_ODD_HEADERS */
  readonly odd: number;
}

const built = new Map<StructureNames, Structure>();

/** An edge: offset << 8 | region. */
export function labelsOf(edges: Iterable<number>, length: number): Uint8Array {
  const labels = new Uint8Array(length);
  for (const edge of edges) labels.fill(edge & 0xff, edge >>> 8);
  return labels;
}

export function runStructure(names: StructureNames, bytes: Uint8Array, start: number): Labelled & { edges: number[] } {
  const structure = built.get(names) ?? buildStructure(names);
  built.set(names, structure);
  const edges: number[] = [];
  let [state, odd] = [start, 0];
  for (let at = 0; at < bytes.length; at++) {
    const step = structure.steps[state]?.[byteClasses[bytes[at] ?? 0] ?? 0] ?? 0;
    state = step & Bit.STRUCTURE_STATE;
    odd |= step & (Bit.STRUCTURE_BARE | Bit.STRUCTURE_ODD_LINE | Bit.STRUCTURE_ODD_HEADERS);
    const { region, back } = structure.states[state] ?? { region: 0, back: 0 };
    if (step & Bit.STRUCTURE_END) return { labels: labelsOf(edges, at + 1), ended: true, odd, edges };
    if (step & Bit.STRUCTURE_EDGE) edges.push(((at - back) << 8) | region);
  }
  return { labels: labelsOf(edges, bytes.length), ended: false, odd, edges };
}

/** The section with masked bytes replaced, as Latin-1. */
export function mask(bytes: Uint8Array, labels: Uint8Array): string {
  const masked = labels.map((label, at) => (label & Region.MASKED ? 0x2a : (bytes[at] ?? 0)));
  return Buffer.from(masked).toString('latin1');
}
