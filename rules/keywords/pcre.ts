// SPDX-License-Identifier: Apache-2.0
// pcre: a regular expression with its modifiers.

import type { Buffer as BufferName } from '../ast.js';
import { fail, failValue, unsupported, type Draft } from '../draft.js';
import { positionOf } from '../lines.js';
import { flagsOf } from '../pcre/pcre.js';
import { checkSize } from '../pcre/program.js';
import { parseExpression, PcreProblem } from '../pcre/syntax.js';
import { placeOf, type Place } from '../variables.js';
import { supported, type Keyword } from './types.js';

const FORM = /^\/(.*)\/([A-Za-z]*)\s*(,.*)?$/s;
const MEANING = 'ismxAEG';

/** Letters that choose a buffer. */
const buffers: ReadonlyMap<string, BufferName> = new Map<string, BufferName>([
  ['U', 'http.uri'],
  ['I', 'http.uri.raw'],
  ['P', 'http.request_body'],
  ['Q', 'file.data'],
  ['H', 'http.header'],
  ['D', 'http.header.raw'],
  ['M', 'http.method'],
  ['C', 'http.cookie'],
  ['S', 'http.stat_code'],
  ['Y', 'http.stat_msg'],
  ['V', 'http.user_agent'],
  ['W', 'http.host'],
  ['Z', 'http.host.raw'],
]);

/** What the expression looks into; undefined if its letters contradict each other or the sticky buffer. */
function placeByLetters(draft: Draft, letters: string): Place | undefined {
  const named = [...letters].flatMap((letter) => buffers.get(letter) ?? []);
  const [buffer] = named;
  if (buffer === undefined) return placeOf(draft, letters.includes('R'));
  if (named.some((other) => other !== buffer)) {
    return failValue(draft, 'two of its modifiers choose a buffer', 'write one of them');
  }
  // Q is about the body of a response, whatever it is called.
  const same = draft.buffer === buffer || (buffer === 'file.data' && draft.buffer === 'http.response_body');
  if (same) return placeOf(draft, true);
  if (draft.buffer !== 'payload') {
    return failValue(
      draft,
      `its modifiers choose ${buffer}, and ${draft.buffer} is in force`,
      'write pkt_data before it',
    );
  }
  return { buffer, group: draft.group, dotprefix: false, transforms: undefined };
}

/** Reports what is wrong with the expression of the keyword being parsed; other errors go on. */
export function reportProblem(draft: Draft, error: unknown): void {
  if (!(error instanceof PcreProblem)) throw error;
  if (error.unsupported) unsupported(draft, error.message);
  else fail(draft, draft.valueAt, `at ${error.at + 1} of the expression: ${error.message}`, 'correct it');
}

function check(draft: Draft, text: string, modifiers: string): boolean {
  try {
    checkSize(parseExpression(text, flagsOf(modifiers)));
    return true;
  } catch (error) {
    reportProblem(draft, error);
    return false;
  }
}

function parsePcre(draft: Draft, value: string, negated: boolean): void {
  const form = FORM.exec(value);
  if (!form) return failValue(draft, 'the expression does not stand between slashes', 'write pcre:"/EXPRESSION/";');
  const [, source = '', letters = '', captures] = form;
  const unknown = [...letters].find((letter) => !`${MEANING}ROB`.includes(letter) && !buffers.has(letter));
  if (unknown !== undefined) return failValue(draft, `"${unknown}" is not a modifier`, 'remove it');
  const place = placeByLetters(draft, letters);
  if (!place) return;
  const text = Buffer.from(source, 'utf8').toString('latin1');
  const modifiers = [...MEANING].filter((letter) => letters.includes(letter)).join('');
  if (!check(draft, text, modifiers)) return;
  if (captures !== undefined) return unsupported(draft, 'what an expression captures is not kept');
  draft.parts.push({
    kind: 'pcre',
    expression: { text, modifiers },
    position: positionOf(draft.line, draft.keywordAt),
    ...place,
    relative: letters.includes('R'),
    negated,
    keywordAt: draft.keywordAt,
  });
}

export const pcreKeywords: readonly Keyword[] = [
  supported(
    'content',
    'pcre',
    'A regular expression in the buffer in force: `"/text/"`, `!"/text/"`; modifiers `i` `s` `m` `x` `A` `E` `G`, `R` ' +
      '(behind what was found before), `B` and `O` (no effect), and for buffers `U` `I` `P` `Q` `H` `D` `M` `C` `S` `Y` `V` `W` `Z`',
    parsePcre,
    { quotes: 'optional', negatable: true },
  ),
];
