// SPDX-License-Identifier: Apache-2.0
// What to look for first: by kind of message and buffer, one literal of each rule. Rules whose literal is not there are not
// looked at. Most buffers of a head stand in its bytes as sent, so that their literals are looked for in those at once.

import type { ContentMatch, Rule } from '../ast.js';
import { bufferInfo } from '../buffers.js';
import { boundsOf, inSection, leadOf, literalOf, type Bounds } from './lead.js';
import { indexLiterals, type LiteralIndex } from './literal-index.js';
import { BufferId, BUFFERS, Kind, KINDS } from './message.js';
import { isPrefix, prefixFilter, type Prefix, type PrefixFilter } from './prefixes.js';

/** Rules by their literals, in columns. */
export interface LedRules {
  readonly index: LiteralIndex;
  /** Entries of literal n: from[n] to from[n + 1] - 1. */
  readonly from: Uint32Array;
  /** By entry: the rule, and the lengths that its buffer must have. */
  readonly rules: Uint32Array;
  readonly least: Uint32Array;
  readonly most: Uint32Array;
}

/** The search in one buffer. */
export interface BufferFilter extends LedRules {
  readonly buffer: BufferId;
  readonly several: boolean;
}

/** The search in a whole head, for those of its buffers that stand in it. */
export interface WholeFilter extends LedRules {
  /** By entry, in which buffer it has to stand, and the byte of that at which it ends at the latest. */
  readonly buffers: Uint8Array;
  readonly until: Uint32Array;
  /** Short literals with which a buffer begins. */
  readonly prefixes: readonly PrefixFilter[];
  /** What is too short to be looked for in all of the head. */
  readonly tiny: readonly BufferFilter[];
  readonly always: Uint32Array;
}

/** What to look for in one kind of message. */
export interface KindFilter {
  readonly filters: readonly BufferFilter[];
  /** The same literals together, for heads that are as they were sent; undefined where messages are no heads. */
  readonly whole: WholeFilter | undefined;
  /** Rules without a literal: tried on every message. */
  readonly always: Uint32Array;
  /** Rules by the number of the kernel's pattern that is what is looked for first: it may stand in a masked value. */
  readonly led: ReadonlyMap<number, readonly number[]>;
  /** False if no rule is judged on such messages. */
  readonly used: boolean;
}

export interface Entry extends Bounds {
  readonly buffer: BufferId;
  readonly rule: number;
}

interface Wanted {
  readonly literal: Uint8Array;
  readonly entries: Entry[];
}

/** By the literal as text. */
type WantedSet = Map<string, Wanted>;

/** Buffers of a head that are short enough to be searched by themselves for a few bytes. */
const SHORT_BUFFERS: ReadonlySet<BufferId> = new Set<BufferId>([...[BufferId.URI, BufferId.HOST, BufferId.USER_AGENT]]);

/** Kinds that have the buffers of a head. */
const HEADS: ReadonlySet<number> = new Set<number>([
  ...[Kind.HTTP_REQUEST, Kind.HTTP_REQUEST_BODY, Kind.HTTP_RESPONSE, Kind.HTTP_RESPONSE_BODY],
]);

function add(set: WantedSet, key: string, literal: Uint8Array, entry: Entry): void {
  put(set, key, () => ({ literal, entries: [] as Entry[] })).entries.push(entry);
}

function ledRules(set: WantedSet): (LedRules & { readonly entries: readonly Entry[] }) | undefined {
  const list = [...set.values()];
  const index = indexLiterals(list.map(({ literal }) => literal));
  if (index === undefined) return undefined;
  const from = new Uint32Array(list.length + 1);
  list.forEach(({ entries }, number) => (from[number + 1] = (from[number] ?? 0) + entries.length));
  const entries = list.flatMap((one) => one.entries);
  return {
    index,
    from,
    rules: Uint32Array.from(entries, ({ rule }) => rule),
    least: Uint32Array.from(entries, ({ least }) => least),
    most: Uint32Array.from(entries, ({ most }) => most),
    entries,
  };
}

