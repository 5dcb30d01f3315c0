// SPDX-License-Identifier: Apache-2.0
// Sizes as operators write them.

import { IdsError } from './errors.js';

const units: Readonly<Record<string, number>> = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 };

/** Bytes of a text such as `64KiB`, `100MiB`, `2GiB` or a bare number. @throws IdsError SIZE_INVALID for anything else */
export function parseSize(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,15})((?:[KMGT]iB)?)$/.exec(text) ?? [];
  const bytes = Number(digits) * (units[unit] ?? NaN);
  if (digits !== '' && Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new IdsError(
    'SIZE_INVALID',
    `"${text}" is not a size: write for example 64KiB, 100MiB, 2GiB or a number of bytes`,
  );
}
