// SPDX-License-Identifier: Apache-2.0
// What every benchmark prints: figures of one run, each beside the floor or peer that it was measured with.

export interface Row {
  readonly what: string;
  readonly figure: string;
  /** The same as a multiple of the floor or peer of this run. */
  readonly ratio?: string;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** The smallest value that at least `share` of the values do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

/** Prints a table in Markdown, so that it can be pasted into the README as it is. */
export function print(title: string, rows: readonly Row[]): void {
  console.log(`\n${title}\n`);
  console.log('| what | figure | relative |');
  console.log('|---|---|---|');
  for (const { what, figure, ratio = '' } of rows) console.log(`| ${what} | ${figure} | ${ratio} |`);
}