function bufferFilter(buffer: BufferId, set: WantedSet): BufferFilter | undefined {
  const found = ledRules(set);
  if (found === undefined) return undefined;
  const { index, from, rules, least, most } = found;
  return { buffer, several: bufferInfo[BUFFERS[buffer]].several === true, index, from, rules, least, most };
}

function put<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

const putSet = (map: Map<BufferId, WantedSet>, buffer: BufferId): WantedSet =>
  put(map, buffer, () => new Map<string, Wanted>());

/** What one kind of message is searched for, while it is put together. */
class KindBuilder {
  readonly led = new Map<number, number[]>();
  readonly always: number[] = [];
  readonly #buffers = new Map<BufferId, WantedSet>();

  add(buffer: BufferId, literal: Uint8Array, key: string, entry: Entry): void {
    add(
      put(this.#buffers, buffer, () => new Map<string, Wanted>()),
      key,
      literal,
      entry,
    );
  }

  lead(pattern: number, rule: number): void {
    put(this.led, pattern, () => []).push(rule);
  }

  build(head: boolean): KindFilter {
    const filters = [...this.#buffers].flatMap(([buffer, set]) => bufferFilter(buffer, set) ?? []);
    const { led } = this;
    const always = Uint32Array.from(this.always);
    return { filters, whole: head ? this.#whole() : undefined, always, led, used: filters.length + always.length > 0 };
  }

  #whole(): WholeFilter | undefined {
    const all: WantedSet = new Map<string, Wanted>();
    const tiny = new Map<BufferId, WantedSet>();
    const prefixes = new Map<BufferId, Prefix[]>();
    const always: number[] = [];
    for (const [buffer, set] of this.#buffers) {
      for (const { literal: own, entries } of set.values()) {
        const literal = inSection(buffer, own);
        const key = Buffer.from(literal).toString('latin1');
        for (const entry of entries) {
          // Its method is asked of a rule anyhow: see guards.ts.
          if (buffer === BufferId.METHOD) always.push(entry.rule);
          else if (isPrefix(literal, entry)) put(prefixes, buffer, () => []).push({ literal, ...entry });
          else if (literal.length > 3) add(all, key, literal, entry);
          else if (SHORT_BUFFERS.has(buffer)) add(putSet(tiny, buffer), key, literal, entry);
          else if (literal.length === 3) add(all, key, literal, entry);
          else always.push(entry.rule);
        }
      }
    }
    const found = ledRules(all);
    if (found === undefined) return undefined;
    const { entries, ...columns } = found;
    return {
      ...columns,
      buffers: Uint8Array.from(entries, ({ buffer }) => buffer),
      until: Uint32Array.from(entries, ({ until }) => until),
      prefixes: [...prefixes].map(([buffer, list]) => prefixFilter(buffer, list)),
      tiny: [...tiny].flatMap(([buffer, set]) => bufferFilter(buffer, set) ?? []),
      always: Uint32Array.from(always),
    };
  }
}

/** The filters of each kind; rules are numbered in the order of the list, `kinds` are bits by kind. */
export function makePrefilters(
  rules: readonly { readonly rule: Rule; readonly kinds: number }[],
  numberOf: (content: ContentMatch) => number,
): KindFilter[] {
  const builders = Array.from({ length: KINDS }, () => new KindBuilder());
  rules.forEach(({ rule, kinds }, number) => {
    const lead = leadOf(rule);
    const literal = lead && literalOf(lead);
    const key = literal === undefined ? '' : Buffer.from(literal).toString('latin1');
    const known = lead === undefined ? -1 : numberOf(lead);
    const bounds = lead && boundsOf(rule, lead);
    builders.forEach((builder, kind) => {
      if ((kinds & (1 << kind)) === 0) return;
      if (lead === undefined || literal === undefined || bounds === undefined) builder.always.push(number);
      else {
        const buffer = BUFFERS.indexOf(lead.buffer) as BufferId;
        builder.add(buffer, literal, key, { buffer, rule: number, ...bounds });
      }
      if (known >= 0) builder.lead(known, number);
    });
  });
  return builders.map((builder, kind) => builder.build(HEADS.has(kind)));
}
