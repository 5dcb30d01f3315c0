// SPDX-License-Identifier: Apache-2.0
// The header lines of a section: which names they have, where their values are, and which are masked.
//
// Where parsers differ, the reading is taken under which more is masked: a bare CR ends a line that is not masked but
// never one that is; white space or control bytes before and behind a name do not hide it; a line that is folded onto
// a masked value is masked; a line that begins with white space after any other may hold a name. Each such place is
// odd: what rules see of it is the engine's to say.

import { Region } from '../../../common/abi.gen.js';
import { Class, classOf, endsLine, isBlank, isToken, separates } from './byte-classes.js';
import { bare, growTrie, masked, odd, oddHeaders, to, type Node, type State, type States, type Step } from './state.js';

/** What is known of a header by its name. */
export interface Role {
  /** Region of the line: HEADERS, KEPT, or NONE for a line that http.header leaves out. */
  readonly base: Region;
  /** Region of the value, if it has one of its own. */
  readonly value?: Region;
  readonly sensitive: boolean;
  /** http.header leaves the line out, though its base does not say so. */
  readonly leftOut?: boolean;
}

const PLAIN: Role = { base: Region.HEADERS, sensitive: false };
const keyOf = ({ base, value = base, sensitive }: Role): string => `${base} ${value} ${Number(sensitive)}`;
const nameless = (cls: number): boolean => !isToken(cls) && !endsLine(cls) && !isBlank(cls);

export class HeaderLines {
  readonly #states: States;
  readonly #names: Node<Role>;
  /** Where the name of a parameter may begin within a value of this region. */
  readonly #parameters: (base: Region) => State;
  readonly #end: State;

  constructor(states: States, names: ReadonlyMap<string, Role>, parameters: (base: Region) => State) {
    this.#states = states;
    this.#names = growTrie(names, classOf);
    this.#parameters = parameters;
    const end: State = states.get('end', Region.HEADERS, () => to(end));
    this.#end = end;
  }

  get end(): State {
    return this.#end;
  }

  /** At the beginning of a line; the line before it was not masked. */
  line(base: Region): State {
    return this.#states.get(`line ${base}`, base, (cls) => {
      if (cls === Class.LF) return to(this.#end);
      return cls === Class.CR ? to(this.#emptyCr()) : this.name(cls);
    });
  }

  /** A CR at the beginning of a line: its end, or not. */
  #emptyCr(): State {
    return this.#states.get('empty cr', Region.NONE, (cls) => {
      if (cls === Class.LF) return to(this.#end);
      return oddHeaders(cls === Class.CR ? to(this.#emptyCr()) : this.name(cls));
    });
  }

