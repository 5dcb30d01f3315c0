// SPDX-License-Identifier: Apache-2.0
// What the tests of the documentation read out of a Markdown file.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../../../', import.meta.url));

export function readDoc(path: string): string {
  return readFileSync(`${root}${path}`, 'utf8');
}

export interface Section {
  readonly title: string;
  readonly text: string;
}

/** The sections under headings of one level, each up to the next heading of that level or a higher one. */
export function sections(markdown: string, level: number): Section[] {
  const parts = markdown.split(new RegExp(`^(#{1,${level}}) (.*)$`, 'm'));
  const found: Section[] = [];
  for (let i = 1; i < parts.length; i += 3) {
    if (parts[i]?.length === level) found.push({ title: parts[i + 1] ?? '', text: parts[i + 2] ?? '' });
  }
  return found;
}

/** The tables of a text: the cells of each row, the titles first. */
export function tables(markdown: string): string[][][] {
  return [...markdown.matchAll(/(?:^\|.*\|\n)+/gm)].map(([table]) =>
    table
      .trimEnd()
      .split('\n')
      .filter((line) => !/^\|[-| :]+\|$/.test(line))
      .map((line) =>
        line
          .slice(1, -1)
          .split(/(?<!\\)\|/)
          .map((cell) => cell.trim().replaceAll('\\|', '|')),
      ),
  );
}

/** The fenced blocks of a text with their language. */
export function codeBlocks(markdown: string): { language: string; text: string }[] {
  return [...markdown.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language = '', text = '']) => ({
    language,
    text,
  }));
}

/** A heading as GitHub makes a fragment of it. */
export function anchor(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}
