// SPDX-License-Identifier: Apache-2.0
// IP reputation: which category has which score for an address, from lists in Suricata's format. Each line of a list is
// `ADDRESS or PREFIX,CATEGORY NUMBER,SCORE`; a second file names the categories: `NUMBER,NAME,DESCRIPTION`.

import { resolveAddresses, addressDomain } from './addresses.js';
import type { AddressSet, Problem, RuleSource } from './ast.js';
import { eachSetting } from './classification.js';
import { union, type Interval } from './sets.js';

export const MAX_SCORE = 127;
const MAX_CATEGORY = 60;

/** Where reputation comes from. */
export interface ReputationSources {
  readonly categories: RuleSource;
  readonly lists: readonly RuleSource[];
}

interface Scored extends Interval {
  readonly score: number;
}

export class Reputation {
  /** Numbers of categories by name. */
  readonly categories: ReadonlyMap<string, number>;
  readonly problems: readonly Problem[];
  readonly #scored: ReadonlyMap<number, readonly Scored[]>;
  readonly #sets = new Map<string, AddressSet>();

  constructor({ categories, lists }: ReputationSources) {
    const problems: Problem[] = [];
    this.categories = readCategories(categories, problems);
    const known = new Set(this.categories.values());
    const scored = new Map<number, Scored[]>();
    for (const list of lists) problems.push(...readList(list, known, scored));
    this.#scored = new Map([...scored].map(([category, all]) => [category, flat(all)]));
    this.problems = problems;
  }

  /** Addresses of a category whose score is `lo` to `hi`; the longest prefix decides. */
  having(category: number, lo: number, hi: number): AddressSet {
    const key = `${category} ${lo} ${hi}`;
    let set = this.#sets.get(key);
    if (set === undefined) {
      const found = (this.#scored.get(category) ?? []).filter(({ score }) => score >= lo && score <= hi);
      this.#sets.set(key, (set = union(found.map(({ from, to }) => ({ from, to })))));
    }
    return set;
  }
}

function readCategories(source: RuleSource, problems: Problem[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  problems.push(
    ...eachSetting(source, (text) => {
      const [, number = '0', name = ''] = /^(\d{1,3})\s*,\s*([^\s,]+)\s*(?:,.*)?$/.exec(text) ?? [];
      if (Number(number) < 1 || Number(number) > MAX_CATEGORY) {
        const remedy = `write NUMBER,NAME,DESCRIPTION with a number from 1 to ${MAX_CATEGORY}`;
        return { cause: 'not a category of reputation', remedy };
      }
      found.set(name, Number(number));
      return undefined;
    }),
  );
  return found;
}

const noVariables = addressDomain({});

function readList(source: RuleSource, known: ReadonlySet<number>, scored: Map<number, Scored[]>): Problem[] {
  return eachSetting(source, (text) => {
    const [, where = '', category = '', score = ''] =
      /^([0-9a-fA-F.:/]+)\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})$/.exec(text) ?? [];
    const found = where === '' ? undefined : resolveAddresses(where, noVariables);
    if (found === undefined || !('set' in found) || Number(score) > MAX_SCORE) {
      return {
        cause: 'not an entry of a reputation list',
        remedy: `write ADDRESS,CATEGORY,SCORE with a score from 0 to ${MAX_SCORE}`,
      };
    }
    if (!known.has(Number(category))) {
      return { cause: `there is no category ${category}`, remedy: 'name it in the file of categories' };
    }
    const list = scored.get(Number(category)) ?? [];
    scored.set(Number(category), list);
    for (const { from, to } of found.set) list.push({ from, to, score: Number(score) });
    return undefined;
  });
}

/** Disjoint ranges, where the entries are nested: of two that hold an address, the smaller one counts, of equal ones the last. */
function flat(all: readonly Scored[]): readonly Scored[] {
  const order = all.map((one, index) => ({ ...one, index }));
  order.sort((a, b) =>
    a.from < b.from ? -1 : a.from > b.from ? 1 : a.to > b.to ? -1 : a.to < b.to ? 1 : a.index - b.index,
  );
  const out: Scored[] = [];
  const open: Scored[] = [];
  let at = 0n;
  const close = (until: bigint): void => {
    for (let top = open.at(-1); top !== undefined && top.to < until; top = open.at(-1)) {
      if (at <= top.to) out.push({ from: at, to: top.to, score: top.score });
      if (top.to >= at) at = top.to + 1n;
      open.pop();
    }
  };
  for (const { from, to, score } of order) {
    close(from);
    const top = open.at(-1);
    if (top !== undefined && at < from) out.push({ from: at, to: from - 1n, score: top.score });
    at = from;
    open.push({ from, to, score });
  }
  close((1n << 128n) + 1n);
  return out;
}
