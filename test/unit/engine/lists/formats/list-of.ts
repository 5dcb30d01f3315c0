// SPDX-License-Identifier: Apache-2.0
// Lists as texts, for comparing.

import { batchTexts } from '../../../../../engine/lists/batch-text.js';
import type { ParseOptions } from '../../../../../engine/lists/formats/formats.js';
import { parseList } from '../../../../../engine/lists/formats/parse.js';

/** Reads a text and gives its entries, its bad lines as `line:column cause`, and its format. */
export function listOf(text: string | Uint8Array, options: ParseOptions = {}) {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const list = parseList(bytes, options);
  return {
    format: list.format,
    entries: list.groups.flatMap(({ batch }) => [...batchTexts(batch)]),
    bad: list.badLines.map(({ line, column, cause }) => `${line}:${column} ${cause}`),
    list,
  };
}
