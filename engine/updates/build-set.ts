// SPDX-License-Identifier: Apache-2.0
// From what sources sent to the files of one generation of rules.

import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { IdsError, messageOf } from '../../common/errors.js';
import type { RuleSource } from '../../rules/index.js';
import { filterRules, noFilterCounts, type FilterCounts } from './filter-rules.js';
import { parseChanges, parseMatchers } from './matchers.js';
import { untar } from './untar.js';

/** The operator's files; what is absent changes nothing. */
export interface FilterFiles {
  readonly enable?: RuleSource;
  readonly disable?: RuleSource;
  readonly modify?: RuleSource;
  readonly drop?: RuleSource;
}

export interface SourceBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** `sha256:…` or `md5:…` in hexadecimal. */
  readonly checksum?: string;
  /** Bytes that it may have, unpacked. */
  readonly maxBytes: number;
}

export interface BuiltSet {
  /** Names with the source in front: `et-open/emerging-scan.rules`. */
  readonly files: readonly RuleSource[];
  readonly counts: FilterCounts;
}

const ENTRIES = 10_000;
const CONFIG = 'classification.config';

function check({ name, bytes, checksum }: SourceBytes): void {
  if (checksum === undefined) return;
  const [algorithm = '', wanted = ''] = checksum.split(':');
  const found = createHash(algorithm).update(bytes).digest('hex');
  if (found === wanted.toLowerCase()) return;
  throw new IdsError('UPDATE_REFUSED', `${name}: its ${algorithm} is ${found}, the configuration says ${wanted}`);
}

function unpacked({ name, bytes, maxBytes }: SourceBytes): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    const cause = `it cannot be unpacked within ${maxBytes} bytes (${messageOf(error)})`;
    throw new IdsError('UPDATE_REFUSED', `${name}: ${cause}`, { cause: error });
  }
}

const isTar = (bytes: Uint8Array): boolean =>
  bytes.length >= 512 && Buffer.from(bytes.subarray(257, 262)).toString('latin1') === 'ustar';

function filesOf(source: SourceBytes): { readonly path: string; readonly text: string }[] {
  check(source);
  const { name, maxBytes } = source;
  const bytes = unpacked(source);
  const text = (one: Uint8Array): string => Buffer.from(one.buffer, one.byteOffset, one.length).toString('utf8');
  if (!isTar(bytes)) return [{ path: `${name}.rules`, text: text(bytes) }];
  const wanted = (path: string): boolean => path.endsWith('.rules') || path.split('/').at(-1) === CONFIG;
  const files = untar(bytes, name, { entries: ENTRIES, bytes: maxBytes }, wanted);
  if (files.length === 0) throw new IdsError('UPDATE_REFUSED', `${name}: the archive holds no *.rules file`);
  return files.map((file) => ({ path: file.path, text: text(file.bytes) }));
}

/** @throws IdsError UPDATE_REFUSED */
export function buildSet(sources: readonly SourceBytes[], given: FilterFiles): BuiltSet {
  const filters = {
    disable: given.disable ? parseMatchers(given.disable) : [],
    enable: given.enable ? parseMatchers(given.enable) : [],
    drop: given.drop ? parseMatchers(given.drop) : [],
    modify: given.modify ? parseChanges(given.modify) : [],
  };
  const counts = { ...noFilterCounts };
  const files = new Map<string, string>();
  for (const source of sources) {
    for (const { path, text } of filesOf(source)) {
      const base = path.split('/').at(-1) ?? path;
      let file = `${source.name}/${base}`;
      for (let n = 2; files.has(file); n++) file = `${source.name}/${n}-${base}`;
      files.set(file, base === CONFIG ? text : filterRules(text, base, filters, counts));
    }
  }
  return { files: [...files].map(([file, text]) => ({ file, text })), counts };
}
