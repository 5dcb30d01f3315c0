// SPDX-License-Identifier: Apache-2.0
// Lays the grams of the prefilter out as the kernel reads them: a bit map for each kind of message, and one table.

import { GramKind, GramLayout, GramPlace, L7Limit, PatternsLayout as Layout } from '../../common/abi.gen.js';
import { CapacityError } from '../compile/vectors.js';

const { GRAM_LEAST, GRAM_SHIFT, GRAM_WORDS, GRAM_HASH, GRAM_SLOT_SHIFT, GRAM_SLOTS, GRAM_PROBES } = L7Limit;

/** Bytes without which a rule of the engine cannot match a message. */
export interface Gram {
  /** GRAM_LEAST to GRAM_MOST bytes, each with bit 5 set. */
  readonly text: Uint8Array;
  /** Bit by enum ids_gram_kind: messages that it is looked for in. */
  readonly kinds: number;
  /** Where in a request it has to stand; default: anywhere. */
  readonly place?: GramPlace;
  /** Bytes of its buffer, at least and at most, and at which of them it ends at the latest; GramPlace.GRAM_FREE: any. */
  readonly least?: number;
  readonly most?: number;
  readonly until?: number;
  /** First byte, with bit 5 set, of three bytes or more that stand in the method of a request; default: whatever that is. */
  readonly method?: number;
}

export interface Grams {
  readonly list: readonly Gram[];
  /** Bit by enum ids_gram_kind: messages that are kept back where none stands. */
  readonly kinds: number;
}

/** As the kernel makes it of the first four bytes. */
function hashOf(text: Uint8Array): number {
  const word = new DataView(text.buffer, text.byteOffset).getUint32(0, true);
  return Math.imul(word, GRAM_HASH) >>> 0;
}

/**
 * Grams by slot. Where more lie side by side than the kernel looks at, those with the same beginning are cut to that: it
 * hands over more then.
 */
function slotsOf(grams: readonly Gram[]): (Gram | undefined)[] | undefined {
  let list = [...grams];
  for (let cut = 0; ; cut++) {
    const slots: (Gram | undefined)[] = [];
    const full = new Set<string>();
    for (const gram of list) {
      const first = hashOf(gram.text) >>> GRAM_SLOT_SHIFT;
      let slot = first;
      while (slots[slot] !== undefined) slot++;
      if (slot - first < GRAM_PROBES) slots[slot] = gram;
      else for (let at = first; at < slot; at++) full.add(beginning(slots[at] ?? gram));
    }
    if (full.size === 0) return slots;
    if (cut > 8) return undefined;
    const kinds = new Map<string, number>();
    for (const gram of list) {
      const key = beginning(gram);
      if (full.has(key)) kinds.set(key, (kinds.get(key) ?? 0) | gram.kinds);
    }
    list = list.filter((gram) => !full.has(beginning(gram)));
    for (const [text, of] of kinds) list.push({ text: Uint8Array.from(Buffer.from(text, 'latin1')), kinds: of });
  }
}

const beginning = ({ text }: Gram): string => Buffer.from(text.subarray(0, GRAM_LEAST)).toString('latin1');

/** True if there is room for them. */
export function gramsFit({ list }: Grams): boolean {
  return list.length <= GRAM_SLOTS / 2 && slotsOf(list) !== undefined;
}

/** Writes them into the head of a struct ids_patterns. @throws CapacityError */
export function writeGrams(table: Uint8Array<ArrayBuffer>, { list, kinds }: Grams): void {
  const slots = slotsOf(list);
  if (slots === undefined) throw new CapacityError(`grams of the prefilter: ${list.length}`);
  const view = new DataView(table.buffer, table.byteOffset);
  view.setUint32(Layout.gramKinds, kinds, true);
  slots.forEach((gram, slot) => {
    if (gram === undefined) return;
    const at = Layout.gram + slot * GramLayout.SIZE;
    table.set(gram.text, at + GramLayout.text);
    view.setUint8(at + GramLayout.length, gram.text.length);
    view.setUint8(at + GramLayout.kinds, gram.kinds);
    view.setUint8(at + GramLayout.place, gram.place ?? GramPlace.GRAM_ANYWHERE);
    view.setUint8(at + GramLayout.least, gram.least ?? 0);
    view.setUint8(at + GramLayout.most, gram.most ?? GramPlace.GRAM_FREE);
    view.setUint8(at + GramLayout.until, gram.until ?? GramPlace.GRAM_FREE);
    view.setUint8(at + GramLayout.method, gram.method ?? 0);
    const bit = hashOf(gram.text) >>> GRAM_SHIFT;
    for (let kind = 0; kind < GramKind.GRAM_KINDS; kind++) {
      if ((gram.kinds & (1 << kind)) === 0) continue;
      const word = Layout.gramMap + 4 * (kind * GRAM_WORDS + (bit >>> 5));
      view.setUint32(word, (view.getUint32(word, true) | (1 << (bit & 31))) >>> 0, true);
    }
  });
}
