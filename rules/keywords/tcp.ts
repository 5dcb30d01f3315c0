// SPDX-License-Identifier: Apache-2.0
// Keywords on the TCP header.

import { Field } from '../../common/abi.gen.js';
import { addConditions, failValue, type Draft } from '../draft.js';
import { exactKeyword, integerCondition, integerKeyword, takeNumber } from './integer.js';
import { supported, type Keyword } from './types.js';

const flagBits: Readonly<Record<string, number>> = {
  F: 0x01,
  S: 0x02,
  R: 0x04,
  P: 0x08,
  A: 0x10,
  U: 0x20,
  E: 0x40,
  '2': 0x40,
  C: 0x80,
  '1': 0x80,
  '0': 0,
};
const ALL = 0xff;

function bitsOf(letters: string): number {
  return [...letters.toUpperCase()].reduce((sum, letter) => sum | (flagBits[letter] ?? 0), 0);
}

/** `flags:[+*!]LETTERS[,IGNORED]`; without a modifier the flags must be exactly these, leaving out the ignored ones. */
function parseFlags(draft: Draft, value: string): void {
  const match = /^([+*!]?)\s*([SAPRFUCE120]+)([+*!]?)(?:\s*,\s*([SAPRFUCE12]+))?$/i.exec(value);
  if (!match) {
    return failValue(draft, `"${value}" are not TCP flags`, 'write letters of F S R P A U E C, or 0, behind +, * or !');
  }
  const [, before = '', letters = '', after = '', ignoredLetters = ''] = match;
  if (before !== '' && after !== '') return failValue(draft, 'two modifiers', 'write one of +, * and !');
  if (letters.includes('0') && /[^0]/.test(letters)) {
    return failValue(draft, '0 stands for no flag at all', 'write 0 alone, or the flags without it');
  }
  const modifier = before || after;
  const flags = bitsOf(letters);
  const regarded = ALL & ~bitsOf(ignoredLetters);
  const never = (why: string): undefined =>
    failValue(draft, `${why}, this can never match`, 'correct the flags or the mask');
  const add = (mask: number, lo: number, hi: number, negate: boolean): void =>
    addConditions(draft, [{ field: Field.TCP_FLAGS, negate, mask, lo, hi }]);
  // Without flags the mask is not regarded: Suricata asks the whole byte.
  if (flags === 0) return modifier === '*' ? never('no flag is named') : add(ALL, 0, 0, modifier === '!');
  if (modifier === '*')
    return (flags & regarded) === 0 ? never('all flags are ignored') : add(flags & regarded, 1, ALL, false);
  if (modifier === '!') return add(flags & regarded, flags, flags, true);
  if ((flags & ~regarded) !== 0) return never('a flag is asked for and ignored');
  add(modifier === '+' ? flags : regarded, flags, flags, false);
}

function parseWindow(draft: Draft, value: string): void {
  const match = /^(!?)\s*(\d+)$/.exec(value);
  const size = takeNumber(draft, match?.[2] ?? value, 0, 0xffff);
  if (size === undefined) return;
  addConditions(draft, [integerCondition(Field.TCP_WINDOW, { lo: size, hi: size, negate: match?.[1] === '!' })]);
}

const FLAGS =
  'TCP flags: letters of `F` `S` `R` `P` `A` `U` `E` `C` (`1` = C, `2` = E) or `0` for none; `+` these and more, `*` any, ' +
  '`!` not all; `,LETTERS` leaves flags out of regard';

export const tcpKeywords: readonly Keyword[] = [
  supported('tcp', 'tcp.flags', FLAGS, parseFlags, { aliases: ['flags'] }),
  exactKeyword('tcp', 'tcp.seq', 'Sequence number', Field.TCP_SEQ, 0xffff_ffff, ['seq']),
  exactKeyword('tcp', 'tcp.ack', 'Acknowledgement number', Field.TCP_ACK, 0xffff_ffff, ['ack']),
  supported('tcp', 'tcp.window', 'Window as sent, not scaled: `N`, `!N`', parseWindow, { aliases: ['window'] }),
  integerKeyword('tcp', 'tcp.mss', 'Maximum segment size option', Field.TCP_MSS, 0xffff),
  integerKeyword('tcp', 'tcp.wscale', 'Window scale option', Field.TCP_WSCALE, 0xff),
];
