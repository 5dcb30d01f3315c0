// SPDX-License-Identifier: Apache-2.0
// iprep: the reputation of an address in one category.

import type { AddressMatch, AddressSet } from '../ast.js';
import { allAddresses } from '../addresses.js';
import { failValue, unsupported, type Draft } from '../draft.js';
import { positionOf } from '../lines.js';
import { MAX_SCORE, type Reputation } from '../reputation.js';
import { subtract } from '../sets.js';
import { didYouMean } from '../suggest.js';
import { takeNumber } from './integer.js';
import { supported, type Keyword } from './types.js';

const sides: readonly AddressMatch['side'][] = ['any', 'src', 'dst', 'both'];
const SHAPE = 'write for example iprep:src,BadHosts,>,30 or iprep:src,BadHosts,isset';

/** Inclusive bounds of the scores. */
const bounds: Readonly<Record<string, (score: number) => readonly [number, number]>> = {
  '<': (score) => [0, score - 1],
  '<=': (score) => [0, score],
  '>': (score) => [score + 1, MAX_SCORE],
  '>=': (score) => [score, MAX_SCORE],
  '=': (score) => [score, score],
};

function setOf(
  draft: Draft,
  reputation: Reputation,
  category: number,
  rest: readonly string[],
): AddressSet | undefined {
  const [operator = '', score, ...more] = rest;
  if (more.length > 0) return failValue(draft, `"${more.join(',')}" is too much`, SHAPE);
  if (operator === 'isset' || operator === 'isnotset') {
    if (score !== undefined) return failValue(draft, `${operator} takes no score`, SHAPE);
    const listed = reputation.having(category, 0, MAX_SCORE);
    return operator === 'isset' ? listed : subtract(allAddresses, listed);
  }
  const range = Object.hasOwn(bounds, operator) ? bounds[operator] : undefined;
  if (!range) {
    return failValue(draft, `"${operator}" is not an operator`, 'write <, <=, >, >=, =, isset or isnotset');
  }
  const number = takeNumber(draft, score ?? '', 0, MAX_SCORE);
  return number === undefined ? undefined : reputation.having(category, ...range(number));
}

function parseIprep(draft: Draft, value: string): void {
  const [who = '', name = '', ...rest] = value.split(',').map((part) => part.trim());
  const side = sides.find((word) => word === who);
  if (!side) return failValue(draft, `"${who}" does not say whose reputation`, SHAPE);
  const { reputation } = draft.options;
  if (!reputation) return unsupported(draft, 'no reputation lists are configured (reputation)');
  const category = reputation.categories.get(name);
  if (category === undefined) {
    const remedy = didYouMean(name, reputation.categories.keys(), 'name it in the file of categories');
    return failValue(draft, `"${name}" is not a category of reputation`, remedy);
  }
  const set = setOf(draft, reputation, category, rest);
  if (set === undefined) return;
  const position = positionOf(draft.line, draft.keywordAt);
  draft.parts.push({ kind: 'address', keyword: 'iprep', position, side, set });
}

export const iprepKeywords: readonly Keyword[] = [
  supported(
    'ip',
    'iprep',
    'Reputation of an address: `src`, `dst`, `both` or `any`, a category, then `<`, `<=`, `>`, `>=`, `=` and a score up to ' +
      '127, or `isset`, `isnotset`: `src,BadHosts,>,30`; needs `reputation`',
    parseIprep,
  ),
];
