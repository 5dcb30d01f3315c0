// SPDX-License-Identifier: Apache-2.0
// flowint: numbers of a flow, of 32 bits.

import type { FlowintOperator } from '../ast.js';
import { failValue, type Draft } from '../draft.js';
import { positionOf } from '../lines.js';
import { supported, type Keyword } from './types.js';

const operators: readonly FlowintOperator[] = ['=', '+', '-', '<', '<=', '>', '>=', '==', '!=', 'isset', 'isnotset'];
const NAME = /^[a-zA-Z][\w./]*$/;
const MAX = 0xffff_ffff;

function parseFlowint(draft: Draft, value: string): void {
  const [name = '', word = '', amount, ...more] = value.split(',').map((part) => part.trim());
  const operator = operators.find((candidate) => candidate === (word === 'notset' ? 'isnotset' : word));
  if (!NAME.test(name)) return failValue(draft, `"${name}" is not the name of a number`, 'begin it with a letter');
  if (!operator) {
    return failValue(draft, `"${word}" is not an operator of flowint`, `write one of ${operators.join(' ')}`);
  }
  const asks = operator === 'isset' || operator === 'isnotset';
  if (more.length > 0 || (asks && amount !== undefined)) {
    return failValue(draft, `flowint:${name},${word} has too many values`, 'remove what is too much');
  }
  const position = positionOf(draft.line, draft.keywordAt);
  if (asks) return void draft.parts.push({ kind: 'flowint', position, name, operator, value: 0 });
  const number = /^\d+$/.test(amount ?? '') ? Number(amount) : undefined;
  if (number === undefined ? !NAME.test(amount ?? '') : number > MAX) {
    const remedy = `write a number up to ${MAX}, or the name of another`;
    return failValue(draft, `"${amount ?? ''}" is no value for flowint`, remedy);
  }
  draft.parts.push({ kind: 'flowint', position, name, operator, value: number ?? amount ?? '' });
}

export const flowintKeywords: readonly Keyword[] = [
  supported(
    'packet',
    'flowint',
    'Numbers of a flow: `NAME,=,N`, `NAME,+,N`, `NAME,-,N` once the rule matched; `NAME,<,N` and likewise `<=`, `>`, `>=`, ' +
      '`==`, `!=`; `NAME,isset`, `NAME,notset` (`isnotset`). `N` may be the name of another',
    parseFlowint,
  ),
];
