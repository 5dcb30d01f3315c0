// SPDX-License-Identifier: Apache-2.0
// Finds the rules that could match a message: those whose literal stands where they want it.

import type { Guards } from './guards.js';
import { findLiterals, Finds, type Sink } from './literals.js';
import { BUFFERS, type BufferId, type JudgedPacket, type Message, type Place } from './message.js';
import type { BufferFilter, KindFilter, WholeFilter } from './prefilter.js';
import type { EngineRule, EngineTables } from './program.js';
import { headerHolds } from './tests.js';
import { findPrefixes, type PrefixFilter } from './prefixes.js';

const NO_BOUND = 0xffffffff;
const ANY_METHOD = 0xff;
/** So many are put in order by hand. */
const FEW = 16;

/** Where the buffers of the message at hand stand in its bytes; each is asked for once. */
class Places {
  readonly #known = new Uint32Array(BUFFERS.length);
  readonly #from = new Int32Array(BUFFERS.length);
  readonly #to = new Int32Array(BUFFERS.length);
  readonly #exact = new Uint8Array(BUFFERS.length);
  readonly #place: Place = { from: 0, to: 0, exact: false };
  #message: Message | undefined;
  #turn = 0;

  begin(message: Message, turn: number): void {
    this.#message = message;
    this.#turn = turn;
  }

