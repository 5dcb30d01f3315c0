// SPDX-License-Identifier: Apache-2.0
// What a rule does to a buffer before it looks into it. Plain data: rule sets are handed to other threads.

import type { Expression } from '../pcre/pcre.js';

/** Transforms that take no value. */
export const plainTransforms = [
  'dotprefix',
  'to_lowercase',
  'to_uppercase',
  'strip_whitespace',
  'compress_whitespace',
  'url_decode',
  'header_lowercase',
  'strip_pseudo_headers',
  'to_md5',
  'to_sha1',
  'to_sha256',
  'domain',
  'tld',
] as const;
export type PlainTransform = (typeof plainTransforms)[number];

export type Base64Mode = 'rfc4648' | 'rfc2045' | 'strict';

export type Transform =
  | { readonly name: PlainTransform }
  | { readonly name: 'xor'; readonly key: Uint8Array }
  | { readonly name: 'pcrexform'; readonly expression: Expression }
  | {
      readonly name: 'from_base64';
      /** Bytes that are decoded; 0 = all. */
      readonly bytes: number;
      readonly offset: number;
      readonly mode: Base64Mode;
    };

/** Transforms in the order of the rule; each takes what the one before it made. */
export interface Transforms {
  readonly steps: readonly Transform[];
  /** Equal for equal steps. */
  readonly key: string;
}

/** As in Suricata. */
export const MOST_TRANSFORMS = 16;

interface Traits {
  /** The beginning of a buffer is the beginning of the result, whatever follows. */
  readonly prefix?: true;
  /** Letters change their case, and nothing else changes. */
  readonly case?: true;
  /** Nothing in the result shows which of the bytes it was made of. */
  readonly opaque?: true;
}

const traits: Readonly<Record<Transform['name'], Traits>> = {
  dotprefix: { prefix: true },
  to_lowercase: { prefix: true, case: true },
  to_uppercase: { prefix: true, case: true },
  header_lowercase: { prefix: true, case: true },
  strip_whitespace: { prefix: true },
  compress_whitespace: { prefix: true },
  url_decode: { prefix: true },
  strip_pseudo_headers: { prefix: true },
  xor: { prefix: true, opaque: true },
  pcrexform: {},
  from_base64: { opaque: true },
  to_md5: { opaque: true },
  to_sha1: { opaque: true },
  to_sha256: { opaque: true },
  domain: {},
  tld: {},
};

function textOf(step: Transform): string {
  switch (step.name) {
    case 'xor':
      return `xor:${Buffer.from(step.key).toString('hex')}`;
    case 'pcrexform':
      return `pcrexform:${JSON.stringify(step.expression.text)}`;
    case 'from_base64':
      return `from_base64:${step.bytes},${step.offset},${step.mode}`;
    default:
      return step.name;
  }
}

export function transformsOf(steps: readonly Transform[]): Transforms {
  return { steps, key: steps.map(textOf).join(' ') };
}

const every =
  (trait: keyof Traits) =>
  ({ steps }: Transforms): boolean =>
    steps.every(({ name }) => traits[name][trait] === true);

/** What is visible of an open buffer says what the beginning of the transformed one is. */
export const keepsBeginning = every('prefix');

/** What is looked for in any case stands in the buffer as it was. */
export const changesCaseAlone = every('case');

/** A masked byte spoils all of what the transforms made. */
export const isOpaque = ({ steps }: Transforms): boolean => steps.some(({ name }) => traits[name].opaque === true);
