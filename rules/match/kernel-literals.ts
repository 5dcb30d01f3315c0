// SPDX-License-Identifier: Apache-2.0
// Contents that the kernel looks for in heads as they were sent, before it masks values: what stands in a value that is
// masked can be told in no other way.

import type { Buffer as BufferName, ContentMatch } from '../ast.js';

/** Buffers in which values are masked. */
const masked: ReadonlySet<BufferName> = new Set<BufferName>(['http.uri', 'http.header']);

function keyOf(content: ContentMatch): string {
  const { buffer, dotprefix, nocase, startswith, endswith, offset = 0, depth = '', pattern } = content;
  const bytes = Buffer.from(pattern).toString('latin1');
  return [buffer, dotprefix, nocase, startswith, endswith, offset, depth, bytes].join('\n');
}

/** Numbers contents; equal ones share a number. */
export class LiteralTable {
  readonly contents: ContentMatch[] = [];
  readonly #numbers = new Map<string, number>();

  /** The number of a content, whether it is negated or not; -1 if nothing is masked in its buffer. */
  numberOf(content: ContentMatch): number {
    if (!masked.has(content.buffer)) return -1;
    const key = keyOf(content);
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.contents.push(content) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }
}
