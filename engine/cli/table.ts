// SPDX-License-Identifier: Apache-2.0
// Aligned columns for people.

export interface Column<Row> {
  readonly title: string;
  readonly align?: 'left' | 'right';
  value(row: Row): string | number | undefined;
}

/** What must not reach a terminal from a packet or a file: control characters, and marks that turn the text around. */
export function plain(text: string): string {
  // eslint-disable-next-line no-control-regex -- exactly these are what must not get through
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '.');
}

/** The lines of a table with its titles first; a line is cut to `width`. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width = Infinity): string[] {
  const cells = rows.map((row) => columns.map((column) => plain(String(column.value(row) ?? ''))));
  const widths = columns.map((column, i) =>
    cells.reduce((widest, cell) => Math.max(widest, cell[i]?.length ?? 0), column.title.length),
  );
  const line = (texts: readonly string[]): string => {
    const padded = texts.map((text, i) =>
      columns[i]?.align === 'right' ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0),
    );
    const whole = padded.join('  ').trimEnd();
    return whole.length <= width ? whole : `${whole.slice(0, width - 1)}…`;
  };
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
