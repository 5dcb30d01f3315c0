// SPDX-License-Identifier: Apache-2.0
// What the parser knows about a keyword.

import type { Draft } from '../draft.js';

/** Chapters of the keyword table in docs/rules.md. */
export type KeywordKind = 'meta' | 'ip' | 'tcp' | 'icmp' | 'packet' | 'threshold' | 'buffer' | 'content' | 'other';

export interface Keyword {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly kind: KeywordKind;
  /** One sentence for the docs: the forms that its value takes, or why it is not supported. */
  readonly summary: string;
  readonly scope: 'supported' | 'unsupported' | 'obsolete';
  /** Whether a value must, may or must not stand there. */
  readonly value: 'required' | 'optional' | 'none';
  /** Whether the value is written in double quotes (they are taken off). */
  readonly quotes: 'none' | 'optional' | 'mandatory';
  /** True if `!` may stand before the quotes. */
  readonly negatable?: boolean;
  /** True if it may stand only once in a rule. */
  readonly once?: boolean;
  /** Takes the value into the draft, or reports what is wrong with it. */
  readonly parse?: (draft: Draft, value: string, negated: boolean) => void;
}

type Extras = Partial<Pick<Keyword, 'aliases' | 'value' | 'quotes' | 'negatable' | 'once'>>;

/** A supported keyword; unless told otherwise it needs a value, without quotes. */
export function supported(
  kind: KeywordKind,
  name: string,
  summary: string,
  parse: NonNullable<Keyword['parse']>,
  extras: Extras = {},
): Keyword {
  return { name, kind, summary, scope: 'supported', value: 'required', quotes: 'none', ...extras, parse };
}
