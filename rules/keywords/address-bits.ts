// SPDX-License-Identifier: Apache-2.0
// xbits and hostbits: what rules remember about addresses and pairs of them. Bits of one address are the same by either name.

import type { BitTrack } from '../ast.js';
import { failValue, type Draft } from '../draft.js';
import { positionOf } from '../lines.js';
import { takeBitCommand } from './bit-command.js';
import { takeNumber } from './integer.js';
import { supported, type Keyword } from './types.js';

const tracks: Readonly<Record<string, BitTrack>> = { ip_src: 'src', ip_dst: 'dst', ip_pair: 'pair' };
const sides: Readonly<Record<string, BitTrack>> = { src: 'src', dst: 'dst', both: 'both' };
const MAX_EXPIRE = 0xffff_ffff;

/** Seconds that a bit stays set without `expire`, as in Suricata. */
const EXPIRE = { xbits: 30, hostbits: 300 } as const;

/** The parts behind the name: whose bit, and for how long. */
function parseRest(draft: Draft, keyword: 'xbits' | 'hostbits', rest: readonly string[]): void | [BitTrack, number] {
  const [who, until, ...more] = rest;
  const remedy =
    keyword === 'xbits'
      ? 'write track ip_src, ip_dst or ip_pair, then expire SECONDS'
      : 'write src, dst or both, then SECONDS';
  if (more.length > 0) return failValue(draft, `"${more.join(',')}" is too much`, remedy);
  const track =
    keyword === 'hostbits' ? sides[who ?? 'src'] : tracks[/^track\s+(\w+)$/.exec(who ?? '')?.[1]?.toLowerCase() ?? ''];
  if (track === undefined) return failValue(draft, `"${who ?? ''}" does not say whose bit it is`, remedy);
  if (until === undefined) return [track, EXPIRE[keyword]];
  const text = keyword === 'hostbits' ? until : /^expire\s+(\S+)$/.exec(until)?.[1];
  if (text === undefined) return failValue(draft, `"${until}" does not say when it ends`, remedy);
  const expire = takeNumber(draft, text, 1, MAX_EXPIRE);
  return expire === undefined ? undefined : [track, expire];
}

function parser(keyword: 'xbits' | 'hostbits'): NonNullable<Keyword['parse']> {
  return (draft, value) => {
    const [word = '', name = '', ...rest] = value.split(',').map((part) => part.trim());
    const command = takeBitCommand(draft, word, value);
    if (!command) return;
    if (!/^\S+$/.test(name))
      return failValue(draft, `${keyword}:${command} needs a name`, `write ${keyword}:${command},NAME`);
    const found = parseRest(draft, keyword, rest);
    if (!found) return;
    const [track, expire] = found;
    const position = positionOf(draft.line, draft.keywordAt);
    draft.parts.push({ kind: 'addressbit', keyword, position, command, name, track, expire });
  };
}

export const addressBitKeywords: readonly Keyword[] = [
  supported(
    'packet',
    'xbits',
    'Bits of an address or a pair: `set`, `unset`, `toggle` once the rule matched, `isset`, `isnotset`, each ' +
      '`COMMAND,NAME,track ip_src`, `ip_dst` or `ip_pair`, then `,expire SECONDS` (30); `noalert`',
    parser('xbits'),
  ),
  supported(
    'packet',
    'hostbits',
    'As `xbits`, of one address: `COMMAND,NAME`, then `,src` (unless set), `,dst` or `,both`, then `,SECONDS` (300)',
    parser('hostbits'),
  ),
];
