// SPDX-License-Identifier: Apache-2.0
// Addresses as operators type them: one address, CIDR with or without host bits, or a range `first-last`.

import IPCIDR from 'ip-cidr';
import { formatAddress, isMapped4, parseAddress, parsePrefix, type Prefix } from '../../common/address.js';
import { IdsError } from '../../common/errors.js';

/** A range that needs more prefixes than this is a typing error more likely than a wish; no IPv4 range needs more. */
const MAX_PREFIXES = 256;

function toBig(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

function toBytes(value: bigint): Uint8Array {
  return new Uint8Array(Buffer.from(value.toString(16).padStart(32, '0'), 'hex'));
}

/** The fewest prefixes that make up `first` to `last`, both included. */
function rangePrefixes(text: string, first: Uint8Array, last: Uint8Array): Prefix[] {
  let from = toBig(first);
  const to = toBig(last);
  if (isMapped4(first) !== isMapped4(last) || from > to) {
    throw new IdsError(
      'ADDRESS_INVALID',
      `"${text}" is not a range: write the lower address first, both of one family`,
    );
  }
  const prefixes: Prefix[] = [];
  while (from <= to) {
    let bits = 0;
    // The largest block that starts here and does not reach beyond the end.
    while (bits < 128 && (from & ((1n << BigInt(bits + 1)) - 1n)) === 0n && from + (1n << BigInt(bits + 1)) - 1n <= to)
      bits++;
    prefixes.push({ bytes: toBytes(from), length: 128 - bits });
    if (prefixes.length > MAX_PREFIXES) {
      throw new IdsError('ADDRESS_INVALID', `"${text}" needs more than ${MAX_PREFIXES} prefixes: write it as CIDR`);
    }
    from += 1n << BigInt(bits);
  }
  return prefixes;
}

/** What somebody who wrote `text` may have meant. */
function suggest(text: string): string {
  const octets = /^(\d{1,3}(?:\.\d{1,3}){0,2})(?:\.\*)*\.?(?:\/(\d+))?$/.exec(text);
  const parts = octets?.[1]?.split('.') ?? [];
  if (parts.length > 0) {
    const guess = `${[...parts, '0', '0', '0'].slice(0, 4).join('.')}/${octets?.[2] ?? parts.length * 8}`;
    if (IPCIDR.isValidCIDR(guess)) return `did you mean ${guess}?`;
  }
  return 'write for example 192.0.2.7, 192.0.2.0/24, 2001:db8::/32 or 192.0.2.10-192.0.2.20';
}

/**
 * The prefixes of one word of an operator. Host bits are cleared: 192.0.2.7/24 means 192.0.2.0/24.
 * @throws IdsError ADDRESS_INVALID
 */
export function parseOperatorPrefixes(word: string): Prefix[] {
  const text = word.trim();
  const range = /^([0-9a-fA-F:.]+)\s*-\s*([0-9a-fA-F:.]+)$/.exec(text);
  if (range) return rangePrefixes(text, parseAddress(range[1] ?? ''), parseAddress(range[2] ?? ''));
  if (IPCIDR.isValidAddress(text) || IPCIDR.isValidCIDR(text)) {
    try {
      return [parsePrefix(text)];
    } catch {
      // ip-cidr is more generous than the lists are: zone ids and the like
    }
  }
  throw new IdsError('ADDRESS_INVALID', `"${word}" is not an address or prefix: ${suggest(text)}`);
}

/** The first and last address of a prefix, for people. */
export function prefixBounds(prefix: Prefix): { first: string; last: string } {
  const from = toBig(prefix.bytes);
  const last = from + (1n << BigInt(128 - prefix.length)) - 1n;
  return { first: formatAddress(prefix.bytes), last: formatAddress(toBytes(last)) };
}
