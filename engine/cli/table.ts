// SPDX-License-Identifier: Apache-2.0
// Aligned columns for people.

export interface Column<Row> {
  readonly title: string;
  readonly align?: 'left' | 'right';
  value(row: Row): string | number | undefined;
}

/** Control characters in what a packet or a file said must not reach a terminal. */
export function plain(text: string): string {
  // eslint-disable-next-line no-control-regex -- exactly these are what must not get through
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '.');
}

/** The lines of a table; the last column is cut to the width of the terminal. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width = Infinity): string[] {
  const cells = rows.map((row) => columns.map((column) => plain(String(column.value(row) ?? ''))));
  const widths = columns.map((column, i) =>
    Math.max(column.title.length, ...cells.map((cell) => cell[i]?.length ?? 0)),
  );
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, i) => (columns[i]?.align === 'right' ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd()
      .slice(0, width);
  return [line(columns.map((column) => column.title.toUpperCase())), ...cells.map(line)];
}

/** `12,345`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1 rule`, `2 rules`. */
export function plural(value: number, noun: string, nouns = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : nouns}`;
}
