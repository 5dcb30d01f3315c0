// SPDX-License-Identifier: Apache-2.0
// Prefixes as columns, as rules hand them to the lists: typed arrays alone, so that they cross threads without a copy.

/**
 * Each family is sorted by address, then by length; every prefix stands once and its host bits are zero. IPv4-mapped
 * IPv6 prefixes are in the IPv4 columns.
 */
export interface PrefixColumns {
  /** Entries of both families. */
  readonly count: number;
  /** IPv4 addresses as numbers: 192.0.2.7 is 0xc0000207. */
  readonly addr4: Uint32Array<ArrayBuffer>;
  /** 0 to 32. */
  readonly len4: Uint8Array<ArrayBuffer>;
  /** IPv6 addresses, four numbers an entry, the most significant first. */
  readonly addr6: Uint32Array<ArrayBuffer>;
  /** 0 to 128. */
  readonly len6: Uint8Array<ArrayBuffer>;
}
