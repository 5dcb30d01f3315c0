// SPDX-License-Identifier: Apache-2.0
// The first line of a section. A target is odd where normalisation would change it: an escape in the path, // /. \ and
// the like; and where parsers differ on where it ends.

import { Region } from '../../../common/abi.gen.js';
import { Class, classOf, endsLine, isBlank, isToken, separates } from './byte-classes.js';
import type { HeaderLines } from './header-lines.js';
import type { Parameters, Place } from './parameters.js';
import { oddHeaders, oddLine, to, type State, type States, type Step } from './state.js';

const VERSION = 'ttp/';

export class StartLines {
  readonly #states: States;
  readonly #lines: HeaderLines;
  readonly #parameters: Parameters;
  readonly #query: Place;
  readonly #decoded: Place;

  constructor(states: States, lines: HeaderLines, parameters: Parameters) {
    this.#states = states;
    this.#lines = lines;
    this.#parameters = parameters;
    const place = (region: Region, decoded?: Place): Place => {
      const made: Place = {
        region,
        get decoded(): Place {
          return decoded ?? made;
        },
        target: true,
        plain: (cls) => this.#inQuery(made, cls),
        space: () => this.#behind(true),
        maskCr: () => lines.maskCr(Region.NONE, Region.NONE),
        maskLine: () => lines.maskLine(Region.NONE),
      };
      return made;
    };
    this.#decoded = place(Region.URI_ODD);
    this.#query = place(Region.URI, this.#decoded);
  }

