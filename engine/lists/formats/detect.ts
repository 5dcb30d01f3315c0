// SPDX-License-Identifier: Apache-2.0
// Which format a list has, by what is in it.

import { describeTable } from './csv.js';
import type { ListFormat } from './formats.js';
import { isBlank, isComment, lineEnd, skipBlanks } from './plain.js';
import { PrefixScanner } from './prefix-scanner.js';

/** Lines that are looked at, comments left out. */
const SAMPLE = 50;

const NFT =
  /^(?:#!.*nft\b|table\s+\w+\s|add\s+(?:table|set|element)\s|flush\s+(?:set|table|ruleset)\b|define\s+\w+\s*=|delete\s+(?:table|set|element)\s|set\s+\S+\s*\{|elements\s*=|\{)/;
const IPSET = /^(?:(?:create|-N|--create)\s+\S+\s+(?:hash|bitmap|list):|(?:add|-A|--add)\s+\S+\s+\S)/;

const scanner = new PrefixScanner();

/** True if a line begins with an entry, whatever follows. */
function beginsWithEntry(bytes: Uint8Array, at: number, end: number): boolean {
  return scanner.prefix(bytes, at, end) && (scanner.delimited(bytes, end) || bytes[scanner.at] === 0x2d);
}

/** The format of a list that begins at `start`. What is none of the others is plain: its lines will be told as bad. */
export function detectFormat(bytes: Uint8Array, start: number): ListFormat {
  let seen = 0;
  for (let at = start; at < bytes.length && seen < SAMPLE; at = lineEnd(bytes, at) + 1) {
    const end = lineEnd(bytes, at);
    const first = skipBlanks(bytes, at, end);
    const text = Buffer.from(bytes.subarray(first, Math.min(end, first + 300))).toString('latin1');
    if (seen === 0 && /^#!.*nft\b/.test(text)) return 'nft';
    if (isComment(bytes, first, end)) continue;
    if (seen === 0) {
      if (text.startsWith('[') || /^\{\s*(?:"|\}|$)/.test(text)) return jsonOrNft(bytes, first);
      if (beginsWithEntry(bytes, first, end)) return 'plain';
    }
    seen++;
    if (NFT.test(text)) return 'nft';
    if (IPSET.test(text)) return 'ipset';
  }
  return typeof describeTable(bytes, start) === 'string' ? 'plain' : 'csv';
}

/** A lone brace begins a JSON object, or an nft set if an address follows. */
function jsonOrNft(bytes: Uint8Array, at: number): ListFormat {
  if (bytes[at] !== 0x7b) return 'json';
  at++;
  while (at < bytes.length && (isBlank(bytes[at] ?? 0) || bytes[at] === 0x0a)) at++;
  return bytes[at] === 0x22 || bytes[at] === 0x7d ? 'json' : 'nft';
}
