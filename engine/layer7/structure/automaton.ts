// SPDX-License-Identifier: Apache-2.0
// The structure automaton of header sections: what each byte of a request, a response or a trailer section is.

import { Region, StructureBit } from '../../../common/abi.gen.js';
import { CLASSES } from './byte-classes.js';
import { HeaderLines, type Role } from './header-lines.js';
import { foldNames } from './names.js';
import { Parameters, type Place } from './parameters.js';
import { StartLines } from './start-lines.js';
import { States, type State } from './state.js';

export interface StructureNames {
  /** Headers whose values are masked. */
  readonly headers: readonly string[];
  /** Parameters of URIs whose values are masked. */
  readonly parameters: readonly string[];
  /** Headers whose lines the log keeps. */
  readonly kept: readonly string[];
}

export interface Structure {
  /** By number; 0 is where an unwritten table leads. */
  readonly states: readonly Pick<State, 'region' | 'back' | 'pending'>[];
  /** steps[state][class]: enum ids_structure_bit; from state 1 and class 1 on. */
  readonly steps: readonly Uint16Array[];
}

/** Values that have a region of their own; lines of cookies are not in http.header. */
const VALUES: readonly (readonly [string, Region])[] = [
  ['host', Region.HOST],
  ['user-agent', Region.USER_AGENT],
  ['content-length', Region.LENGTH],
  ['transfer-encoding', Region.CODING],
  ['upgrade', Region.UPGRADE],
];
const LEFT_OUT = ['cookie', 'set-cookie'];

function rolesOf({ headers, kept: wanted }: StructureNames): Map<string, Role> {
  const values = new Map(VALUES);
  const sensitive = new Set(foldNames(headers, 'header'));
  const lines = new Set(foldNames(wanted, 'header'));
  const names = new Set([...values.keys(), ...LEFT_OUT, ...sensitive, ...lines]);
  return new Map(
    [...names].map((name): [string, Role] => {
      const value = values.get(name);
      const [kept, leftOut] = [lines.has(name), LEFT_OUT.includes(name)];
      const base = kept ? Region.KEPT : leftOut ? Region.NONE : Region.HEADERS;
      const odd = { leftOut: kept && leftOut };
      return [name, { base, sensitive: sensitive.has(name), ...odd, ...(value === undefined ? {} : { value }) }];
    }),
  );
}

/** The three states that sections begin in, numbered as the kernel knows them, and the one behind their end. */
function begin(names: StructureNames): { starts: State[]; end: State } {
  const states = new States();
  const parameters = new Parameters(states, foldNames(names.parameters, 'parameter'));
  const places = new Map<Region, Place>();
  const lines = new HeaderLines(states, rolesOf(names), (base) => {
    const place: Place = places.get(base) ?? {
      region: base,
      get decoded(): Place {
        return place;
      },
      target: false,
      plain: (cls) => lines.text(base, cls),
      space: () => lines.line(base),
      maskCr: () => lines.maskCr(base, base),
      maskLine: () => lines.maskLine(base),
    };
    places.set(base, place);
    return parameters.begin(place);
  });
  const first = new StartLines(states, lines, parameters);
  return { starts: [first.request(), first.response(), lines.line(Region.NONE)], end: lines.end };
}

/** The automaton for these names. @throws IdsError CONFIG_INVALID on a bad name. */
export function buildStructure(names: StructureNames): Structure {
  const { starts, end } = begin(names);
  const numbers = new Map<State, number>(starts.map((state, i) => [state, StructureBit.STRUCTURE_REQUEST + i]));
  const order = [...starts];
  const numberOf = (state: State): number => {
    const known = numbers.get(state);
    if (known !== undefined) return known;
    order.push(state);
    numbers.set(state, order.length);
    return order.length;
  };
  const steps = [new Uint16Array(CLASSES)];
  for (let i = 0; i < order.length; i++) {
    const from = order[i];
    const row = new Uint16Array(CLASSES);
    for (let cls = 1; cls < CLASSES && from !== undefined; cls++) {
      const { to, odd } = from.step(cls);
      const ends = to === end;
      const edge = (ends ? from !== end : to.region !== from.region) ? StructureBit.STRUCTURE_EDGE : 0;
      row[cls] = numberOf(to) | odd | edge | (ends ? StructureBit.STRUCTURE_END : 0);
    }
    steps.push(row);
  }
  const dead = { region: 0, back: 0, pending: 0 };
  return { states: [dead, ...order.map(({ region, back, pending }) => ({ region, back, pending }))], steps };
}
