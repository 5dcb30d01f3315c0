// SPDX-License-Identifier: Apache-2.0
// An origin's content as batches that say everything about their entries.

import type { ExportChunk, ListAction } from '../prefix-batch.js';
import { flagsOf } from './claim.js';
import { without, type Column, type Content } from './content.js';
import type { Groups } from './groups.js';
import { batchOf, noKeys4, noKeys6, type Keys } from './keys.js';

/** Entries of a chunk. */
const CHUNK = 65_536;

function part(keys: Keys, from: number, to: number): Keys {
  return {
    words: keys.words,
    addr: keys.addr.slice(from * keys.words, to * keys.words),
    len: keys.len.slice(from, to),
  };
}

/** Live entries with these flags. */
function living(column: Column, groups: Groups, now: number, flags: number): Column {
  let some = false;
  const wanted = new Uint8Array(groups.count);
  for (let group = 0; group < groups.count; group++) {
    wanted[group] = groups.expires(group) > now && groups.flags(group) === flags ? 1 : 0;
    some ||= wanted[group] === 0;
  }
  if (!some) return column;
  const gone = new Uint8Array(column.keys.len.length);
  for (let i = 0; i < gone.length; i++) gone[i] = wanted[column.group?.[i] ?? 0] === 1 ? 0 : 1;
  return without(column, gone);
}

/** How entries may differ for the kernel, those that drop first. */
const kinds = (['drop', 'alert'] as const).flatMap((action) =>
  [false, true].map((forced) => ({ action, forced, flags: flagsOf({ action, forced }) })),
);

/** The live entries of an origin, a kind after the other. */
export function* chunksOf(
  origin: string,
  { four, six, groups }: Content,
  now: number,
  only?: ListAction,
): Generator<ExportChunk> {
  const reasons = [''];
  const ids = new Map([['', 0]]);
  const reasonOf = new Uint32Array(groups.count);
  for (let group = 0; group < groups.count; group++) {
    const reason = groups.reason(group);
    let id = ids.get(reason);
    if (id === undefined) ids.set(reason, (id = reasons.push(reason) - 1));
    reasonOf[group] = id;
  }
  const present = new Set<number>();
  for (let group = 0; group < groups.count; group++) present.add(groups.flags(group));
  for (const { action, forced, flags } of kinds) {
    if (!present.has(flags) || (only !== undefined && action !== only)) continue;
    for (const column of [living(four, groups, now, flags), living(six, groups, now, flags)]) {
      const { words } = column.keys;
      for (let from = 0; from < column.keys.len.length; from += CHUNK) {
        const to = Math.min(column.keys.len.length, from + CHUNK);
        const keys = part(column.keys, from, to);
        const expires = new Float64Array(to - from);
        const reason = new Uint32Array(to - from);
        const created = new Float64Array(to - from);
        for (let i = from; i < to; i++) {
          const group = column.group?.[i] ?? 0;
          expires[i - from] = groups.expires(group);
          reason[i - from] = reasonOf[group] ?? 0;
          created[i - from] = groups.created(group);
        }
        const none = { expires: new Float64Array(0), reason: new Uint32Array(0) };
        const [own4, own6] = words === 1 ? [{ expires, reason }, none] : [none, { expires, reason }];
        const extra = {
          expires4: own4.expires,
          expires6: own6.expires,
          reason4: own4.reason,
          reason6: own6.reason,
          reasons,
        };
        const pair = words === 1 ? { four: keys, six: noKeys6 } : { four: noKeys4, six: keys };
        const times = words === 1 ? { four: created, six: none.expires } : { four: none.expires, six: created };
        yield { origin, action, forced, batch: { ...batchOf(pair), extra }, created: times };
      }
    }
  }
}
