// SPDX-License-Identifier: Apache-2.0
// Numbers that a message has: dns.opcode, dns.rcode, dns.rrtype, tls.version.

import { dnsRcodes, dnsTypes } from '../../common/dns-names.js';
import type { Buffer as BufferName, NumberRange } from '../ast.js';
import { failValue, type Draft } from '../draft.js';
import { positionOf } from '../lines.js';
import { takeInteger } from './integer.js';
import { supported, type Keyword } from './types.js';

const rcodes: ReadonlyMap<string, number> = new Map(dnsRcodes.map((name, code) => [name.toLowerCase(), code]));
const types: ReadonlyMap<string, number> = new Map([...dnsTypes].map(([type, name]) => [name.toLowerCase(), type]));

/** Asks the number that stands in the buffer. */
export function pushNumber(draft: Draft, buffer: BufferName, ranges: readonly NumberRange[]): void {
  const { keywordAt } = draft;
  draft.parts.push({
    kind: 'number',
    position: positionOf(draft.line, keywordAt),
    buffer,
    // Of several in a message, each keyword may mean another; no sticky buffer has such a number.
    group: -1 - draft.parts.length,
    dotprefix: false,
    transforms: undefined,
    ranges,
    keywordAt,
  });
}

/** A number in the general notation, or one of the names. */
function number(name: BufferName, what: string, max: number, names?: ReadonlyMap<string, number>): Keyword {
  const word = names === undefined ? '' : ' or a name';
  const summary = `${what}: a number as in \`ttl\`${word}`;
  return supported('buffer', name, summary, (draft, value) => {
    const [, not = '', text = ''] = /^(!?)\s*([A-Za-z][A-Za-z0-9]*)$/.exec(value) ?? [];
    const known = names?.get(text.toLowerCase());
    if (known !== undefined) return pushNumber(draft, name, [{ lo: known, hi: known, negate: not !== '' }]);
    if (names !== undefined && text !== '') {
      return failValue(draft, `"${text}" is not a name that is known`, 'write the number');
    }
    const test = takeInteger(draft, value, max);
    if (test) pushNumber(draft, name, [test]);
  });
}

const exact = (value: number): NumberRange => ({ lo: value, hi: value, negate: false });
const versions: Readonly<Record<string, readonly NumberRange[]>> = {
  '1.0': [exact(0x0301)],
  '1.1': [exact(0x0302)],
  '1.2': [exact(0x0303)],
  // Drafts of it too.
  '1.3': [exact(0x0304), { lo: 0x7f00, hi: 0x7fff, negate: false }],
};

function parseVersion(draft: Draft, value: string): void {
  const raw = /^0x[0-9a-fA-F]{1,4}$/.test(value) ? [exact(Number(value))] : undefined;
  const ranges = raw ?? (Object.hasOwn(versions, value) ? versions[value] : undefined);
  if (ranges) return pushNumber(draft, 'tls.version', ranges);
  failValue(draft, `"${value}" is not a version`, 'write 1.0, 1.1, 1.2, 1.3 or a number such as 0x0303');
}

export const numberKeywords: readonly Keyword[] = [
  number('dns.opcode', 'Opcode of a DNS message', 255),
  number('dns.rcode', 'Response code of a DNS message', 65535, rcodes),
  number('dns.rrtype', 'Type of a question or an answer of a DNS message', 65535, types),
  supported(
    'buffer',
    'tls.version',
    'TLS version that a server chose, or a client offers first: `1.0` to `1.3`, or a number: `0x7f12`',
    parseVersion,
  ),
];
