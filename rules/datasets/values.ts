// SPDX-License-Identifier: Apache-2.0
// What data sets hold, as keys of a map (one character a byte), and how it is written in their files: one value a line,
// text in Base64, hashes in hexadecimal, addresses as such; of reputation a comma and the score behind it.

import { isIPv4, isIPv6 } from 'node:net';
import { formatAddress, parseAddress } from '../../common/address.js';

export const datasetTypes = ['string', 'md5', 'sha256', 'ipv4', 'ip'] as const;
export type DatasetType = (typeof datasetTypes)[number];

/** Bytes of a value; addresses are mapped, text has any length. */
const LENGTH: Readonly<Record<Exclude<DatasetType, 'string'>, number>> = { md5: 16, sha256: 32, ipv4: 16, ip: 16 };
export const MAX_REPUTATION = 65_535;

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');

/** The key of what stands in a buffer; undefined if it is no value of this type. */
export function keyOf(type: DatasetType, bytes: Uint8Array): string | undefined {
  if (type === 'string') return latin1(bytes);
  return bytes.length === LENGTH[type] ? latin1(bytes) : undefined;
}

/** The key of an address, in the mapped 128-bit space. */
export function addressKey(address: bigint): string {
  return Buffer.from(address.toString(16).padStart(32, '0'), 'hex').toString('latin1');
}

/** The address of a key of `ip` and `ipv4`. */
export function addressOf(key: string): bigint {
  return BigInt(`0x${Buffer.from(key, 'latin1').toString('hex')}`);
}

/** The key of a value as files have it; undefined if it is none. */
export function parseValue(type: DatasetType, text: string): string | undefined {
  switch (type) {
    case 'string': {
      const sound = text !== '' && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
      return sound ? Buffer.from(text, 'base64').toString('latin1') : undefined;
    }
    case 'md5':
    case 'sha256': {
      const sound = text.length === 2 * LENGTH[type] && /^[0-9a-fA-F]+$/.test(text);
      return sound ? Buffer.from(text, 'hex').toString('latin1') : undefined;
    }
    case 'ipv4':
    case 'ip': {
      const sound = isIPv4(text) || (type === 'ip' && isIPv6(text) && !text.includes('%'));
      return sound ? latin1(parseAddress(text)) : undefined;
    }
  }
}

/** The value of a key as files have it. */
export function formatValue(type: DatasetType, key: string): string {
  const bytes = Buffer.from(key, 'latin1');
  if (type === 'string') return bytes.toString('base64');
  return type === 'md5' || type === 'sha256' ? bytes.toString('hex') : formatAddress(bytes);
}