  /** True if all of the buffer stands in the bytes of the head. */
  has(id: BufferId): boolean {
    if (this.#known[id] !== this.#turn) {
      this.#known[id] = this.#turn;
      const there = this.#message?.stands?.(id) === true;
      if (there) this.#message?.locate?.(id, this.#place);
      this.#from[id] = there ? this.#place.from : -1;
      this.#to[id] = this.#place.to;
      this.#exact[id] = Number(this.#place.exact);
    }
    return (this.#from[id] as number) >= 0;
  }

  /** Where the buffer begins and ends, which stands there exactly. */
  from(id: BufferId): number {
    return this.#from[id] as number;
  }

  to(id: BufferId): number {
    return this.#to[id] as number;
  }

  /** @param until byte of the buffer at which it ends at the latest */
  holds(id: BufferId, from: number, to: number, until: number): boolean {
    const begin = this.#from[id] as number;
    if (from < begin || to > (this.#to[id] as number)) return false;
    return this.#exact[id] === 0 || to - begin <= until;
  }
}

/** Made once for a program, and used for every message. */
export class Candidates implements Sink {
  /** Rules by number, ascending once a search is over: the first `count` of these. */
  readonly rules: Uint32Array;
  count = 0;
  readonly #finds: Finds;
  readonly #marked: Uint32Array;
  readonly #done: Uint32Array;
  readonly #places = new Places();
  readonly #guards: Guards;
  readonly #asked: Uint32Array;
  readonly #fits: Uint8Array;
  readonly #program: EngineTables['rules'];
  /** Those that stand for all with the same header part, once they were asked. */
  readonly #asking: (EngineRule | undefined)[];
  #turn = 0;
  // Of the message at hand.
  #method = ANY_METHOD;
  #names = 0;
  #uriLength = -1;
  #packet: JudgedPacket | undefined;
  #message: Message | undefined;
  #whole: WholeFilter | undefined;

  constructor({ kinds, guards, rules }: EngineTables) {
    const sizes = kinds.flatMap(({ filters, whole }) =>
      [...filters, ...(whole ? [whole] : [])].map(({ from }) => from.length),
    );
    const most = Math.max(0, ...sizes);
    this.#finds = new Finds(most);
    this.#done = new Uint32Array(most);
    this.#marked = new Uint32Array(rules.length);
    this.rules = new Uint32Array(rules.length);
    this.#program = rules;
    this.#guards = guards;
    this.#asked = new Uint32Array(guards.asking.length);
    this.#fits = new Uint8Array(guards.asking.length);
    this.#asking = new Array<EngineRule | undefined>(guards.asking.length).fill(undefined);
  }

  /** For searches elsewhere: none goes on while a message is searched. */
  get finds(): Finds {
    return this.#finds;
  }

  /** The next message is at hand. */
  #begin({ methodBit = ANY_METHOD, nameBits = 0, uriLength = -1 }: Message, packet: JudgedPacket): void {
    this.count = 0;
    this.#method = methodBit;
    this.#names = nameBits;
    this.#uriLength = uriLength;
    this.#packet = packet;
    if (++this.#turn <= 0xffffffff) return;
    for (const turns of [this.#marked, this.#done, this.#asked]) turns.fill(0);
    this.#turn = 1;
  }

  /** Searches a message that is no stream, which `packet` completed. The rules found meet what they ask of its headers. */
  search(filter: KindFilter, message: Message, packet: JudgedPacket): void {
    this.#begin(message, packet);
    const bytes = message.whole;
    if (filter.whole === undefined || bytes === undefined) {
      for (const one of filter.filters) this.#searchBuffer(one, message);
    } else this.#searchWhole(filter, filter.whole, message, bytes);
    if (message.hits !== undefined) for (const hit of message.hits) this.#markAll(filter.led.get(hit));
    this.#markAll(filter.always);
    if (this.count > 1) this.#sort();
  }

  #searchWhole({ filters }: KindFilter, whole: WholeFilter, message: Message, bytes: Uint8Array): void {
    const places = this.#places;
    this.#message = message;
    this.#whole = whole;
    places.begin(message, this.#turn);
    findLiterals(whole.index, bytes, 0, this);
    for (const one of filters) if (message.stands?.(one.buffer) !== true) this.#searchBuffer(one, message);
    for (const one of whole.tiny) if (places.has(one.buffer)) this.#searchBuffer(one, message);
    for (const one of whole.prefixes) if (places.has(one.buffer)) this.#searchPrefixes(one, bytes);
    this.#markAll(whole.always);
  }

  #searchPrefixes(filter: PrefixFilter, bytes: Uint8Array): void {
    const { buffer, rules, least, most } = filter;
    const [from, to] = [this.#places.from(buffer), this.#places.to(buffer)];
    const length = this.#message?.open(buffer) === true ? -1 : to - from;
    findPrefixes(filter, bytes, from, to, (entry) => {
      if (length < 0 || (length >= (least[entry] as number) && length <= (most[entry] as number)))
        this.#mark(rules[entry] as number);
    });
  }

  fresh(literal: number): boolean {
    return this.#done[literal] !== this.#turn;
  }

  /** A literal stands in the head at `at`: it is done with once it was found in all buffers where it is looked for. */
  found(literal: number, at: number): void {
    const filter = this.#whole;
    if (filter === undefined) return;
    const { from, index, rules, buffers, until } = filter;
    const to = at + (index.starts[literal + 1] as number) - (index.starts[literal] as number);
    const end = from[literal + 1] as number;
    let open = false;
    for (let entry = from[literal] as number; entry < end; entry++) {
      const rule = rules[entry] as number;
      if (this.#marked[rule] === this.#turn) continue;
      // Before its buffer is looked for: what must not be is told once.
      if (!this.#mayMatch(rule)) {
        this.#marked[rule] = this.#turn;
        continue;
      }
      const buffer = buffers[entry] as BufferId;
      if (!this.#places.has(buffer)) continue;
      if (!this.#places.holds(buffer, at, to, until[entry] as number)) open = true;
      else if (this.#isLong(filter, entry, buffer)) this.#take(rule);
    }
    if (!open) this.#done[literal] = this.#turn;
  }

  #isLong({ least, most }: WholeFilter, entry: number, buffer: BufferId): boolean {
    if (least[entry] === 0 && most[entry] === NO_BOUND) return true;
    const message = this.#message;
    if (message === undefined || message.open(buffer)) return true;
    const length = message.buffer(buffer, 0)?.length ?? 0;
    return length >= (least[entry] as number) && length <= (most[entry] as number);
  }

  #searchBuffer({ buffer, several, index, from, rules, least, most }: BufferFilter, message: Message): void {
    const finds = this.#finds;
    finds.begin();
    let length = -1;
    for (let instance = 0; ; instance++) {
      const bytes = message.buffer(buffer, instance);
      if (bytes === undefined) break;
      findLiterals(index, bytes, 0, finds);
      if (several) continue;
      length = message.open(buffer) ? -1 : bytes.length;
      break;
    }
    for (let i = 0; i < finds.count; i++) {
      const literal = finds.literals[i] as number;
      const end = from[literal + 1] as number;
      for (let entry = from[literal] as number; entry < end; entry++) {
        if (length < 0 || (length >= (least[entry] as number) && length <= (most[entry] as number)))
          this.#mark(rules[entry] as number);
      }
    }
  }

  #mark(rule: number): void {
    if (this.#marked[rule] === this.#turn) return;
    if (this.#mayMatch(rule)) this.#take(rule);
    else this.#marked[rule] = this.#turn;
  }

  #take(rule: number): void {
    this.#marked[rule] = this.#turn;
    this.rules[this.count++] = rule;
  }

  #sort(): void {
    const { rules, count } = this;
    if (count > FEW) {
      rules.subarray(0, count).sort();
      return;
    }
    for (let i = 1; i < count; i++) {
      const rule = rules[i] as number;
      let at = i;
      for (; at > 0 && (rules[at - 1] as number) > rule; at--) rules[at] = rules[at - 1] as number;
      rules[at] = rule;
    }
  }

  /** Asks what costs next to nothing. */
  #mayMatch(rule: number): boolean {
    const { methods, without, least, most, headers } = this.#guards;
    if (((methods[rule] as number) & this.#method) === 0 || ((without[rule] as number) & this.#names) !== 0)
      return false;
    const length = this.#uriLength;
    if (length >= 0 && (length < (least[rule] as number) || length > (most[rule] as number))) return false;
    return this.#meets(headers[rule] as number);
  }

  /** True if the packet meets what rules of this number ask of headers; found out once a message. */
  #meets(number: number): boolean {
    if (this.#asked[number] !== this.#turn) {
      this.#asked[number] = this.#turn;
      const rule = (this.#asking[number] ??= this.#program.at(this.#guards.asking[number] as number));
      this.#fits[number] = Number(rule !== undefined && this.#packet !== undefined && headerHolds(rule, this.#packet));
    }
    return this.#fits[number] === 1;
  }

  #markAll(rules: Iterable<number> | undefined): void {
    if (rules !== undefined) for (const rule of rules) this.#mark(rule);
  }
}
