// SPDX-License-Identifier: Apache-2.0
// The fewest prefixes that give every address its class under longest match: a nested prefix overrules the one around
// it, so an exception in a network costs one entry and not a split of the whole network. Two passes over the binary
// tree of the borders (the classical routing table aggregation): upwards, the classes that a node could hand down for
// free; downwards, an entry wherever what is handed down is none of them.

/** Spans of the 128-bit space, in order and without gaps: span i begins at starts[i] and has classes[i]. */
export interface Spans {
  readonly starts: bigint[];
  readonly classes: number[];
}

export interface PrefixEntry {
  readonly base: bigint;
  readonly length: number;
  readonly key: number;
}

interface Node {
  /** Classes that cost no more than any other here; sorted. */
  readonly best: readonly number[];
  readonly low?: Node;
  readonly high?: Node;
}

/** More candidates are not remembered: the result stays right and is at worst a little longer. */
const MAX_CANDIDATES = 16;

function combine(a: readonly number[], b: readonly number[]): number[] {
  const both = a.filter((key) => b.includes(key));
  if (both.length > 0) return both;
  return [...new Set([...a, ...b])].slice(0, MAX_CANDIDATES);
}

/** Prefix entries for `spans`; `rest` is the class of what no entry covers. */
export function coverSpans(spans: Spans): { rest: number; entries: PrefixEntry[] } {
  const { starts, classes } = spans;

  /** First index of `starts` in first..last whose span begins at or behind `address`. */
  const search = (address: bigint, first: number, last: number): number => {
    let [low, high] = [first, last];
    while (low < high) {
      const mid = (low + high) >>> 1;
      if ((starts[mid] ?? address) < address) low = mid + 1;
      else high = mid;
    }
    return low;
  };

  // Spans first..last-1 meet the node; the first may begin before it.
  const build = (base: bigint, bits: number, first: number, last: number): Node => {
    if (last - first === 1) return { best: [classes[first] ?? 0] };
    const middle = base + (1n << BigInt(bits - 1));
    const cut = search(middle, first + 1, last);
    const low = build(base, bits - 1, first, cut);
    const high = build(middle, bits - 1, starts[cut] === middle ? cut : cut - 1, last);
    return { best: combine(low.best, high.best), low, high };
  };

  const entries: PrefixEntry[] = [];
  const emit = (node: Node, base: bigint, bits: number, inherited: number): void => {
    let handed = inherited;
    if (!node.best.includes(inherited)) {
      handed = node.best[0] ?? 0;
      entries.push({ base, length: 128 - bits, key: handed });
    }
    if (node.low) emit(node.low, base, bits - 1, handed);
    if (node.high) emit(node.high, base + (1n << BigInt(bits - 1)), bits - 1, handed);
  };

  const root = build(0n, 128, 0, starts.length);
  const rest = root.best[0] ?? 0;
  emit(root, 0n, 128, rest);
  return { rest, entries };
}
