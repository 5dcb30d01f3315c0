// SPDX-License-Identifier: Apache-2.0
// DER (X.690) as certificates use it: definite lengths in their shortest form, tags of one byte.

/** A value: where its content lies, and where it begins with its tag. */
export interface DerValue {
  readonly tag: number;
  readonly start: number;
  readonly from: number;
  readonly to: number;
}

/** The value at `at`, all of it before `end`; undefined if it is not DER. */
export function readDer(bytes: Uint8Array, at: number, end: number): DerValue | undefined {
  const tag = bytes[at];
  let length = bytes[at + 1];
  if (at + 2 > end || tag === undefined || length === undefined || (tag & 0x1f) === 0x1f) return undefined;
  let from = at + 2;
  if (length >= 0x80) {
    const size = length & 0x7f;
    if (size === 0 || size > 3 || from + size > end) return undefined;
    length = 0;
    for (let n = 0; n < size; n++) length = length * 256 + (bytes[from++] ?? 0);
    if (length < 0x80 || length < 256 ** (size - 1)) return undefined;
  }
  const to = from + length;
  return to > end ? undefined : { tag, start: at, from, to };
}

/** The values within one, at most `most` of them; undefined if they do not fill it exactly. */
export function readChildren(bytes: Uint8Array, parent: DerValue, most: number): DerValue[] | undefined {
  const out: DerValue[] = [];
  for (let at = parent.from; at < parent.to;) {
    const value = readDer(bytes, at, parent.to);
    if (!value || out.length === most) return undefined;
    out.push(value);
    at = value.to;
  }
  return out;
}

/** An object identifier in dotted form; one with a number beyond 2^32 is cut before it. */
export function readOid(bytes: Uint8Array, { from, to }: DerValue): string {
  const parts: number[] = [];
  let number = 0;
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0;
    number = number * 128 + (byte & 0x7f);
    if (number >= 2 ** 32) break;
    if (byte & 0x80) continue;
    if (parts.length === 0) {
      const first = Math.min(2, Math.floor(number / 40));
      parts.push(first, number - 40 * first);
    } else parts.push(number);
    number = 0;
  }
  return parts.join('.');
}
