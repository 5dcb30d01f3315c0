// SPDX-License-Identifier: Apache-2.0
// The guard over a whole batch: what overlaps something that must stay reachable is found by search, not entry by entry.

import { covers, formatPrefix, isPrefix4, parsePrefix, type Prefix } from '../../common/address.js';
import { mask4 } from './batch-builder.js';
import { choose, lowerBound4, lowerBound6 } from './batch-ops.js';
import { prefix4, prefix6 } from './batch-text.js';
import { MAX_REFUSED_SHOWN, type PrefixBatch, type RefusedEntry } from './prefix-batch.js';

/** What the guard makes of a batch: the refused entries are taken out, the others go on. */
export interface BatchRefusal {
  readonly accepted: PrefixBatch;
  readonly refusedCount: number;
  /** The first of them, with the same causes as for a single prefix. */
  readonly refused: readonly RefusedEntry[];
}

export interface Floors {
  /** Shorter prefixes are refused. */
  readonly floor4: number;
  readonly floor6: number;
}

const all4 = parsePrefix('::ffff:0:0/96');

function words(prefix: Prefix): number[] {
  const view = new DataView(prefix.bytes.buffer, prefix.bytes.byteOffset);
  return [0, 4, 8, 12].map((at) => view.getUint32(at));
}

/** Marks IPv4 entries that overlap a kept IPv4 prefix. */
function mark4(batch: PrefixBatch, chosen: Uint8Array, address: number, length: number): void {
  const last = (address | ~mask4(length)) >>> 0;
  // Everything that begins within the kept prefix lies in it or begins with it.
  chosen.fill(0, lowerBound4(batch, address, 0), lowerBound4(batch, last, 33));
  for (let shorter = 0; shorter < length; shorter++) {
    const base = (address & mask4(shorter)) >>> 0;
    const at = lowerBound4(batch, base, shorter);
    if (batch.addr4[at] === base && batch.len4[at] === shorter) chosen[at] = 0;
  }
}

/** Marks IPv6 entries that overlap a kept IPv6 prefix, or (`around`) hold the whole of it. */
function mark6(batch: PrefixBatch, chosen: Uint8Array, prefix: Prefix, around: boolean): void {
  const first = words(prefix);
  const cut = (length: number): number[] =>
    first.map((word, i) => (word & mask4(Math.min(32, Math.max(0, length - 32 * i)))) >>> 0);
  if (!around) {
    const last = first.map((word, i) => (word | ~mask4(Math.min(32, Math.max(0, prefix.length - 32 * i)))) >>> 0);
    chosen.fill(0, lowerBound6(batch, first, 0), lowerBound6(batch, last, 129));
  }
  for (let shorter = 0; shorter <= prefix.length; shorter++) {
    const base = cut(shorter);
    const at = lowerBound6(batch, base, shorter);
    if (batch.len6[at] === shorter && base.every((word, i) => batch.addr6[4 * at + i] === word)) chosen[at] = 0;
  }
}

/**
 * Takes out of a batch what may not be blocked.
 * @param kept allowlist entries and exemptions
 * @param refusal why a single prefix is refused
 */
export function refuseBatch(
  batch: PrefixBatch,
  kept: readonly Prefix[],
  { floor4, floor6 }: Floors,
  refusal: (prefix: Prefix) => string | undefined,
): BatchRefusal {
  const four = batch.len4.map((length) => (length < floor4 ? 0 : 1));
  const six = batch.len6.map((length) => (length < floor6 ? 0 : 1));
  mark6(batch, six, all4, true);
  for (const prefix of kept) {
    if (isPrefix4(prefix)) {
      const address = words(prefix)[3] ?? 0;
      mark4(batch, four, address, prefix.length - 96);
    } else {
      mark6(batch, six, prefix, false);
      if (covers(prefix, all4)) four.fill(0);
    }
  }
  // Most lists name nothing of the kind: no copy of a million entries then.
  if (!four.includes(0) && !six.includes(0)) return { accepted: batch, refusedCount: 0, refused: [] };
  const accepted = choose(batch, { four, six });
  const refusedCount = batch.count - accepted.count;
  const refused: RefusedEntry[] = [];
  const tell = (prefix: Prefix): void => {
    refused.push({ prefix: formatPrefix(prefix), cause: refusal(prefix) ?? 'it may not be blocked' });
  };
  for (let i = four.indexOf(0); i >= 0 && refused.length < MAX_REFUSED_SHOWN; i = four.indexOf(0, i + 1)) {
    tell(prefix4(batch, i));
  }
  for (let i = six.indexOf(0); i >= 0 && refused.length < MAX_REFUSED_SHOWN; i = six.indexOf(0, i + 1)) {
    tell(prefix6(batch, i));
  }
  return { accepted, refusedCount, refused };
}