  /** Empty lines before a request are passed over (RFC 9112 2.2). */
  request(): State {
    return this.#states.get('request', Region.NONE, (cls) =>
      endsLine(cls) ? to(this.request()) : this.#inMethod(cls),
    );
  }

  response(): State {
    return this.#states.get('response', Region.NONE, (cls) => {
      return endsLine(cls) ? to(this.response()) : this.#part(Region.VERSION, cls);
    });
  }

  /** Version, status or reason of a response, and the white space behind. */
  #part(region: Region, cls: number): Step {
    if (endsLine(cls)) return this.#ends(false, cls);
    if (cls !== Class.SPACE || region === Region.REASON) {
      return to(this.#states.get(`part ${region}`, region, (next) => this.#part(region, next)));
    }
    const after = region === Region.VERSION ? Region.STATUS : Region.REASON;
    return to(
      this.#states.get(`part ${region} space`, Region.NONE, (next) => {
        return next === Class.SPACE ? this.#part(region, next) : this.#part(after, next);
      }),
    );
  }

  #inMethod(cls: number): Step {
    if (endsLine(cls)) return this.#ends(false, cls);
    if (isToken(cls)) return to(this.#states.get('method', Region.METHOD, (next) => this.#inMethod(next)));
    return isBlank(cls) ? to(this.#behindMethod()) : oddLine(this.#inPath(cls));
  }

  #behindMethod(): State {
    return this.#states.get('behind method', Region.NONE, (cls) => {
      if (isBlank(cls)) return to(this.#behindMethod());
      return cls === Class.SLASH || endsLine(cls) ? this.#inPath(cls) : oddLine(this.#inPath(cls));
    });
  }

  #inPath(cls: number): Step {
    if (endsLine(cls)) return this.#ends(false, cls);
    if (cls === Class.QUESTION) return to(this.#parameters.begin(this.#query));
    // A parameter of a path: some take it for a part of its name.
    if (separates(cls)) return oddLine(to(this.#parameters.begin(this.#query)));
    if (cls === Class.SPACE) return to(this.#behind(false));
    if (cls === Class.SLASH) return to(this.#slash());
    const path = to(this.#states.get('path', Region.URI, (next) => this.#inPath(next)));
    return cls === Class.PERCENT || cls === Class.BACKSLASH || cls === Class.TAB ? oddLine(path) : path;
  }

  #slash(): State {
    return this.#states.get('slash', Region.URI, (cls) => {
      if (cls === Class.SLASH) return oddLine(this.#inPath(cls));
      return cls === Class.DOT ? to(this.#dots(1)) : this.#inPath(cls);
    });
  }

  /** Behind a slash and dots; what ends the segment here makes it one that is removed. */
  #dots(count: 1 | 2): State {
    return this.#states.get(`dots ${count}`, Region.URI, (cls) => {
      if (cls === Class.DOT && count === 1) return to(this.#dots(2));
      const ends = cls === Class.SLASH || cls === Class.SPACE || cls === Class.BACKSLASH;
      return ends || separates(cls) || endsLine(cls) ? oddLine(this.#inPath(cls)) : this.#inPath(cls);
    });
  }

  #inQuery(place: Place, cls: number): Step {
    if (endsLine(cls)) return this.#ends(false, cls);
    if (separates(cls)) return to(this.#parameters.begin(place));
    if (cls === Class.SPACE) return to(this.#behind(false));
    const next = cls === Class.PERCENT ? place.decoded : place;
    const query = to(this.#states.get(`query ${next.region}`, next.region, (after) => this.#inQuery(next, after)));
    return cls === Class.TAB ? oddLine(query) : query;
  }

  /** Behind a space in the target. A version ends it; anything else belongs to it. `hidden`: to a masked value. */
  #behind(hidden: boolean): State {
    return this.#states.get(`behind target ${hidden}`, Region.NONE, (cls) => {
      if (isBlank(cls)) return to(this.#behind(hidden));
      if (endsLine(cls)) return this.#ends(hidden, cls);
      return cls === classOf('h') ? to(this.#version(hidden, 0)) : this.#resume(hidden, cls);
    });
  }

  /** What stood behind a space was no version. */
  #resume(hidden: boolean, cls: number): Step {
    return oddLine(hidden ? this.#parameters.mask(this.#decoded, cls) : this.#inQuery(this.#decoded, cls));
  }

  /** Behind the first letter of a version, and as many signs of it. */
  #version(hidden: boolean, seen: number): State {
    return this.#states.get(`version ${hidden} ${seen}`, Region.VERSION, (cls) => {
      if (seen < VERSION.length) {
        const next = cls === classOf(VERSION.charAt(seen));
        return next ? to(this.#version(hidden, seen + 1)) : this.#resume(hidden, cls);
      }
      const [behindDigit, dot] = [seen - VERSION.length, cls === Class.DOT];
      const digit = cls >= classOf('0') && cls <= classOf('9');
      if (behindDigit % 2 === 0 ? digit : dot && behindDigit === 1) return to(this.#version(hidden, seen + 1));
      if (behindDigit % 2 === 0) return this.#resume(hidden, cls);
      return endsLine(cls) ? this.#ends(hidden, cls) : this.#behindVersion(hidden, cls);
    });
  }

  #behindVersion(hidden: boolean, cls: number): Step {
    if (endsLine(cls)) return this.#ends(hidden, cls);
    if (!isBlank(cls)) {
      return cls === classOf('h') ? oddLine(to(this.#version(hidden, 0))) : this.#resume(hidden, cls);
    }
    return to(this.#states.get(`behind version ${hidden}`, Region.NONE, (next) => this.#behindVersion(hidden, next)));
  }

  /** The end of the line, or what may be it. `hidden`: the line has a masked value at its end. */
  #ends(hidden: boolean, cls: number): Step {
    if (hidden)
      return to(cls === Class.LF ? this.#lines.maskLine(Region.NONE) : this.#lines.maskCr(Region.NONE, Region.NONE));
    return to(cls === Class.LF ? this.#lines.line(Region.NONE) : this.#cr());
  }

  #cr(): State {
    return this.#states.get('request cr', Region.NONE, (cls) => {
      if (cls === Class.LF) return to(this.#lines.line(Region.NONE));
      return oddLine(oddHeaders(cls === Class.CR ? to(this.#cr()) : this.#lines.name(cls)));
    });
  }
}