  /** The step from where a name may begin. */
  name(cls: number): Step {
    const child = this.#names.children.get(cls);
    if (child !== undefined) return to(this.#node(child));
    if (isToken(cls)) return to(this.#otherName());
    if (endsLine(cls) || cls === Class.COLON) return oddHeaders(this.text(Region.HEADERS, cls));
    // White space and control bytes before a name are passed over.
    return oddHeaders(to(this.#states.get('name', Region.HEADERS, (next) => this.name(next))));
  }

  #otherName(): State {
    return this.#states.get('other name', Region.HEADERS, (cls) => this.#inOtherName(cls));
  }

  #inOtherName(cls: number): Step {
    if (isToken(cls)) return to(this.#otherName());
    return cls === Class.COLON ? to(this.#colon(PLAIN, 0)) : oddHeaders(this.text(Region.HEADERS, cls));
  }

  #node(node: Node<Role>): State {
    const step = (cls: number): Step => {
      const child = node.children.get(cls);
      if (child !== undefined) return to(this.#node(child));
      if (node.value === undefined || isToken(cls)) return this.#inOtherName(cls);
      if (cls !== Class.COLON) return oddHeaders(this.#named(node.value, cls));
      const colon = to(this.#colon(node.value, node.depth));
      return node.value.leftOut ? oddHeaders(colon) : colon;
    };
    return this.#states.get(`node ${node.id}`, Region.HEADERS, step, 0, node.depth);
  }

  /** Behind a name, before its colon. */
  #named(role: Role, cls: number): Step {
    if (cls === Class.COLON) return to(this.#colon(role, 0));
    if (!endsLine(cls) && (isBlank(cls) || nameless(cls))) {
      return to(
        this.#states.get(`named ${keyOf(role)}`, Region.HEADERS, (next) => oddHeaders(this.#named(role, next))),
      );
    }
    // Without a colon: some pass over it, some take the name for all that is before the white space.
    return role.sensitive ? this.#mask(role, cls) : this.text(Region.HEADERS, cls);
  }

  #colon(role: Role, length: number): State {
    const back = role.base === Region.HEADERS ? 0 : length;
    const step = (cls: number): Step =>
      cls === Class.SPACE ? to(this.#before(role)) : oddHeaders(this.#first(role, cls));
    return this.#states.get(`colon ${keyOf(role)} ${back}`, role.base, step, back);
  }

  /** Behind the colon and white space. */
  #before(role: Role): State {
    return this.#states.get(`before ${keyOf(role)}`, role.base, (cls) => {
      return isBlank(cls) || endsLine(cls) ? oddHeaders(this.#first(role, cls)) : this.#first(role, cls);
    });
  }

  /** The first byte of a value. */
  #first(role: Role, cls: number): Step {
    if (isBlank(cls)) return to(this.#before(role));
    if (role.sensitive) return this.#mask(role, cls);
    if (role.value === undefined) return this.text(role.base, cls);
    // A port alone: the host is there and empty.
    if (role.value === Region.HOST && cls === Class.COLON) return oddHeaders(this.#value(role, cls));
    return role.value === Region.HOST && cls === Class.OPEN ? to(this.#literal(role)) : this.#value(role, cls);
  }

  /** In the value of a header that no role was given. */
  text(base: Region, cls: number): Step {
    if (cls === Class.CR) return to(this.#cr(base));
    if (cls === Class.LF) return bare(to(this.line(base)));
    if (separates(cls)) return to(this.#parameters(base));
    if (!isBlank(cls)) return to(this.#states.get(`text ${base}`, base, (next) => this.text(base, next)));
    return to(
      this.#states.get(`text blank ${base}`, base, (next) => {
        return endsLine(next) ? oddHeaders(this.text(base, next)) : this.text(base, next);
      }),
    );
  }

  /** A CR in a line that is not masked: its end, or not. */
  #cr(base: Region): State {
    return this.#states.get(`cr ${base}`, base, (cls) => {
      if (cls === Class.LF) return to(this.line(base));
      return oddHeaders(cls === Class.CR ? to(this.#cr(base)) : this.name(cls));
    });
  }

  /** In a value that has a region of its own. */
  #value(role: Role, cls: number): Step {
    const { base, value = base } = role;
    if (cls === Class.CR) return to(this.#cr(base));
    if (cls === Class.LF) return bare(to(this.line(base)));
    if (value === Region.HOST && cls === Class.COLON) return to(this.#port(base));
    const name = `${isBlank(cls) ? 'value blank' : 'value'} ${keyOf(role)}`;
    return to(
      this.#states.get(name, value, (next) => {
        return isBlank(cls) && endsLine(next) ? oddHeaders(this.#value(role, next)) : this.#value(role, next);
      }),
    );
  }

  /** In the brackets of an IPv6 address. */
  #literal(role: Role): State {
    return this.#states.get(`literal ${keyOf(role)}`, Region.HOST, (cls) => {
      return cls === Class.CLOSE || endsLine(cls) ? this.#value(role, cls) : to(this.#literal(role));
    });
  }

  #port(base: Region): State {
    return this.#states.get(`port ${base}`, base, (cls) => {
      if (endsLine(cls)) return this.text(base, cls);
      return isBlank(cls) ? oddHeaders(to(this.#port(base))) : to(this.#port(base));
    });
  }

  /** In a masked value; line ends stay as they are. */
  #mask(role: Role, cls: number): Step {
    const { base, value = base } = role;
    if (cls === Class.LF) return bare(to(this.maskLine(base)));
    if (cls === Class.CR) return to(this.maskCr(base, value));
    const blank = isBlank(cls);
    return to(
      this.#states.get(`mask ${base} ${value} ${blank}`, masked(value), (next) => {
        return blank && endsLine(next) ? oddHeaders(this.#mask(role, next)) : this.#mask(role, next);
      }),
    );
  }

  /** A CR in a masked value: its end, or not. */
  maskCr(base: Region, value: Region): State {
    return this.#states.get(`mask cr ${base} ${value}`, base, (cls) => {
      if (cls === Class.LF) return to(this.maskLine(base));
      return oddHeaders(this.#mask({ base, value, sensitive: true }, cls));
    });
  }

  /** At the beginning of a line; the one before it is masked. */
  maskLine(base: Region): State {
    const fold: Role = { base: Region.HEADERS, sensitive: true };
    return this.#states.get(`mask line ${base}`, base, (cls) => {
      if (cls === Class.LF) return to(this.#end);
      if (cls === Class.CR) return to(this.#maskEmptyCr(fold));
      if (isBlank(cls)) return oddHeaders(to(this.#before(fold)));
      return isToken(cls) ? this.name(cls) : oddHeaders(this.#mask(fold, cls));
    });
  }

  /** A CR at the beginning of such a line. */
  #maskEmptyCr(fold: Role): State {
    return this.#states.get('mask empty cr', Region.NONE, (cls) => {
      if (cls === Class.LF) return to(this.#end);
      return odd(cls === Class.CR ? to(this.#maskEmptyCr(fold)) : this.#mask(fold, cls), oddHeaders(to(this.#end)).odd);
    });
  }
}
