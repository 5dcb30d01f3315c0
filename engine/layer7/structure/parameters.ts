// SPDX-License-Identifier: Apache-2.0
// Parameters of URIs whose values are masked: in a request's target, and in whatever header value a URI stands in.
//
// The reading is taken under which more is masked: a name may begin behind any of ? & ; # and within brackets
// (user[password]=); only & ends a value; a name in which an escape stands that nobody has to write may be any.

import type { Region } from '../../../common/abi.gen.js';
import { among, Class, classOf, endsLine, isBlank, isToken, separates } from './byte-classes.js';
import { bare, growTrie, masked, oddHeaders, to, type Node, type State, type States, type Step } from './state.js';

/** Where parameters stand: the region that they are in, and what goes on when no name is looked for. */
export interface Place {
  readonly region: Region;
  /** The place that it turns into with an escape, or with a masked value. */
  readonly decoded: Place;
  /** In a request's target, where white space may end it. */
  readonly target: boolean;
  /** Any byte that a parameter has no use for. */
  readonly plain: (cls: number) => Step;
  /** A space in a masked value of a request's target. */
  readonly space: () => State;
  readonly maskCr: () => State;
  readonly maskLine: () => State;
}

/** Second digits of escapes that stand for signs which need none: letters, digits, - . _ ~ */
const NEEDLESS: Readonly<Record<string, string>> = {
  2: 'de',
  3: '0123456789',
  4: '123456789abcdef',
  5: '0123456789af',
  6: '123456789abcdef',
  7: '0123456789ae',
};

export class Parameters {
  readonly #states: States;
  readonly #names: Node<true>;

  constructor(states: States, names: readonly string[]) {
    this.#states = states;
    this.#names = growTrie(
      names.map((name) => [name, true] as const),
      classOf,
    );
  }

  /** Where the name of a parameter may begin. */
  begin(place: Place): State {
    return this.#states.get(`parameter ${place.region}`, place.region, (cls) => this.#first(place, cls));
  }

  #first(place: Place, cls: number): Step {
    const child = this.#names.children.get(cls);
    if (child !== undefined) return to(this.#node(place, child));
    if (place.target || !isBlank(cls)) return this.#name(place, cls);
    return to(
      this.#states.get(`parameter blank ${place.region}`, place.region, (next) => {
        return endsLine(next) ? oddHeaders(place.plain(next)) : this.#first(place, next);
      }),
    );
  }

  #node(place: Place, node: Node<true>): State {
    return this.#states.get(`parameter ${place.region} node ${node.id}`, place.region, (cls) => {
      const child = node.children.get(cls);
      if (child !== undefined) return to(this.#node(place, child));
      const ends = !isToken(cls) || separates(cls) || cls === Class.PERCENT || cls === Class.DOT;
      return node.value && ends ? this.#named(place, cls) : this.#name(place, cls);
    });
  }

  /** In the name of a parameter that is not masked. */
  #name(place: Place, cls: number): Step {
    if (cls === Class.OPEN || cls === Class.DOT) return to(this.begin(place));
    if (cls === Class.PERCENT) return to(this.#escape(place.decoded));
    if (!isToken(cls) || separates(cls)) return place.plain(cls);
    return to(this.#states.get(`parameter ${place.region} name`, place.region, (next) => this.#name(place, next)));
  }

  /** Behind a name whose value is masked, before the sign that says so. */
  #named(place: Place, cls: number): Step {
    if (cls === Class.EQUALS) return to(this.#equals(place));
    if (separates(cls) || endsLine(cls) || (place.target && cls === Class.SPACE)) return place.plain(cls);
    const next = cls === Class.PERCENT ? place.decoded : place;
    return to(this.#states.get(`parameter ${next.region} named`, next.region, (after) => this.#named(next, after)));
  }

  #equals(place: Place): State {
    return this.#states.get(`parameter ${place.region} equals`, place.region, (cls) => {
      return cls === Class.AMPERSAND ? to(this.begin(place)) : this.mask(place.decoded, cls);
    });
  }

  /** In a masked value. */
  mask(place: Place, cls: number): Step {
    if (cls === Class.AMPERSAND) return to(this.begin(place));
    if (cls === Class.CR) return to(place.maskCr());
    if (cls === Class.LF) return place.target ? to(place.maskLine()) : bare(to(place.maskLine()));
    if (place.target && cls === Class.SPACE) return to(place.space());
    const { region } = place;
    const blank = !place.target && isBlank(cls);
    return to(
      this.#states.get(`parameter ${region} mask ${blank}`, masked(region), (next) => {
        return blank && endsLine(next) ? oddHeaders(this.mask(place, next)) : this.mask(place, next);
      }),
    );
  }

  /** Behind a percent sign in a name. */
  #escape(place: Place): State {
    return this.#states.get(`parameter ${place.region} escape`, place.region, (cls) => {
      const digit = Object.keys(NEEDLESS).find((first) => classOf(first) === cls);
      return digit === undefined ? this.#name(place, cls) : to(this.#escaped(place, digit));
    });
  }

  /** Behind its first digit. */
  #escaped(place: Place, digit: string): State {
    return this.#states.get(`parameter ${place.region} escape ${digit}`, place.region, (cls) => {
      if (among(cls, NEEDLESS[digit] ?? '')) return this.#named(place, cls);
      // %5B is an opening bracket.
      return digit === '5' && cls === classOf('b') ? to(this.begin(place)) : this.#name(place, cls);
    });
  }
}
