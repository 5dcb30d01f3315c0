// SPDX-License-Identifier: Apache-2.0
// What an origin lists, as columns: made of a batch, merged with what it listed before.

import type { BatchExtra, CreatedColumns, PrefixBatch } from '../prefix-batch.js';
import { Groups, type GroupValue } from './groups.js';
import { compareKeys, copyKey, makeKeys, noKeys4, noKeys6, pairOf, trimKeys, type KeyPair, type Keys } from './keys.js';
import { SLICE, type Work } from './slices.js';

/** Sorted keys with the group of each; no column = group 0. */
export interface Column {
  readonly keys: Keys;
  readonly group: Uint32Array | undefined;
}

export interface Content {
  readonly four: Column;
  readonly six: Column;
  readonly groups: Groups;
}

export const emptyContent = (): Content => ({
  four: { keys: noKeys4, group: undefined },
  six: { keys: noKeys6, group: undefined },
  groups: new Groups(),
});

export function countOf({ four, six }: Content): number {
  return four.keys.len.length + six.keys.len.length;
}

function* describe(
  count: number,
  expires: Float64Array,
  reason: Uint32Array,
  reasons: readonly string[],
  groups: Groups,
  common: GroupValue,
  created?: Float64Array,
): Work<Uint32Array> {
  const group = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const end = expires[i] ?? NaN;
    const why = reason[i] ?? 0;
    if (!Number.isNaN(end) || why !== 0 || created) {
      group[i] = groups.add({
        ...common,
        created: created?.[i] ?? common.created,
        expires: Number.isNaN(end) ? common.expires : end,
        reason: why === 0 ? common.reason : (reasons[why] ?? ''),
      });
    }
    if (i % SLICE === SLICE - 1) yield;
  }
  return group;
}

/** A batch as content; what entries do not say themselves is `common`. */
export function* contentOf(batch: PrefixBatch, common: GroupValue, created?: CreatedColumns): Work<Content> {
  const { four, six } = pairOf(batch);
  const groups = new Groups();
  groups.add(common);
  const extra: BatchExtra | undefined = batch.extra;
  if (!extra) return { four: { keys: four, group: undefined }, six: { keys: six, group: undefined }, groups };
  const group4 = yield* describe(
    four.len.length,
    extra.expires4,
    extra.reason4,
    extra.reasons,
    groups,
    common,
    created?.four,
  );
  const group6 = yield* describe(
    six.len.length,
    extra.expires6,
    extra.reason6,
    extra.reasons,
    groups,
    common,
    created?.six,
  );
  return { four: { keys: four, group: group4 }, six: { keys: six, group: group6 }, groups };
}

/** The entries of a column that are not in `gone` (a byte an entry). */
export function without(column: Column, gone: Uint8Array): Column {
  const { keys, group } = column;
  const left = makeKeys(keys.words, keys.len.length);
  const groups = group && new Uint32Array(keys.len.length);
  let count = 0;
  for (let i = 0; i < keys.len.length; i++) {
    if (gone[i]) continue;
    copyKey(left, count, keys, i);
    if (groups) groups[count] = group[i] ?? 0;
    count++;
  }
  return { keys: trimKeys(left, count), group: groups?.slice(0, count) };
}

export interface MergeOptions {
  /** Only what is put stays; entries that stay keep the time at which they were listed first. */
  readonly replace: boolean;
  /** Taken out of the old content. */
  readonly drop?: KeyPair | undefined;
}

export interface Merged {
  readonly content: Content;
  readonly added: number;
  readonly kept: number;
  /** In the old content and not in the new one. */
  readonly removed: KeyPair;
}

interface Side {
  readonly column: Column;
  readonly added: number;
  readonly kept: number;
  readonly removed: Keys;
}

/** Numbers of old and put groups in the table of the merged content. */
class Translation {
  readonly #to: Groups;
  readonly #old: Groups;
  readonly #put: Groups;
  readonly #known = new Map<number, number>();

  constructor(to: Groups, old: Groups, put: Groups) {
    this.#to = to;
    this.#old = old;
    this.#put = put;
  }

  #lookup(key: number, make: () => GroupValue): number {
    let group = this.#known.get(key);
    if (group === undefined) this.#known.set(key, (group = this.#to.add(make())));
    return group;
  }

  old(group: number): number {
    return this.#lookup(-1 - group, () => this.#old.value(group));
  }

  put(group: number): number {
    return this.#lookup(group, () => this.#put.value(group));
  }

  /** What is put, listed since the old one was. */
  both(old: number, put: number): number {
    return this.#lookup((old + 1) * 0x100000000 + put, () => ({
      ...this.#put.value(put),
      created: this.#old.created(old),
    }));
  }
}

function* mergeSide(
  old: Column,
  put: Column,
  drop: Keys | undefined,
  replace: boolean,
  translate: Translation,
): Work<Side> {
  const a = old.keys;
  const b = put.keys;
  const merged = makeKeys(a.words, (replace ? 0 : a.len.length) + b.len.length);
  const group = new Uint32Array(merged.len.length);
  const removed = makeKeys(a.words, replace ? a.len.length : (drop?.len.length ?? 0));
  let [count, kept, gone, steps] = [0, 0, 0, 0];
  for (let i = 0, j = 0, d = 0; i < a.len.length || j < b.len.length;) {
    if (++steps % SLICE === 0) yield;
    const order = i === a.len.length ? 1 : j === b.len.length ? -1 : compareKeys(a, i, b, j);
    if (order >= 0) {
      copyKey(merged, count, b, j);
      const own = put.group?.[j] ?? 0;
      group[count++] = order === 0 && replace ? translate.both(old.group?.[i] ?? 0, own) : translate.put(own);
      if (order === 0) {
        kept++;
        i++;
      }
      j++;
      continue;
    }
    let dropped = replace;
    if (drop) {
      while (d < drop.len.length && compareKeys(drop, d, a, i) < 0) d++;
      dropped ||= d < drop.len.length && compareKeys(drop, d, a, i) === 0;
    }
    if (dropped) copyKey(removed, gone++, a, i);
    else {
      copyKey(merged, count, a, i);
      group[count++] = translate.old(old.group?.[i] ?? 0);
    }
    i++;
  }
  return {
    column: { keys: trimKeys(merged, count), group: group.length === count ? group : group.slice(0, count) },
    added: b.len.length - kept,
    kept,
    removed: trimKeys(removed, gone),
  };
}

function slim(column: Column, groups: Groups): Column {
  return groups.count > 1 ? column : { keys: column.keys, group: undefined };
}

/** Merges what is put into the old content; of a prefix in both, what is put counts. Neither is changed. */
export function* mergeContents(old: Content, put: Content, { replace, drop }: MergeOptions): Work<Merged> {
  if (countOf(old) === 0) {
    put.groups.seal();
    return { content: put, added: countOf(put), kept: 0, removed: { four: noKeys4, six: noKeys6 } };
  }
  const groups = new Groups();
  const translate = new Translation(groups, old.groups, put.groups);
  const four = yield* mergeSide(old.four, put.four, drop?.four, replace, translate);
  const six = yield* mergeSide(old.six, put.six, drop?.six, replace, translate);
  groups.seal();
  return {
    content: { four: slim(four.column, groups), six: slim(six.column, groups), groups },
    added: four.added + six.added,
    kept: four.kept + six.kept,
    removed: { four: four.removed, six: six.removed },
  };
}
