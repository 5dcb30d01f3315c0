// SPDX-License-Identifier: Apache-2.0
// Prefixes that every peer can hold, none inside another, and how each peer's tool wants to read them.

import { mixed4, randomWords } from './prefix-mix.js';

export interface Prefixes4 {
  readonly addr: Uint32Array;
  readonly length: Uint8Array;
}

/** First octets that may be a source: neither "this network", nor loopback, nor multicast and beyond. */
const unicast = (addr: number): boolean => addr >>> 24 > 0 && addr >>> 24 < 224 && addr >>> 24 !== 127;

/** Of random prefixes those that lie in no other one, the same in every run, in random order. */
export function disjoint4(count: number, seed = 1): Prefixes4 {
  const next = randomWords(seed);
  const { addr4, len4 } = mixed4(Math.ceil(count * 1.3) + 64, next);
  const keys = Float64Array.from(addr4, (addr, i) => addr * 64 + (len4[i] ?? 0)).sort();
  const kept: number[] = [];
  let end = -1;
  for (const key of keys) {
    const addr = Math.floor(key / 64);
    if (addr <= end || !unicast(addr)) continue;
    end = addr + 2 ** (32 - (key % 64)) - 1;
    kept.push(key);
  }
  for (let i = kept.length - 1; i > 0; i--) {
    const j = next() % (i + 1);
    [kept[i], kept[j]] = [kept[j] ?? 0, kept[i] ?? 0];
  }
  if (kept.length < count) throw new Error(`only ${kept.length} of ${count} prefixes lie in no other one`);
  const picked = kept.slice(0, count);
  return {
    addr: Uint32Array.from(picked, (key) => Math.floor(key / 64)),
    length: Uint8Array.from(picked, (key) => key % 64),
  };
}

/** Of a list the first single addresses. */
export function hosts4({ addr, length }: Prefixes4, count: number): Prefixes4 {
  const hosts: number[] = [];
  for (let i = 0; i < length.length && hosts.length < count; i++) if (length[i] === 32) hosts.push(addr[i] ?? 0);
  return { addr: Uint32Array.from(hosts), length: new Uint8Array(hosts.length).fill(32) };
}

export const dotted = (addr: number): string =>
  `${addr >>> 24}.${(addr >>> 16) & 255}.${(addr >>> 8) & 255}.${addr & 255}`;

/** Each prefix as text, single addresses without a length. */
export function texts4({ addr, length }: Prefixes4): string[] {
  return Array.from(addr, (one, i) => (length[i] === 32 ? dotted(one) : `${dotted(one)}/${length[i] ?? 32}`));
}

/** For `nft -f`: a set of intervals and a rule that drops at the ingress of a device, before everything else. */
export function nftText(texts: readonly string[], device: string): string {
  return `table netdev bench {
  set listed { type ipv4_addr; flags interval; elements = { ${texts.join(',\n')} } }
  chain ingress { type filter hook ingress device "${device}" priority 0; ip saddr @listed drop; }
}
`;
}

/** For `ipset restore`. The hash begins at the size that it would grow to: the best case for it. */
export function ipsetText(texts: readonly string[]): string {
  const hash = 2 ** Math.ceil(Math.log2(Math.max(1024, texts.length / 4)));
  const create = `create listed hash:net family inet hashsize ${hash} maxelem ${Math.max(65536, 2 * texts.length)}\n`;
  return `${create}${texts.map((text) => `add listed ${text}\n`).join('')}`;
}
