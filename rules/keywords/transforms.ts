// SPDX-License-Identifier: Apache-2.0
// Transforms: what is done to a sticky buffer before contents look into it, in the order of the rule.

import { fail, failValue, unsupported, type Draft } from '../draft.js';
import { flagsOf } from '../pcre/pcre.js';
import { sizeOf } from '../pcre/program.js';
import { countCaptures, parseExpression } from '../pcre/syntax.js';
import {
  MOST_TRANSFORMS,
  plainTransforms,
  transformsOf,
  type Base64Mode,
  type PlainTransform,
  type Transform,
} from '../transforms/transform.js';
import { reportProblem } from './pcre.js';
import { supported, type Keyword } from './types.js';

const MAX_KEY = 255;
/** Each end of a capture that is passed without a byte takes a call. */
const MAX_EXPRESSION = 4000;
const MAX_BASE64 = 0xffff;

const summaries: Readonly<Record<PlainTransform, string>> = {
  dotprefix: 'a dot is put before what it holds',
  to_lowercase: 'letters in lower case',
  to_uppercase: 'letters in upper case',
  strip_whitespace: 'without blanks, tabs and ends of lines',
  compress_whitespace: 'of several of them that stand together, the first',
  url_decode: '`%41` is A and `+` a blank',
  header_lowercase: 'names of headers in lower case',
  strip_pseudo_headers: 'without lines that begin with a colon',
  to_md5: 'its MD5, 16 bytes',
  to_sha1: 'its SHA-1, 20 bytes',
  to_sha256: 'its SHA-256, 32 bytes',
  domain: 'the domain of a host name: what is registered below a public suffix, and that',
  tld: 'the public suffix of a host name',
};

function add(draft: Draft, step: Transform): void {
  const { keywordAt: at, keyword } = draft;
  if (draft.buffer === 'payload') {
    return fail(draft, at, 'there is no buffer before it', 'write it behind a buffer such as dns.query');
  }
  // Behind contents it begins a buffer of its own, as in Suricata: they look at what is there as it is.
  if (draft.parts.some((part) => 'group' in part && part.group === draft.group)) {
    if (draft.dotprefix || draft.transforms) {
      return fail(draft, at, 'contents already look into what transforms made', `write ${keyword} before them`);
    }
    draft.group++;
  }
  const before: readonly Transform[] = draft.dotprefix ? [{ name: 'dotprefix' }] : (draft.transforms?.steps ?? []);
  if (before.length === MOST_TRANSFORMS) {
    return fail(draft, at, `more than ${MOST_TRANSFORMS} transforms`, 'remove one of them');
  }
  delete draft.lastContent;
  // A dot alone is put there by the kernel too.
  draft.dotprefix = step.name === 'dotprefix' && before.length === 0;
  draft.transforms = draft.dotprefix ? undefined : transformsOf([...before, step]);
}

const plain = (name: PlainTransform): Keyword =>
  supported('buffer', name, `Behind a sticky buffer: ${summaries[name]}`, (draft) => add(draft, { name }), {
    value: 'none',
  });

function parseXor(draft: Draft, value: string): void {
  if (!/^(?:[0-9a-fA-F]{2})+$/.test(value) || value.length > 2 * MAX_KEY) {
    return failValue(draft, `"${value}" is not a key of 1 to ${MAX_KEY} bytes`, 'write it in hexadecimal');
  }
  add(draft, { name: 'xor', key: Uint8Array.from(Buffer.from(value, 'hex')) });
}

function parseBase64(draft: Draft, value: string): void {
  let [bytes, offset] = [0, 0];
  let mode: Base64Mode = 'rfc4648';
  const seen = new Set<string>();
  for (const word of value === '' ? [] : value.split(',').map((part) => part.trim())) {
    const [, name = '', what = ''] = /^(bytes|offset|mode)[\s:]+(\S+)$/.exec(word) ?? [];
    const number = /^\d+$/.test(what) && Number(what) <= MAX_BASE64 ? Number(what) : undefined;
    const known = what === 'rfc4648' || what === 'rfc2045' || what === 'strict' ? what : undefined;
    if (name === '' || seen.has(name) || (name === 'mode' ? known : number) === undefined) {
      const remedy = `write bytes N, offset N (up to ${MAX_BASE64}), mode rfc4648, rfc2045 or strict, each once`;
      return failValue(draft, `"${word}" is not an option of from_base64`, remedy);
    }
    seen.add(name);
    if (name === 'bytes') bytes = number ?? 0;
    else if (name === 'offset') offset = number ?? 0;
    else mode = known ?? mode;
  }
  add(draft, { name: 'from_base64', bytes, offset, mode });
}

function parseExpressionOf(draft: Draft, value: string): void {
  const text = Buffer.from(value, 'utf8').toString('latin1');
  const flags = flagsOf('');
  try {
    const size = sizeOf(parseExpression(text, flags, 'begin'));
    if (!(size <= MAX_EXPRESSION)) return unsupported(draft, 'the expression is too large');
    if (countCaptures(text, flags) !== 1) {
      return failValue(draft, 'not exactly one of its groups captures', 'write (?:…) for the others');
    }
  } catch (error) {
    return reportProblem(draft, error);
  }
  add(draft, { name: 'pcrexform', expression: { text, modifiers: '' } });
}

export const transformKeywords: readonly Keyword[] = [
  ...plainTransforms.map(plain),
  supported('buffer', 'xor', 'Behind a sticky buffer: combined with a key: `HEXADECIMAL`', parseXor, {
    quotes: 'optional',
  }),
  supported(
    'buffer',
    'pcrexform',
    'Behind a sticky buffer: what the one group of an expression captures, or as it was where it does not match: `"text"`',
    parseExpressionOf,
    { quotes: 'mandatory' },
  ),
  supported(
    'buffer',
    'from_base64',
    'Behind a sticky buffer: decoded, or as it was if it cannot be: `bytes N`, `offset N`, `mode rfc4648` (`rfc2045`, `strict`)',
    parseBase64,
    { value: 'optional' },
  ),
];
