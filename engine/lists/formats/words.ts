// SPDX-License-Identifier: Apache-2.0
// Words and options of `ipset save` and nft files.

/** The word or quoted text at `at` (blanks skipped): its bounds without the quotes, and where reading goes on. */
export interface Word {
  readonly start: number;
  readonly end: number;
  readonly next: number;
}

export function readWord(bytes: Uint8Array, at: number, end: number): Word | undefined {
  while (at < end && (bytes[at] ?? 0) <= 0x20) at++;
  if (at >= end) return undefined;
  if (bytes[at] === 0x22) {
    let close = at + 1;
    while (close < end && bytes[close] !== 0x22) close += bytes[close] === 0x5c ? 2 : 1;
    return { start: at + 1, end: Math.min(close, end), next: Math.min(end, close + 1) };
  }
  let stop = at;
  while (stop < end && (bytes[stop] ?? 0) > 0x20) stop++;
  return { start: at, end: stop, next: stop };
}

export function textOf(bytes: Uint8Array, { start, end }: { readonly start: number; readonly end: number }): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `300` (seconds), `1d2h3m4s5ms`; NaN if it is neither. */
export function remaining(text: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text) * 1000;
  const parts = [...text.matchAll(/(\d{1,12})(ms|[smhd])/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text) return NaN;
  return parts.reduce((sum, part) => sum + Number(part[1]) * (UNITS[part[2] ?? ''] ?? NaN), 0);
}
