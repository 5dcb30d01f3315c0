// SPDX-License-Identifier: Apache-2.0
// What rules ask of the single lines of a header section; made when the first of them asks.

import type { Fields } from './fields.js';
import { BufferId } from './message.js';

const END_OF_LINE = Buffer.from('\r\n');

/** Names of fields, in lower case, by the buffer that has their value. */
const values: ReadonlyMap<BufferId, string> = new Map<BufferId, string>([
  [BufferId.ACCEPT, 'accept'],
  [BufferId.ACCEPT_ENC, 'accept-encoding'],
  [BufferId.ACCEPT_LANG, 'accept-language'],
  [BufferId.REFERER, 'referer'],
  [BufferId.CONTENT_TYPE, 'content-type'],
  [BufferId.CONTENT_LEN, 'content-length'],
  [BufferId.CONNECTION, 'connection'],
  [BufferId.SERVER, 'server'],
  [BufferId.LOCATION, 'location'],
]);

export class SectionLines {
  /** The section as sent, up to the empty line. */
  readonly raw: Uint8Array;
  readonly #fields: Fields;
  #lines: readonly Uint8Array[] | undefined;
  #names: Uint8Array | undefined;
  #whole: Uint8Array | undefined;

  constructor(fields: Fields, raw: Uint8Array) {
    this.#fields = fields;
    this.raw = raw;
  }

  /** The value that the buffer shows; undefined without such a line. */
  value(id: BufferId): Uint8Array | undefined {
    const name = values.get(id);
    return name === undefined ? undefined : this.#fields.get(name);
  }

  get(name: string): Uint8Array | undefined {
    return this.#fields.get(name);
  }

  /** `Name: value` number `instance`. */
  line(instance: number): Uint8Array | undefined {
    return (this.#lines ??= this.#fields.lines())[instance];
  }

  /** http.header_names */
  get names(): Uint8Array | undefined {
    const names = (this.#names ??= this.#fields.names());
    return names.length === 0 ? undefined : names;
  }

  /** http.start: the first line and all others, as far as they are there. */
  start(line: Uint8Array): Uint8Array {
    const lines = this.#fields.section('');
    return (this.#whole ??= Buffer.concat([line, END_OF_LINE, lines, lines.length > 0 ? END_OF_LINE : lines]));
  }
}
