// SPDX-License-Identifier: Apache-2.0
// A record on its way to the outputs: as an object and in words, each made from the other when it is asked for.

import type { Detection } from './model.js';

/** A record in words, as one thread tells another. */
export interface Words {
  readonly kind: Detection['kind'];
  /** Which rule raised it: `gid:sid`. */
  readonly rule?: string;
  /** `storedLine` of it. */
  readonly line: string;
  /** Its line of EVE. */
  readonly eve?: string;
}

/** A detection as it is stored: one line of JSON. @throws if it holds what JSON has no words for */
export function storedLine(d: Detection): string {
  const { rule } = d;
  if (!rule) return JSON.stringify(d);
  return `${JSON.stringify({ ...d, rule: undefined }).slice(0, -1)},"rule":${ruleLine(rule)}}`;
}

const rulesInWords = new WeakMap<object, string>();

/** The same for every detection of the rule. */
function ruleLine(rule: object): string {
  let words = rulesInWords.get(rule);
  if (words === undefined) rulesInWords.set(rule, (words = JSON.stringify(rule)));
  return words;
}

export class Told {
  readonly kind: Detection['kind'];
  readonly rule: string | undefined;
  /** Its line of EVE, where somebody has put it into words already. */
  readonly eve: string | undefined;
  #detection: Detection | undefined;
  #line: string | undefined;

  private constructor(kind: Detection['kind'], rule: string | undefined, eve: string | undefined) {
    this.kind = kind;
    this.rule = rule;
    this.eve = eve;
  }

  static of(this: void, detection: Detection | Told): Told {
    if (detection instanceof Told) return detection;
    const told = new Told(detection.kind, ruleOf(detection), undefined);
    told.#detection = detection;
    return told;
  }

  static from(this: void, { kind, rule, line, eve }: Words): Told {
    const told = new Told(kind, rule, eve);
    told.#line = line;
    return told;
  }

  /** The record that a line of the store is. @throws SyntaxError if it is none */
  static read(this: void, line: string): Told {
    const told = Told.of(JSON.parse(line) as Detection);
    told.#line = line;
    return told;
  }

  get detection(): Detection {
    return (this.#detection ??= JSON.parse(this.#line ?? '') as Detection);
  }

  /** As `storedLine`; undefined if it cannot be put into words. */
  get line(): string | undefined {
    try {
      return (this.#line ??= storedLine(this.detection));
    } catch {
      return undefined;
    }
  }
}

function ruleOf({ rule }: Detection): string | undefined {
  return rule && `${rule.gid}:${rule.sid}`;
}

/** A detection in words. @throws if they cannot be found */
export function wordsOf(detection: Detection, eve: string | undefined): Words {
  const rule = ruleOf(detection);
  return {
    kind: detection.kind,
    line: storedLine(detection),
    ...(rule === undefined ? {} : { rule }),
    ...(eve === undefined ? {} : { eve }),
  };
}
